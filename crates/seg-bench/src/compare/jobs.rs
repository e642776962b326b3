//! The jobs, one file a layer.

mod chunked;
mod flate;
mod pool;
mod seal;
mod seq;
mod socket;
mod udp;
mod way;
mod ws;

use super::Job;

/// A layer's name and how to make its jobs.
pub type Layer = (&'static str, fn() -> Vec<Job>);

/// All layers that have jobs, lowest first.
pub const LAYERS: &[Layer] = &[
    ("pool", pool::jobs),
    ("seq", || seq::jobs().into_iter().chain(udp::jobs()).collect()),
    ("flate", flate::jobs),
    ("chunked", chunked::jobs),
    ("ws", ws::jobs),
];
