//! A layer as a picture.

use super::job::{Job, Layer};
use crate::{
    figures::Figures,
    plot::{RatioChart, RatioRow},
};

pub(super) fn of_layer(layer: &Layer<'_>) -> String {
    let rows = layer.jobs.iter().map(row).collect();
    RatioChart { title: layer.title.to_owned(), rows }.to_svg()
}

fn row(job: &Job<'_>) -> RatioRow {
    let against = job.against().expect("a job without it was left out");
    let ratio = |row: &Figures| row.ns_min / against.ns_min;
    // The one that the others are held against is the line at 1.
    let others = |row: &&Figures| row.contender != against.contender;
    RatioRow {
        label: job.name.to_owned(),
        against: against.contender.clone(),
        against_floor: against.floor,
        ours: ratio(job.main()),
        other_ways: job.ours().skip(1).map(ratio).collect(),
        peers: job.peers().filter(others).map(ratio).collect(),
        floors: job.floors().filter(others).map(ratio).collect(),
    }
}
