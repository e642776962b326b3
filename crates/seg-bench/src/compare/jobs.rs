//! The jobs, one file a layer.

mod pool;

use super::Job;

/// A layer's name and how to make its jobs.
pub type Layer = (&'static str, fn() -> Vec<Job>);

/// All layers that have jobs, lowest first.
pub const LAYERS: &[Layer] = &[("pool", pool::jobs)];
