//! Limits: what is charged to one, who waits for it, and what a refusal says.

pub(crate) mod account;
pub(crate) mod out_of_memory;
pub(crate) mod wait_queue;
