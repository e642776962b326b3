//! A layer as a picture.

use super::job::{Job, Layer};
use crate::{
    figures::Figures,
    plot::{DotChart, DotRow, Measure},
};

pub(super) fn of_layer(layer: &Layer<'_>) -> String {
    let measure = if layer.is_held() { Measure::Bytes } else { Measure::Ratio };
    let rows = layer.jobs.iter().map(|job| row(job, measure)).collect();
    DotChart { title: layer.title.to_owned(), measure, rows }.to_svg()
}

fn row(job: &Job<'_>, measure: Measure) -> DotRow {
    let against = job.against().expect("a job without it was left out");
    let unit = if measure == Measure::Ratio { against.value() } else { 1.0 };
    let mark = |row: &Figures| row.value() / unit;
    // Where marks are ratios, the one that the others are held against is the line at 1.
    let others = |row: &&Figures| measure == Measure::Bytes || row.contender != against.contender;
    DotRow {
        label: job.name.to_owned(),
        against: against.contender.clone(),
        even: mark(against),
        against_floor: against.floor,
        ours: mark(job.main()),
        other_ways: job.ours().skip(1).map(mark).collect(),
        peers: job.peers().filter(others).map(mark).collect(),
        floors: job.floors().filter(others).map(mark).collect(),
    }
}
