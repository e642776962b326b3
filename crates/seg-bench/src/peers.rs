//! Real peers that are not ours, in a process of their own.
//!
//! They send; our stack receives. They live in a child process so that neither their allocations
//! nor their time on our thread is counted: [`Peers`] starts it and ends it, [`child::serve`] is its
//! inside.

pub mod child;
mod http_origin;
mod payload;
mod process;
mod ws_server;

pub use self::{
    http_origin::serve as serve_http, payload::Payload, process::Peers,
    ws_server::serve as serve_ws,
};

/// Bytes in each HTTP chunk and in each WebSocket frame that the peers send.
pub const FRAGMENT_BYTES: usize = 16 * 1024;
