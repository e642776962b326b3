//! What threads exchange: whole magazines of idle segments.

pub(crate) mod depot;
pub(crate) mod magazine;
