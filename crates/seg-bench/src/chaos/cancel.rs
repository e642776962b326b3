//! Futures that are dropped while they wait.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use tokio::task::yield_now;

use super::{
    random::Random,
    tally::{Happening, Tally},
};

/// Polls a future so many times and drops it.
pub(super) async fn polls<T>(
    future: impl Future<Output = T>,
    count: usize,
    tally: &Tally,
) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..count {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        yield_now().await;
    }
    if count > 0 {
        tally.count(Happening::Cancelled);
    }
    None
}

/// Begins a future, perhaps drops it while it waits, and begins it again.
macro_rules! cancelled {
    ($future:expr, $random:expr, $tally:expr) => {
        match $crate::chaos::cancel::polls($future, $random.below(4), $tally).await {
            Some(output) => output,
            None => $future.await,
        }
    };
}

pub(super) use cancelled;

/// Does nothing for a while.
pub(super) async fn stall(random: &mut Random, tally: &Tally) {
    tally.count(Happening::Stalled);
    for _ in 0..random.below(50) {
        yield_now().await;
    }
}
