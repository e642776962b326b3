//! Jobs below each other, contenders as marks on a log axis of times or bytes.

use plotters::{coord::Shift, prelude::*};

use super::{Drawn, FONT, GRID, LOST, OURS, PALE_INK, picture};

/// What the marks stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Times, each divided by the time that the job is held against.
    Ratio,
    /// Bytes that a connection keeps.
    Bytes,
}

/// Figures of jobs that belong together.
#[derive(Clone, Debug)]
pub struct DotChart {
    /// The line above the picture.
    pub title: String,
    /// What the marks stand for.
    pub measure: Measure,
    /// The jobs, top down.
    pub rows: Vec<DotRow>,
}

/// One job. Less is better.
#[derive(Clone, Debug)]
pub struct DotRow {
    /// The job's name.
    pub label: String,
    /// What ours is held against.
    pub against: String,
    /// The mark of that one: 1 where the marks are ratios to it.
    pub even: f64,
    /// Whether that is a floor, because the job has no peers.
    pub against_floor: bool,
    /// Our mark.
    pub ours: f64,
    /// The same for other ways to use our crates.
    pub other_ways: Vec<f64>,
    /// The same for the other peers.
    pub peers: Vec<f64>,
    /// The same for the floors.
    pub floors: Vec<f64>,
}

/// A ratio outside of these is drawn at the edge: most of a picture would be empty otherwise.
const RATIO_MAX: f64 = 20.0;
const RATIO_MIN: f64 = 0.02;
/// A ratio above this is a loss; less is what repeated runs differ by.
const EVEN: f64 = 1.02;

impl DotChart {
    /// Draws the chart; the text is a whole SVG file.
    ///
    /// # Panics
    ///
    /// When there are no rows.
    #[must_use]
    pub fn to_svg(&self) -> String {
        assert!(!self.rows.is_empty(), "a chart of no jobs");
        let height = 130 + 24 * u32::try_from(self.rows.len()).unwrap_or(1 << 20);
        picture((980, height), &self.title, |area| self.draw(area))
    }

    fn draw(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Drawn {
        let (min, max) = self.ends();
        // An axis of one place has no label.
        let count = self.rows.len().max(2);
        let (_, height) = area.dim_in_pixel();
        let (area, below) = area.split_vertically(height - 30);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(480)
            .build_cartesian_2d((min..max).log_scale(), (0..count - 1).into_segmented())?;
        // The first job is on top.
        let y = |index: usize| SegmentValue::CenterOf(count - 1 - index);
        let label = |value: &SegmentValue<usize>| match value {
            SegmentValue::CenterOf(place) => self
                .rows
                .get(count - 1 - place)
                .map_or_else(String::new, |row| self.measure.label(row)),
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .label_style(FONT)
            .y_labels(count)
            .y_label_formatter(&label)
            .x_label_formatter(&|mark| self.measure.shown(*mark))
            .x_desc(self.measure.axis())
            .draw()?;
        let shown = |mark: f64| mark.clamp(min, max);
        if self.measure == Measure::Ratio {
            let even = [(1.0, SegmentValue::Exact(0)), (1.0, SegmentValue::Last)];
            chart.draw_series([PathElement::new(even, PALE_INK.stroke_width(2))])?;
        }
        let marks = |of: fn(&DotRow) -> &[f64]| {
            let rows = self.rows.iter().enumerate();
            let marks =
                rows.flat_map(move |(index, row)| of(row).iter().map(move |ratio| (*ratio, index)));
            marks.map(|(ratio, index)| (shown(ratio), y(index))).collect::<Vec<_>>()
        };
        let floor = |at| Cross::new(at, 5, PALE_INK);
        chart.draw_series(marks(|row| &row.floors).into_iter().map(floor))?;
        let peer = |at| Circle::new(at, 4, PALE_INK.stroke_width(2));
        chart.draw_series(marks(|row| &row.peers).into_iter().map(peer))?;
        let other_way = |at| Circle::new(at, 4, OURS.stroke_width(2));
        chart.draw_series(marks(|row| &row.other_ways).into_iter().map(other_way))?;
        for (index, row) in self.rows.iter().enumerate() {
            let at = (shown(row.ours), y(index));
            if row.is_lost() {
                chart.draw_series([TriangleMarker::new(at, 7, LOST.filled())])?;
            } else {
                chart.draw_series([Circle::new(at, 6, OURS.filled())])?;
            }
        }
        // What the marks mean.
        let y = 12;
        below.draw(&Cross::new((20, y), 5, PALE_INK))?;
        below.draw(&Circle::new((240, y), 4, PALE_INK.stroke_width(2)))?;
        below.draw(&Circle::new((340, y), 4, OURS.stroke_width(2)))?;
        below.draw(&Circle::new((490, y), 6, OURS.filled()))?;
        below.draw(&TriangleMarker::new((640, y), 7, LOST.filled()))?;
        let meanings = [
            (20, "floor: a part of the work alone"),
            (240, "other peers"),
            (340, "ours, used otherwise"),
            (490, "ours, ahead or even"),
            (640, "ours, behind the best peer"),
        ];
        meanings
            .into_iter()
            .try_for_each(|(x, text)| below.draw(&Text::new(text, (x + 12, y - 7), FONT)))
    }

    /// The axis takes in every mark, ratios up to their limits.
    fn ends(&self) -> (f64, f64) {
        let marks = self.rows.iter().flat_map(|row| {
            let others = row.other_ways.iter().chain(&row.peers).chain(&row.floors);
            others.chain([&row.ours, &row.even]).copied()
        });
        let ends = |first| {
            marks.fold(first, |(min, max), mark| (f64::min(min, mark), f64::max(max, mark)))
        };
        match self.measure {
            Measure::Ratio => {
                let (min, max) = ends((0.5, 2.0));
                (min.max(RATIO_MIN) * 0.9, max.min(RATIO_MAX) * 1.1)
            }
            Measure::Bytes => {
                let (min, max) = ends((f64::INFINITY, 0.0));
                (min * 0.7, max * 1.4)
            }
        }
    }
}

impl Measure {
    fn axis(self) -> &'static str {
        match self {
            Self::Ratio => "◀ faster · our time ÷ time of the other, log scale · slower ▶",
            Self::Bytes => "◀ less · bytes, log scale · more ▶",
        }
    }

    fn shown(self, mark: f64) -> String {
        match self {
            Self::Ratio => format!("{mark}×"),
            Self::Bytes => format!("{mark:.0}"),
        }
    }

    fn label(self, row: &DotRow) -> String {
        let DotRow { label, against, ours, even, .. } = row;
        let note = if row.against_floor { " (floor)" } else { "" };
        match self {
            Self::Ratio => format!("{label}: {ours:.2} of {against}{note}"),
            Self::Bytes => format!("{label}: {ours:.0}; {against}{note} {even:.0}"),
        }
    }
}

impl DotRow {
    /// Nobody is expected to beat a part of the work.
    fn is_lost(&self) -> bool {
        (self.ours / self.even * 100.0).round() / 100.0 > EVEN && !self.against_floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, peers: Vec<f64>) -> DotRow {
        let against = "a peer <&>".to_owned();
        let (other_ways, floors) = (vec![0.7], vec![0.4]);
        let (label, even, against_floor) = ("layer/job".to_owned(), 1.0, false);
        DotRow { label, against, even, against_floor, ours, other_ways, peers, floors }
    }

    #[test]
    fn the_axis_takes_in_every_mark_up_to_its_ends() {
        let chart = |row| DotChart { title: "t".into(), measure: Measure::Ratio, rows: vec![row] };
        assert_eq!(chart(row(0.1, vec![3.0])).ends(), (0.1 * 0.9, 3.0 * 1.1));
        assert_eq!(chart(row(0.001, vec![1_000.0])).ends(), (RATIO_MIN * 0.9, RATIO_MAX * 1.1));
        let bytes = DotChart { measure: Measure::Bytes, ..chart(row(400.0, vec![1e6])) };
        assert_eq!(bytes.ends(), (0.4 * 0.7, 1e6 * 1.4));
    }

    #[test]
    fn a_loss_looks_other_than_a_win() {
        let chart = |ours| {
            DotChart { title: "t".into(), measure: Measure::Ratio, rows: vec![row(ours, vec![])] }
                .to_svg()
        };
        let (won, lost) = (chart(0.5), chart(1.5));
        let orange = |svg: &str| svg.to_uppercase().matches("#D55E00").count();
        assert!(orange(&lost) > orange(&won), "{lost}");
        let to_floor = DotRow { against_floor: true, ..row(1.5, vec![]) };
        let to_floor =
            DotChart { title: "t".into(), measure: Measure::Ratio, rows: vec![to_floor] }.to_svg();
        assert_eq!(orange(&to_floor), orange(&won), "a floor is no peer");
        assert!(won.contains("a peer &lt;&amp;&gt;"), "{won}");
        assert!(won.starts_with("<svg") && won.trim_end().ends_with("</svg>"));
    }
}
