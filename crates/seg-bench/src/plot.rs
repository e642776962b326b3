//! Pictures as SVG: ratios or bytes on a log axis, and memory over the course of a message.
//!
//! The background is white, so that a picture reads the same on a light and on a dark page. The
//! colours are Okabe and Ito's, which colour-blind people can tell apart, and no meaning hangs on a
//! colour alone. Text is set in whatever sans-serif font the viewer has: nothing here needs a font.

mod dot_chart;
mod memory_chart;

use plotters::{coord::Shift, prelude::*};

pub use dot_chart::{DotChart, DotRow, Measure};
pub use memory_chart::{MemoryChart, Panel, Series};

const PALE_INK: RGBColor = RGBColor(0x66, 0x66, 0x66);
const GRID: RGBColor = RGBColor(0xe3, 0xe3, 0xe3);
const OURS: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const LOST: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
const FONT: (&str, i32) = ("sans-serif", 15);

/// What drawing returns; into memory it never fails.
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws a picture of so many pixels with a title above it; returns a whole SVG file.
fn picture<'a>(
    size: (u32, u32),
    title: &str,
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Drawn + 'a,
) -> String {
    let mut svg = String::new();
    let drawing = || -> Drawn {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area.titled(title, ("sans-serif", 21))?)?;
        area.present()
    };
    drawing().expect("drawing into memory");
    svg
}
