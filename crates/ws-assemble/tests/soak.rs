//! Many connections at once that stall, break off and end in every way: the example `soak` does the
//! same for longer.
#![cfg(feature = "tokio")]

mod soak {
    pub(crate) mod random;
    pub(crate) mod rough;
    pub(crate) mod traffic;
}

use core::sync::atomic::Ordering::Relaxed;

use soak::traffic::{Plan, run};

const CONNECTIONS: u64 = if cfg!(miri) { 2 } else { 120 };
const STEPS: usize = if cfg!(miri) { 10 } else { 100 };

#[tokio::test]
async fn every_segment_comes_back_however_connections_end() {
    let plan = Plan {
        seed: 1,
        connections: CONNECTIONS,
        lives: 2,
        steps: STEPS,
        pool_bytes_max: 64 << 20,
    };
    let (tally, stats) = run(plan).await;
    assert_eq!(stats.in_use_bytes(), 0, "{tally:?}, {stats:?}");
    assert_eq!(tally.starved.load(Relaxed), 0, "{tally:?}");
    assert!(tally.echoed.load(Relaxed) > CONNECTIONS, "{tally:?}");
    if !cfg!(miri) {
        for end in [&tally.closed, &tally.dropped, &tally.half_closed, &tally.refused] {
            assert!(end.load(Relaxed) > 0, "{tally:?}");
        }
    }
}

#[tokio::test]
async fn a_pool_that_is_used_up_ends_connections_and_loses_no_segment() {
    let plan = Plan {
        seed: 2,
        connections: CONNECTIONS,
        lives: 2,
        steps: STEPS,
        pool_bytes_max: 4 * 65_536,
    };
    let (tally, stats) = run(plan).await;
    assert_eq!(stats.in_use_bytes(), 0, "{tally:?}, {stats:?}");
    assert!(stats.held_bytes_peak() <= 4 * 65_536, "{stats:?}");
    if !cfg!(miri) {
        assert!(tally.starved.load(Relaxed) > 0, "{tally:?}");
    }
}
