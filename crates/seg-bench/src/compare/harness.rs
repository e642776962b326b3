//! How contenders are timed and counted.

use core::time::Duration;

use anyhow::Context as _;

use super::{Contender, Job, Kind};
use crate::figures::Figures;

/// How long a comparison may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Samples of each contender.
    pub samples: usize,
    /// The least time of one sample.
    pub sample_time: Duration,
}

impl Effort {
    /// 21 samples of at least 4 ms: for figures that are quoted.
    pub const FULL: Self = Self { samples: 21, sample_time: Duration::from_millis(4) };

    /// 7 samples of at least 1 ms: to see whether a change matters.
    pub const QUICK: Self = Self { samples: 7, sample_time: Duration::from_millis(1) };
}

/// The most operations that are counted, once the first ones have warmed up.
const COUNTED_OPS_MAX: u64 = 64;

/// The least: one could be a lucky one.
const COUNTED_OPS_MIN: u64 = 2;

/// What counting should take at most, in nanoseconds: counts do not get better with time.
const COUNTING_NS: f64 = 50e6;

/// Measures one job: checks all contenders, then times them in turn, then counts.
///
/// # Errors
///
/// When a contender's output is wrong; nothing is timed then.
pub fn measure(job: &mut Job, effort: Effort) -> anyhow::Result<Vec<Figures>> {
    for contender in &mut job.contenders {
        (contender.check)().with_context(|| format!("{}: {}", job.name, contender.name))?;
    }
    let ops: Vec<u64> =
        job.contenders.iter_mut().map(|contender| calibrate(contender, effort)).collect();
    let mut samples = vec![Vec::with_capacity(effort.samples); job.contenders.len()];
    for _ in 0..effort.samples {
        for (index, contender) in job.contenders.iter_mut().enumerate() {
            // The others have used the caches. Those that free what they used share its memory, so
            // that each finds it warm; those that keep memory of their own would not.
            (contender.run)(1);
            let time = (contender.run)(ops[index]);
            samples[index].push(time.as_nanos() as f64 / ops[index] as f64);
        }
    }
    let (name, bytes_per_op) = (job.name.clone(), job.bytes_per_op);
    let figures = job.contenders.iter_mut().zip(samples).map(|(contender, mut samples)| {
        samples.sort_by(f64::total_cmp);
        let ns_min = samples.first().copied().unwrap_or_default();
        let counted_ops = counted_ops(ns_min);
        let counts = contender.counts(counted_ops);
        let fresh = contender.fresh_counts().unwrap_or(counts);
        Figures {
            job: name.split('/').next().unwrap_or_default().to_owned(),
            case: name.clone(),
            contender: contender.name.clone(),
            ours: contender.kind == Kind::Ours,
            floor: contender.kind == Kind::Floor,
            ns_min,
            ns_median: samples.get(samples.len() / 2).copied().unwrap_or_default(),
            bytes_per_op,
            allocs_per_op: counts.allocs as f64 / counted_ops as f64,
            alloc_bytes_per_op: counts.allocated_bytes as f64 / counted_ops as f64,
            largest_alloc: counts.largest_bytes.max(fresh.largest_bytes),
            held_bytes: contender.is_holding.then(|| counts.live_bytes as f64 / counted_ops as f64),
            peak_live: fresh.peak_live_bytes.max(counts.peak_live_bytes),
        }
    });
    Ok(figures.collect())
}

/// Returns how many operations of so many nanoseconds are counted.
fn counted_ops(ns: f64) -> u64 {
    (COUNTED_OPS_MIN..COUNTED_OPS_MAX)
        .find(|ops| (ops + 1) as f64 * ns > COUNTING_NS)
        .unwrap_or(COUNTED_OPS_MAX)
}

/// Finds how many operations fill a sample, warming up on the way.
fn calibrate(contender: &mut Contender, effort: Effort) -> u64 {
    let mut ops = 1;
    loop {
        let time = (contender.run)(ops);
        if time >= effort.sample_time {
            return ops;
        }
        let missing = effort.sample_time.as_nanos() / time.as_nanos().max(1) + 1;
        ops *= u64::try_from(missing.clamp(2, 16)).unwrap_or(16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_are_timed_in_turn_and_counted() {
        const QUICK: Effort = Effort { samples: 3, sample_time: Duration::from_micros(10) };
        let mut job = Job::new("layer/task", 8)
            .with(Contender::new(Kind::Ours, "a", || {
                let _ = core::hint::black_box(1);
            }))
            .with(Contender::timed(Kind::Floor, "b", |count| Duration::from_micros(5 * count)));
        let figures = measure(&mut job, QUICK).expect("both are right");
        assert_eq!(figures.len(), 2);
        assert!(figures[0].ours && !figures[0].floor && figures[0].ns_min <= figures[0].ns_median);
        assert_eq!((figures[1].ns_min, figures[1].ns_median), (5_000.0, 5_000.0));
        assert_eq!((figures[1].job.as_str(), figures[1].case.as_str()), ("layer", "layer/task"));
    }

    #[test]
    fn long_operations_are_counted_less_often() {
        assert_eq!(counted_ops(10.0), COUNTED_OPS_MAX);
        assert_eq!(counted_ops(5e6), 10);
        assert_eq!(counted_ops(1e9), COUNTED_OPS_MIN);
    }

    #[test]
    fn a_wrong_output_is_not_timed() {
        let mut job = Job::new("layer/task", 0).with(
            Contender::timed(Kind::Peer, "wrong", |_| panic!("timed"))
                .checked(|| anyhow::bail!("5 bytes instead of 6")),
        );
        let error = measure(&mut job, Effort::QUICK).unwrap_err();
        assert_eq!(format!("{error:#}"), "layer/task: wrong: 5 bytes instead of 6");
    }
}
