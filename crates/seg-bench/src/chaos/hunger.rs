//! What a server does when the pool has no memory.

use core::time::Duration;
use std::io;

use seg_pool::{Pool, SegmentSize};
use tokio::time::sleep;
use ws_assemble::{ConnectionError, DecodeErrorKind};

use super::tally::{Happening, Tally};

/// How long a call is not made again. A queue could give a segment of another size than is missing,
/// so who waited there pauses, too.
const PAUSE: Duration = Duration::from_millis(1);

/// What to do without memory. The client names it in its target, so it knows what to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hunger {
    /// Wait in the pool's queue.
    Wait,
    /// Make the same call again later.
    TryAgain,
    /// End the connection.
    Leave,
}

impl Hunger {
    pub(super) const ALL: [(Self, &str); 3] =
        [(Self::Wait, "/wait"), (Self::TryAgain, "/again"), (Self::Leave, "/leave")];

    pub(super) fn from_target(target: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, name)| *name == target);
        found.map(|(hunger, _)| *hunger)
    }

    /// Returns when the call that ended in `error` may be made again.
    ///
    /// # Errors
    ///
    /// `error`, when it says something else, or nobody wants to go on.
    pub(super) async fn feed<E: MayLackMemory>(
        self,
        error: E,
        pool: &Pool,
        tally: &Tally,
    ) -> Result<(), E> {
        if !error.lacks_memory() {
            return Err(error);
        }
        match self {
            Self::Wait => {
                // Dropped at once: it is there for the call that is made again.
                drop(pool.take_size_async(SegmentSize::MAX).await);
            }
            Self::TryAgain => tally.count(Happening::TriedAgain),
            Self::Leave => {
                tally.count(Happening::Starved);
                return Err(error);
            }
        }
        sleep(PAUSE).await;
        Ok(())
    }
}

/// An error that may say that there was no memory.
pub(super) trait MayLackMemory {
    fn lacks_memory(&self) -> bool;
}

impl MayLackMemory for io::Error {
    fn lacks_memory(&self) -> bool {
        self.kind() == io::ErrorKind::OutOfMemory
    }
}

impl MayLackMemory for ConnectionError {
    fn lacks_memory(&self) -> bool {
        match self {
            Self::OutOfMemory(_) => true,
            Self::Decode(error) => matches!(error.kind(), DecodeErrorKind::OutOfMemory(_)),
            _ => false,
        }
    }
}
