//! What threads exchange: whole magazines of idle segments.

pub(crate) mod counters;
pub(crate) mod depot;
pub(crate) mod magazine;
