//! Live bytes over the course of a message, in panels side by side.

use plotters::{coord::Shift, prelude::*};

use super::{Drawn, FONT, GRID, LOST, OURS, PALE_INK, picture};

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

/// What each state after the message's course takes of the axis, on which the course takes 1: the
/// message in hand, dropped, trimmed.
const STATE: f64 = 0.2;
const STATES: [&str; 3] = ["in hand", "dropped", "trimmed"];
/// A course is drawn in so many steps.
const STEPS: f64 = 300.0;
const MIB: f64 = 1_048_576.0;

impl MemoryChart {
    /// Draws the chart; the text is a whole SVG file.
    ///
    /// # Panics
    ///
    /// When there are no panels.
    #[must_use]
    pub fn to_svg(&self) -> String {
        assert!(!self.panels.is_empty(), "a chart of no panels");
        picture((980, 420), &self.title, |area| self.draw(area))
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
        let (panels, below) = area.split_vertically(330);
        let mib_max = self.panels.iter().map(Panel::mib_max).fold(1.0, f64::max);
        for (panel, area) in self.panels.iter().zip(panels.split_evenly((1, self.panels.len()))) {
            panel.draw(&area, mib_max)?;
        }
        for (line, note) in (0..).zip(&self.notes) {
            below.draw(&Text::new(
                note.as_str(),
                (16, 8 + line * 18),
                FONT.into_font().color(&PALE_INK),
            ))?;
        }
        Ok(())
    }
}

impl Panel {
    fn mib_max(&self) -> f64 {
        let lives = self.series.iter().flat_map(|series| &series.course).map(|(_, live)| *live);
        mib(lives.max().unwrap_or(0).max(self.message_bytes)) * 1.3
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>, mib_max: f64) -> Drawn {
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 17))
            .margin(8)
            .x_label_area_size(24)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.0 + 3.0 * STATE, 0.0..mib_max)?;
        let percent = |share: &f64| {
            if *share > 1.01 { String::new() } else { format!("{:.0} %", share * 100.0) }
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .label_style(FONT)
            .x_label_formatter(&percent)
            .y_label_formatter(&|mib| format!("{mib} MiB"))
            .draw()?;
        for (series, color) in self.series.iter().zip([OURS, LOST]).rev() {
            let area = AreaSeries::new(series.outline(), 0.0, color.mix(0.18));
            chart
                .draw_series(area.border_style(color.stroke_width(2)))?
                .label(&series.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2))
                });
        }
        let message = mib(self.message_bytes);
        chart
            .draw_series(LineSeries::new([(0.0, message), (1.0, message)], BLACK))?
            .label("the message itself")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 20, y)], BLACK));
        let states =
            (0..).zip(STATES).map(|(index, state)| (1.0 + f64::from(index) * STATE, state));
        chart.draw_series(
            states.clone().map(|(x, _)| PathElement::new([(x, 0.0), (x, mib_max)], GRID)),
        )?;
        chart.draw_series(states.map(|(x, state)| {
            Text::new(state, (x + 0.02, mib_max * 0.72), FONT.into_font().color(&PALE_INK))
        }))?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(FONT)
            .draw()
    }
}

impl Series {
    /// Returns the course in steps, each as high as its highest value, and the states after it.
    fn outline(&self) -> Vec<(f64, f64)> {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for (share, live) in &self.course {
            let (x, y) = ((share * STEPS).floor() / STEPS, mib(*live));
            match points.last_mut() {
                Some(last) if last.0 == x => last.1 = last.1.max(y),
                Some(&mut (_, before)) => points.extend([(x, before), (x, y)]),
                None => points.push((x, y)),
            }
        }
        let in_hand = self.course.last().map_or(0, |(_, live)| *live);
        for (index, bytes) in (0..).zip([in_hand, self.dropped, self.trimmed]) {
            let from = 1.0 + f64::from(index) * STATE;
            points.extend([(from, mib(bytes)), (from + STATE, mib(bytes))]);
        }
        points
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
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
    fn the_highest_value_of_a_step_is_drawn() {
        let chart = chart(vec![(0.0, 0), (0.500_01, 4 << 20), (0.500_02, 1 << 20), (1.0, 8 << 20)]);
        let points = chart.panels[0].series[0].outline();
        assert!(points.contains(&(0.5, 4.0)), "{points:?}");
        assert!(!points.contains(&(0.5, 1.0)), "{points:?}");
        let last: Vec<_> = points.iter().rev().take(2).map(|(_, mib)| *mib).collect();
        assert_eq!(last, [1.0 / 1024.0; 2]);
    }

    #[test]
    fn a_chart_is_a_whole_file() {
        let svg = chart(vec![(0.0, 0), (1.0, 8 << 20)]).to_svg();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for text in ["a body", "a note", "segmented", "dropped", "trimmed", "100 %"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
