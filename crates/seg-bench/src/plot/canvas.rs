//! Shapes and text at pixels, in the colours of all pictures.

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// What plotters reports when drawing fails; into memory it never does.
type Failure = DrawingAreaErrorKind<std::io::Error>;

pub(super) type Drawn = Result<(), Failure>;

pub(super) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(super) const PALE_INK: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(super) const GRID: RGBColor = RGBColor(0xe3, 0xe3, 0xe3);
pub(super) const BAND: RGBColor = RGBColor(0xf6, 0xf7, 0xf9);
pub(super) const OURS: RGBColor = RGBColor(0x00, 0x72, 0xb2);
pub(super) const LOST: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
pub(super) const PEER: RGBColor = RGBColor(0x9a, 0x9a, 0x9a);

/// How a line of text lies to the point that it is put at.
#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// A picture in the making.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl Canvas<'_> {
    /// Draws a picture of so many pixels with a title above it; returns a whole SVG file.
    pub(super) fn picture(
        size: (u32, u32),
        title: &str,
        draw: impl FnOnce(&Canvas<'_>) -> Drawn,
    ) -> String {
        let mut svg = String::new();
        Self::draw(&mut svg, size, title, draw).expect("drawing into memory");
        svg
    }

    fn draw(
        svg: &mut String,
        size: (u32, u32),
        title: &str,
        draw: impl FnOnce(&Canvas<'_>) -> Drawn,
    ) -> Drawn {
        let canvas = Canvas { area: SVGBackend::with_string(svg, size).into_drawing_area() };
        canvas.area.fill(&WHITE)?;
        canvas.text(title, (16, 22), (17, true), Align::Left, INK)?;
        draw(&canvas)?;
        canvas.area.present()
    }

    /// Writes one line, its middle at `at`'s height. `size` is the height of the font in pixels.
    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        (size, bold): (u32, bool),
        align: Align,
        color: RGBColor,
    ) -> Drawn {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
        // plotters divides by 1.24 on the way to the SVG.
        let font = ("sans-serif", f64::from(size) * 1.24, style);
        let style =
            TextStyle::from(font.into_font()).color(&color).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), at, style))
    }

    pub(super) fn line(&self, points: Vec<(i32, i32)>, width: u32, color: RGBColor) -> Drawn {
        self.area.draw(&PathElement::new(points, color.stroke_width(width)))
    }

    pub(super) fn rectangle(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Drawn {
        self.area.draw(&Rectangle::new([from, to], color.filled()))
    }

    /// Fills what the points enclose, so that what lies under it shines through.
    pub(super) fn shade(&self, points: Vec<(i32, i32)>, color: RGBColor) -> Drawn {
        self.area.draw(&Polygon::new(points, color.mix(0.18).filled()))
    }

    pub(super) fn dot(&self, at: (i32, i32), radius: u32, color: RGBColor) -> Drawn {
        self.area.draw(&Circle::new(at, radius, color.filled()))
    }

    /// A circle that leaves its inside white.
    pub(super) fn ring(&self, at: (i32, i32), radius: u32, color: RGBColor) -> Drawn {
        self.area.draw(&Circle::new(at, radius, WHITE.filled()))?;
        self.area.draw(&Circle::new(at, radius, color.stroke_width(2)))
    }
}
