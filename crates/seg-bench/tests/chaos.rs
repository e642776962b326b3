//! A short time of everything at once; `cargo xtask soak` goes on for longer. Alone in its program:
//! the processor time of the process is looked at.
#![cfg(feature = "chaos")]

use core::time::Duration;

use seg_bench::chaos::{Plan, run};

#[test]
fn everything_at_once_loses_no_byte_and_waits_without_work() {
    let tally =
        run(Plan { rounds: 4, lives: 3, ..Plan::lasting(Duration::ZERO) }).expect("a whole run");
    assert!(tally.unreached().is_empty(), "{:?} in {tally}", tally.unreached());
}
