//! Pictures as SVG: ratios on a log axis, and memory over the course of a message.
//!
//! The background is white, so that a picture reads the same on a light and on a dark page. The
//! colours are Okabe and Ito's, which colour-blind people can tell apart, and no meaning hangs on a
//! colour alone. Text is set in whatever sans-serif font the viewer has: nothing here needs a font.

mod canvas;
mod memory_chart;
mod ratio_chart;

pub use memory_chart::{MemoryChart, Panel, Series};
pub use ratio_chart::{RatioChart, RatioRow};
