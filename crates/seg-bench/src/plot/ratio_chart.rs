//! Jobs below each other, contenders as marks on a log axis of times.

use super::canvas::{Align, BAND, Canvas, Drawn, GRID, INK, LOST, OURS, PALE_INK, PEER};

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

const WIDTH: u32 = 980;
const ROW_HEIGHT: i32 = 24;
const HEAD_HEIGHT: i32 = 92;
const FOOT_HEIGHT: i32 = 40;
/// Where the marks begin and end.
const LEFT: i32 = 332;
const RIGHT: i32 = 684;
/// What a tick's name takes at most.
const TICK_WIDTH: i32 = 38;
/// Slower than this is drawn at the edge: most of a picture would be empty otherwise.
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
        let rows_height = ROW_HEIGHT * i32::try_from(self.rows.len()).unwrap_or(i32::MAX / 64);
        let bottom = HEAD_HEIGHT + rows_height;
        let size = (WIDTH, (bottom + FOOT_HEIGHT).unsigned_abs());
        Canvas::picture(size, &self.title, |canvas| self.draw(canvas, bottom))
    }

    /// Draws the rows, the last of which ends at `bottom`.
    fn draw(&self, canvas: &Canvas<'_>, bottom: i32) -> Drawn {
        let axis = Axis::over(&self.rows);
        Self::draw_head(canvas)?;
        for (index, row) in (0..).zip(&self.rows) {
            let top = HEAD_HEIGHT + index * ROW_HEIGHT;
            if index % 2 == 0 {
                canvas.rectangle((8, top), (972, top + ROW_HEIGHT), BAND)?;
            }
            // The grid lies below the marks and above the bands.
            for (ratio, _) in axis.ticks() {
                let x = axis.x(ratio);
                let (width, color) = if ratio == 1.0 { (2, PALE_INK) } else { (1, GRID) };
                canvas.line(vec![(x, top), (x, top + ROW_HEIGHT)], width, color)?;
            }
            row.draw(canvas, &axis, top + ROW_HEIGHT / 2)?;
        }
        let below = bottom + 14;
        let mut free_from = i32::MIN;
        for (ratio, name) in axis.ticks() {
            let x = axis.x(ratio);
            if x >= free_from || ratio == 1.0 {
                canvas.text(&name, (x, below), (12, false), Align::Middle, PALE_INK)?;
                free_from = x + TICK_WIDTH;
            }
        }
        Ok(())
    }

    fn draw_head(canvas: &Canvas<'_>) -> Drawn {
        let y = 48;
        canvas.dot((22, y), 6, OURS)?;
        canvas.text("ours, faster or even", (34, y), (12, false), Align::Left, INK)?;
        canvas.rectangle((169, y - 6), (181, y + 6), LOST)?;
        canvas.text("ours, slower than the best peer", (188, y), (12, false), Align::Left, INK)?;
        canvas.ring((396, y), 4, OURS)?;
        canvas.text("ours, used otherwise", (406, y), (12, false), Align::Left, INK)?;
        canvas.ring((552, y), 4, PEER)?;
        canvas.text("other peers", (562, y), (12, false), Align::Left, INK)?;
        canvas.line(vec![(656, y - 7), (656, y + 7)], 3, PALE_INK)?;
        canvas.text("floor: a part of the work alone", (664, y), (12, false), Align::Left, INK)?;
        let y = HEAD_HEIGHT - 14;
        canvas.text("◀ faster", (LEFT, y), (12, false), Align::Left, PALE_INK)?;
        canvas.text("slower ▶", (RIGHT, y), (12, false), Align::Right, PALE_INK)?;
        canvas.text("our time ÷ time of", (RIGHT + 20, y), (12, true), Align::Left, INK)
    }
}

impl RatioRow {
    fn draw(&self, canvas: &Canvas<'_>, axis: &Axis, y: i32) -> Drawn {
        canvas.text(&self.label, (LEFT - 16, y), (13, false), Align::Right, INK)?;
        for floor in &self.floors {
            let x = axis.x(*floor);
            canvas.line(vec![(x, y - 7), (x, y + 7)], 3, PALE_INK)?;
        }
        for peer in &self.peers {
            canvas.ring((axis.x(*peer), y), 4, PEER)?;
        }
        for way in &self.other_ways {
            canvas.ring((axis.x(*way), y), 4, OURS)?;
        }
        let x = axis.x(self.ours);
        // Nobody is expected to beat a part of the work.
        let shown = (self.ours * 100.0).round() / 100.0;
        let lost = shown > EVEN && !self.against_floor;
        if lost {
            canvas.rectangle((x - 6, y - 6), (x + 6, y + 6), LOST)?;
        } else {
            canvas.dot((x, y), 6, OURS)?;
        }
        let color = match (lost, self.against_floor) {
            (true, _) => LOST,
            (false, true) => PALE_INK,
            (false, false) => OURS,
        };
        let ratio = format!("{:.2}", self.ours);
        canvas.text(&ratio, (RIGHT + 56, y), (13, true), Align::Right, color)?;
        let note = if self.against_floor { " (floor)" } else { "" };
        let against = format!("{}{note}", self.against);
        canvas.text(&against, (RIGHT + 66, y), (12, false), Align::Left, PALE_INK)
    }
}

/// From ratios to pixels.
struct Axis {
    min: f64,
    max: f64,
}

impl Axis {
    const TICKS: [f64; 10] = [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];

    /// Takes in every mark, from tick to tick.
    fn over(rows: &[RatioRow]) -> Self {
        let marks = rows.iter().flat_map(|row| {
            let others = row.other_ways.iter().chain(&row.peers).chain(&row.floors);
            others.chain([&row.ours]).copied()
        });
        let (mut min, mut max) = (0.5, 2.0);
        for mark in marks {
            min = f64::min(min, mark);
            max = f64::max(max, mark);
        }
        let below = Self::TICKS.into_iter().rev().find(|tick| *tick <= min);
        let above = Self::TICKS.into_iter().find(|tick| *tick >= max);
        Self { min: below.unwrap_or(RATIO_MIN), max: above.unwrap_or(RATIO_MAX) }
    }

    /// Returns the ticks on the axis, each with its name.
    fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let on_axis = Self::TICKS.into_iter().filter(|tick| (self.min..=self.max).contains(tick));
        on_axis.map(|tick| {
            let more = if tick == RATIO_MAX { "≥ " } else { "" };
            (tick, format!("{more}{tick}×"))
        })
    }

    /// What lies outside goes to the edge.
    #[expect(clippy::cast_possible_truncation, reason = "a pixel between LEFT and RIGHT")]
    fn x(&self, ratio: f64) -> i32 {
        let ratio = ratio.clamp(self.min, self.max);
        let share = (ratio / self.min).ln() / (self.max / self.min).ln();
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
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
    fn the_axis_runs_from_tick_to_tick() {
        let axis = Axis::over(&[row(0.15, vec![3.0])]);
        assert_eq!((axis.min, axis.max), (0.1, 5.0));
        assert_eq!((axis.x(0.1), axis.x(5.0)), (LEFT, RIGHT));
        assert_eq!(axis.ticks().count(), 6);
        let far = Axis::over(&[row(0.001, vec![1_000.0])]);
        assert_eq!((far.x(0.001), far.x(1_000.0)), (LEFT, RIGHT));
        assert!(far.ticks().any(|(_, name)| name == "≥ 20×"));
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
