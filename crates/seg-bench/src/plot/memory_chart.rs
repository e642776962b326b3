//! Live bytes over the course of a message, in panels side by side.

use plotters::style::RGBColor;

use super::canvas::{Align, Canvas, Drawn, GRID, INK, LOST, OURS, PALE_INK};

/// What several messages held while they came in, each in a panel of its own.
#[derive(Clone, Debug)]
pub struct MemoryChart {
    /// The line above the picture.
    pub title: String,
    /// The lines below it: how it was measured.
    pub notes: Vec<String>,
    /// The panels, from left to right; all have the same axis.
    pub panels: Vec<Panel>,
}

/// One message, received in several ways.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What the message is.
    pub title: String,
    /// Bytes in the message: a line to hold the others against.
    pub message_bytes: u64,
    /// The ways; at most two.
    pub series: Vec<Series>,
}

/// One way to receive.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Share of the message that was received, from 0 to 1, and the bytes live at that moment. The
    /// last stay while the message is in hand.
    pub course: Vec<(f64, u64)>,
    /// Bytes that stay when the message is dropped.
    pub dropped: u64,
    /// Bytes that stay when idle memory was given back, too.
    pub trimmed: u64,
}

const WIDTH: i32 = 980;
const HEIGHT: i32 = 420;
const TOP: i32 = 96;
const BOTTOM: i32 = 330;
/// Left of a panel's plot: the axis.
const MARGIN: i32 = 76;
/// What the message's course takes of a panel's width; the rest shows what stays.
const COURSE_SHARE: f64 = 0.61;
/// What each state after it takes: the message in hand, dropped, trimmed.
const STATE_SHARE: f64 = (1.0 - COURSE_SHARE) / 3.0;
const MIB: f64 = 1_048_576.0;
const COLORS: [RGBColor; 2] = [OURS, LOST];

impl MemoryChart {
    /// Draws the chart; the text is a whole SVG file.
    ///
    /// # Panics
    ///
    /// When there are no panels.
    #[must_use]
    pub fn to_svg(&self) -> String {
        assert!(!self.panels.is_empty(), "a chart of no panels");
        let size = (WIDTH.unsigned_abs(), HEIGHT.unsigned_abs());
        Canvas::picture(size, &self.title, |canvas| self.draw(canvas))
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Drawn {
        self.draw_legend(canvas)?;
        let count = i32::try_from(self.panels.len()).unwrap_or(1);
        let width = (WIDTH - 16) / count;
        let mib_max = self.panels.iter().map(Panel::mib_max).fold(1.0, f64::max);
        for (index, panel) in (0..).zip(&self.panels) {
            let left = index * width + MARGIN;
            let frame = Frame { left, right: (index + 1) * width - 8, mib_max };
            panel.draw(canvas, &frame)?;
        }
        for (line, note) in (0..).zip(&self.notes) {
            let y = BOTTOM + 48 + line * 17;
            canvas.text(note, (16, y), (12, false), Align::Left, PALE_INK)?;
        }
        Ok(())
    }

    fn draw_legend(&self, canvas: &Canvas<'_>) -> Drawn {
        let names = self.panels.iter().flat_map(|panel| &panel.series).take(COLORS.len());
        for (index, (series, color)) in (0..).zip(names.zip(COLORS)) {
            let x = 16 + index * 330;
            canvas.line(vec![(x, 48), (x + 26, 48)], 3, color)?;
            canvas.text(&series.name, (x + 34, 48), (13, false), Align::Left, INK)?;
        }
        let x = 16 + 610;
        canvas.line(vec![(x, 48), (x + 26, 48)], 1, INK)?;
        canvas.text("the message itself", (x + 34, 48), (13, false), Align::Left, INK)
    }
}

/// Where a panel's plot lies, and how high its axis goes.
struct Frame {
    left: i32,
    right: i32,
    mib_max: f64,
}

impl Frame {
    #[expect(clippy::cast_possible_truncation, reason = "a pixel inside the picture")]
    fn x(&self, share: f64) -> i32 {
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }

    /// The place of a share of the message.
    fn course_x(&self, share: f64) -> i32 {
        self.x(share * COURSE_SHARE)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a pixel inside the picture")]
    fn y(&self, bytes: u64) -> i32 {
        let share = mib(bytes) / self.mib_max;
        BOTTOM - (share * f64::from(BOTTOM - TOP)).round() as i32
    }

    fn draw(&self, canvas: &Canvas<'_>) -> Drawn {
        let step = step_mib(self.mib_max);
        let mut tick = 0_u64;
        while tick as f64 <= self.mib_max {
            let y = self.y(tick << 20);
            canvas.line(vec![(self.left, y), (self.right, y)], 1, GRID)?;
            let name = format!("{tick} MiB");
            canvas.text(&name, (self.left - 8, y), (12, false), Align::Right, PALE_INK)?;
            tick += step;
        }
        let percents =
            [(0.0, "0 %", Align::Left), (0.5, "50 %", Align::Middle), (1.0, "100 %", Align::Right)];
        for (share, name, align) in percents {
            let x = self.course_x(share);
            canvas.line(vec![(x, BOTTOM), (x, BOTTOM + 5)], 1, PALE_INK)?;
            canvas.text(name, (x, BOTTOM + 15), (12, false), align, PALE_INK)?;
        }
        for (index, name) in ["in hand", "dropped", "trimmed"].into_iter().enumerate() {
            let from = COURSE_SHARE + index as f64 * STATE_SHARE;
            let (edge, middle) = (self.x(from), self.x(from + STATE_SHARE / 2.0));
            canvas.line(vec![(edge, TOP), (edge, BOTTOM)], 1, GRID)?;
            canvas.text(name, (middle, BOTTOM + 15), (11, false), Align::Middle, PALE_INK)?;
        }
        Ok(())
    }
}

impl Panel {
    fn mib_max(&self) -> f64 {
        let lives = self.series.iter().flat_map(|series| &series.course).map(|(_, live)| *live);
        mib(lives.max().unwrap_or(0).max(self.message_bytes)) * 1.06
    }

    fn draw(&self, canvas: &Canvas<'_>, frame: &Frame) -> Drawn {
        canvas.text(&self.title, (frame.left, TOP - 18), (13, true), Align::Left, INK)?;
        frame.draw(canvas)?;
        let y = frame.y(self.message_bytes);
        canvas.line(vec![(frame.left, y), (frame.course_x(1.0), y)], 1, INK)?;
        for (series, color) in self.series.iter().zip(COLORS).rev() {
            series.draw(canvas, frame, color)?;
        }
        Ok(())
    }
}

impl Series {
    fn draw(&self, canvas: &Canvas<'_>, frame: &Frame, color: RGBColor) -> Drawn {
        let mut points = self.outline(frame);
        let in_hand = self.course.last().map_or(0, |(_, live)| *live);
        for (index, bytes) in [in_hand, self.dropped, self.trimmed].into_iter().enumerate() {
            let from = COURSE_SHARE + index as f64 * STATE_SHARE;
            let to = frame.x(from + STATE_SHARE);
            points.extend([(frame.x(from), frame.y(bytes)), (to, frame.y(bytes))]);
        }
        let mut area = points.clone();
        area.extend([(frame.right, BOTTOM), (frame.left, BOTTOM)]);
        canvas.shade(area, color)?;
        canvas.line(points, 2, color)
    }

    /// Returns steps, the highest value of each column of pixels.
    fn outline(&self, frame: &Frame) -> Vec<(i32, i32)> {
        let mut points: Vec<(i32, i32)> = Vec::new();
        for (share, live) in &self.course {
            let (x, y) = (frame.course_x(*share), frame.y(*live));
            match points.last_mut() {
                Some(last) if last.0 == x => last.1 = last.1.min(y),
                Some(last) => {
                    let before = last.1;
                    if before != y {
                        points.extend([(x, before), (x, y)]);
                    }
                }
                None => points.push((x, y)),
            }
        }
        let last = points.last().map_or(BOTTOM, |last| last.1);
        points.push((frame.course_x(1.0), last));
        points
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}

/// Returns a round number of which about six fit.
fn step_mib(mib_max: f64) -> u64 {
    let steps = (0..40).map(|power| 1_u64 << power);
    steps.into_iter().find(|step| mib_max / *step as f64 <= 7.0).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(course: Vec<(f64, u64)>) -> MemoryChart {
        let series =
            Series { name: "segmented".into(), course, dropped: 1 << 20, trimmed: 1 << 10 };
        let panel = Panel { title: "a body".into(), message_bytes: 8 << 20, series: vec![series] };
        MemoryChart { title: "t".into(), notes: vec!["a note".into()], panels: vec![panel] }
    }

    #[test]
    fn the_highest_value_of_a_column_is_drawn() {
        let chart = chart(vec![(0.0, 0), (0.500_01, 4 << 20), (0.500_02, 1 << 20), (1.0, 8 << 20)]);
        let frame = Frame { left: 0, right: 1000, mib_max: 8.0 };
        let points = chart.panels[0].series[0].outline(&frame);
        assert!(points.contains(&(305, frame.y(4 << 20))), "{points:?}");
        assert!(!points.contains(&(305, frame.y(1 << 20))), "{points:?}");
        assert_eq!(points.last(), Some(&(610, frame.y(8 << 20))));
    }

    #[test]
    fn a_chart_is_a_whole_file() {
        let svg = chart(vec![(0.0, 0), (1.0, 8 << 20)]).to_svg();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for text in ["a body", "a note", "segmented", "dropped", "trimmed", "100 %"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!((step_mib(4.0), step_mib(70.0), step_mib(140.0)), (1, 16, 32));
    }
}
