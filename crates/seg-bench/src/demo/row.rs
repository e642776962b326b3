//! One row of the table: one path through one assembly, measured.

use std::time::Instant;

use seg_pool::Pool;
use serde::Serialize;

use super::{
    Assembly, Receive, Route,
    progress::Progress,
    slabs::{Held, Slabs},
};
use crate::{
    alloc_count::{Counts, Scope},
    digest::Digest,
};

/// The largest single allocation that the segmented assembly may make, in bytes.
pub(super) const SEGMENTED_ALLOC_BYTES_MAX: u64 = 64 * 1024;

/// What it cost to receive one message twice.
///
/// Allocations are those of the receiving thread, connection, pool, assembly and message, and the
/// slabs that the pool maps, each of 64 KiB.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// How the message travelled.
    pub path: Route,
    /// How it was put together.
    pub assembly: Assembly,
    /// Bytes in the message.
    pub bytes: u64,
    /// Milliseconds from nothing to the first message: new pool, new connection.
    pub ms: f64,
    /// Allocations of that first pass.
    pub allocs: u64,
    /// Bytes of the largest single allocation of both passes.
    pub largest_alloc: u64,
    /// The most bytes that were allocated at one time, above what was before the row: the peak of
    /// the heap and the peak of the pool, whether or not they came together.
    pub peak_live: u64,
    /// Bytes that connection and pool still hold after the messages were dropped.
    pub held_after: u64,
    /// Whether each message was what had been sent.
    pub digest_ok: bool,
    /// Milliseconds of the second pass: same pool, same connection.
    pub ms_again: f64,
    /// Allocations of that second pass.
    pub allocs_again: u64,
    /// What is left of `held_after` once the pool gave its idle memory back to the system.
    pub held_trimmed: u64,
}

impl Row {
    /// Connects, receives the message twice, and drops it each time.
    ///
    /// Checking the digest is part of neither the time nor the counts.
    pub(super) fn measure<R: Receive>(
        path: Route,
        assembly: Assembly,
        expected: Digest,
        progress: &Progress,
        connect: impl FnOnce(&Pool) -> anyhow::Result<R>,
    ) -> anyhow::Result<Self> {
        let slabs = Slabs::probe();
        let scope = Scope::start();
        let start = Instant::now();
        let pool = Pool::new();
        let mut connection = connect(&pool)?;
        if let Some(timeline) = progress.timeline() {
            timeline.begin(&pool);
        }
        let message = connection.receive(progress)?;
        let ms = milliseconds(start);
        if let Some(timeline) = progress.timeline() {
            timeline.end();
        }
        let first = scope.finish();
        let first_held = slabs.held_by(&pool);
        let (first_ok, dropped) = check_and_drop::<R>(message, expected);
        progress.pass_done(expected.len());

        let before = slabs.held_by(&pool);
        let scope = Scope::start();
        let start = Instant::now();
        let message = connection.receive(progress)?;
        let ms_again = milliseconds(start);
        let again = scope.finish();
        let again_held = slabs.held_by(&pool);
        let (again_ok, dropped_again) = check_and_drop::<R>(message, expected);
        progress.pass_done(expected.len());

        let total = first.then(dropped).then(again).then(dropped_again);
        let held = slabs.held_by(&pool);
        let scope = Scope::start();
        pool.trim();
        let trimmed = total.then(scope.finish());
        let held_trimmed = slabs.held_by(&pool);
        drop(connection);
        Ok(Self {
            path,
            assembly,
            bytes: expected.len(),
            ms,
            allocs: first.allocs + first_held.slabs_since(Held::default()),
            largest_alloc: total.largest_bytes.max(held.largest_bytes()),
            peak_live: at_least_zero(total.peak_live_bytes) + held.bytes_max,
            held_after: at_least_zero(total.live_bytes) + held.bytes,
            digest_ok: first_ok && again_ok,
            ms_again,
            allocs_again: again.allocs + again_held.slabs_since(before),
            held_trimmed: at_least_zero(trimmed.live_bytes) + held_trimmed.bytes,
        })
    }

    /// Returns whether the row keeps what the project promises.
    #[must_use]
    pub fn passed(&self) -> bool {
        let bounded = match self.assembly {
            Assembly::Segmented => self.largest_alloc <= SEGMENTED_ALLOC_BYTES_MAX,
            Assembly::Contiguous => true,
        };
        self.digest_ok && bounded
    }
}

fn check_and_drop<R: Receive>(message: R::Message, expected: Digest) -> (bool, Counts) {
    let ok = R::digest(&message) == expected;
    let scope = Scope::start();
    drop(message);
    (ok, scope.finish())
}

/// Rounded to microseconds: the clock knows no more.
fn milliseconds(since: Instant) -> f64 {
    let micros = since.elapsed().as_secs_f64() * 1e6;
    micros.round() / 1e3
}

fn at_least_zero(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row(assembly: Assembly, largest_alloc: u64, digest_ok: bool) -> Row {
        Row {
            path: Route::WsText,
            assembly,
            bytes: 67_108_864,
            ms: 41.25,
            allocs: 1_030,
            largest_alloc,
            peak_live: 67_200_000,
            held_after: 67_150_000,
            digest_ok,
            ms_again: 30.5,
            allocs_again: 0,
            held_trimmed: 512,
        }
    }

    #[test]
    fn only_a_true_digest_within_the_bound_passes() {
        let cases = [
            (Assembly::Segmented, 65_536, true, true),
            (Assembly::Segmented, 65_537, true, false),
            (Assembly::Segmented, 65_536, false, false),
            (Assembly::Contiguous, 67_108_864, true, true),
            (Assembly::Contiguous, 1, false, false),
        ];
        for (assembly, largest_alloc, digest_ok, want) in cases {
            assert_eq!(
                row(assembly, largest_alloc, digest_ok).passed(),
                want,
                "{assembly:?} {largest_alloc}"
            );
        }
    }
}
