//! Limits: what is charged to one, who waits for it, and what a refusal says.

pub(crate) mod error;
pub(crate) mod wait_queue;
