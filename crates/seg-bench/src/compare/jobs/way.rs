//! Operations that need an input made before and an output dropped after.

use core::{hint::black_box, time::Duration};
use std::time::Instant;

use super::super::{Contender, Kind};
use crate::alloc_count::{Counts, Scope};

/// One way to do an operation. Neither making the input nor dropping the output is timed or counted.
pub(super) trait Way: 'static {
    /// What the operation starts from.
    type Input;
    /// What it ends with.
    type Output;

    fn input(&mut self) -> Self::Input;

    fn run(&mut self, input: Self::Input) -> Self::Output;

    /// Returns the payload bytes in an output.
    fn output_len(output: &Self::Output) -> u64;
}

/// Operations before those that are counted.
const WARM_OPS: usize = 4;

/// Creates a contender of a way, whose output has to have `expected` bytes.
pub(super) fn contender<W: Way>(
    kind: Kind,
    name: &str,
    expected: u64,
    make: impl Fn() -> W + Clone + 'static,
) -> Contender {
    let (checked, counted, fresh) = (make.clone(), make.clone(), make.clone());
    let mut way = make();
    Contender::timed(kind, name, move |count| {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            let input = way.input();
            let start = Instant::now();
            let output = black_box(way.run(black_box(input)));
            total += start.elapsed();
            drop(output);
        }
        total
    })
    .counted(move |count| {
        let mut way = counted();
        let once = |way: &mut W| {
            let input = way.input();
            let scope = Scope::start();
            let output = black_box(way.run(input));
            let counts = scope.finish();
            drop(output);
            counts
        };
        for _ in 0..WARM_OPS {
            once(&mut way);
        }
        let first = once(&mut way);
        (1..count).fold(first, |counts: Counts, _| {
            let next = once(&mut way);
            // Each operation starts with what the one before it left, which was dropped.
            Counts { live_bytes: 0, ..counts }.then(next)
        })
    })
    .from_nothing(move || {
        let mut way = fresh();
        let input = way.input();
        drop(black_box(way.run(input)));
    })
    .checked(move || {
        let mut way = checked();
        let input = way.input();
        let got = W::output_len(&way.run(input));
        anyhow::ensure!(got == expected, "{got} bytes instead of {expected}");
        Ok(())
    })
}
