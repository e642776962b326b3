//! Jobs below each other, contenders as marks on a log axis of times.

use core::fmt;

use plotters::{coord::Shift, prelude::*};

use super::{Drawn, FONT, GRID, LOST, OURS, PALE_INK, picture};

/// Times of one layer's jobs, each divided by the time that it is held against.
#[derive(Clone, Debug)]
pub struct RatioChart {
    /// The line above the picture.
    pub title: String,
    /// The jobs, top down.
    pub rows: Vec<RatioRow>,
}

/// One job. A ratio below 1 is faster than what the job is held against.
#[derive(Clone, Debug)]
pub struct RatioRow {
    /// The job's name.
    pub label: String,
    /// What the ratios are to.
    pub against: String,
    /// Whether that is a floor, because the job has no peers.
    pub against_floor: bool,
    /// Our time over that one's.
    pub ours: f64,
    /// The same for other ways to use our crates.
    pub other_ways: Vec<f64>,
    /// The same for the other peers.
    pub peers: Vec<f64>,
    /// The same for the floors.
    pub floors: Vec<f64>,
}

/// What is slower or faster than this is drawn at the edge: most of a picture would be empty otherwise.
const RATIO_MAX: f64 = 20.0;
const RATIO_MIN: f64 = 0.02;
/// A ratio above this is a loss; less is what repeated runs differ by.
const EVEN: f64 = 1.02;

impl RatioChart {
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
            SegmentValue::CenterOf(place) => {
                self.rows.get(count - 1 - place).map_or_else(String::new, ToString::to_string)
            }
            _ => String::new(),
        };
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .label_style(FONT)
            .y_labels(count)
            .y_label_formatter(&label)
            .x_label_formatter(&|ratio| format!("{ratio}×"))
            .x_desc("◀ faster · our time ÷ time of the other · slower ▶")
            .draw()?;
        let shown = |ratio: f64| ratio.clamp(RATIO_MIN, RATIO_MAX);
        let even = [(1.0, SegmentValue::Exact(0)), (1.0, SegmentValue::Last)];
        chart.draw_series([PathElement::new(even, PALE_INK.stroke_width(2))])?;
        let marks = |of: fn(&RatioRow) -> &[f64]| {
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
            (490, "ours, faster or even"),
            (640, "ours, slower than the best peer"),
        ];
        meanings
            .into_iter()
            .try_for_each(|(x, text)| below.draw(&Text::new(text, (x + 12, y - 7), FONT)))
    }

    /// The axis takes in every mark.
    fn ends(&self) -> (f64, f64) {
        let marks = self.rows.iter().flat_map(|row| {
            let others = row.other_ways.iter().chain(&row.peers).chain(&row.floors);
            others.chain([&row.ours]).copied()
        });
        let (min, max) =
            marks.fold((0.5, 2.0), |(min, max), mark| (f64::min(min, mark), f64::max(max, mark)));
        (min.max(RATIO_MIN) * 0.9, max.min(RATIO_MAX) * 1.1)
    }
}

impl RatioRow {
    /// Nobody is expected to beat a part of the work.
    fn is_lost(&self) -> bool {
        (self.ours * 100.0).round() / 100.0 > EVEN && !self.against_floor
    }
}

impl fmt::Display for RatioRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, against, ours, .. } = self;
        let note = if self.against_floor { " (floor)" } else { "" };
        write!(f, "{label}: {ours:.2} of {against}{note}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, peers: Vec<f64>) -> RatioRow {
        let against = "a peer <&>".to_owned();
        let (other_ways, floors) = (vec![0.7], vec![0.4]);
        let (label, against_floor) = ("layer/job".to_owned(), false);
        RatioRow { label, against, against_floor, ours, other_ways, peers, floors }
    }

    #[test]
    fn the_axis_takes_in_every_mark_up_to_its_ends() {
        let chart = |row| RatioChart { title: "t".into(), rows: vec![row] };
        assert_eq!(chart(row(0.1, vec![3.0])).ends(), (0.1 * 0.9, 3.0 * 1.1));
        assert_eq!(chart(row(0.001, vec![1_000.0])).ends(), (RATIO_MIN * 0.9, RATIO_MAX * 1.1));
    }

    #[test]
    fn a_loss_looks_other_than_a_win() {
        let chart = |ours| RatioChart { title: "t".into(), rows: vec![row(ours, vec![])] }.to_svg();
        let (won, lost) = (chart(0.5), chart(1.5));
        let orange = |svg: &str| svg.to_uppercase().matches("#D55E00").count();
        assert!(orange(&lost) > orange(&won), "{lost}");
        let to_floor = RatioRow { against_floor: true, ..row(1.5, vec![]) };
        let to_floor = RatioChart { title: "t".into(), rows: vec![to_floor] }.to_svg();
        assert_eq!(orange(&to_floor), orange(&won), "a floor is no peer");
        assert!(won.contains("a peer &lt;&amp;&gt;"), "{won}");
        assert!(won.starts_with("<svg") && won.trim_end().ends_with("</svg>"));
    }
}
