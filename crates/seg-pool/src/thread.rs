//! What one thread keeps for itself.

pub(crate) mod thread_cache;
