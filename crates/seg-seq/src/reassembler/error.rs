//! Why a fragment was refused.

use core::{error::Error, fmt};

use seg_pool::OutOfMemory;

use super::FragmentId;

/// A fragment that no message has a place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyError {
    pub(super) kind: ReassemblyErrorKind,
    pub(super) id: FragmentId,
}

/// Why a fragment was refused. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReassemblyErrorKind {
    /// The index is not below the count.
    IndexOutOfRange,
    /// Other fragments of the message have another count.
    CountMismatch,
    /// This fragment came before, and its message is still open.
    Duplicate,
    /// Its message was complete or abandoned before, or is too old to tell.
    Replayed,
    /// The message has more fragments than
    /// [`fragments_max`](super::ReassemblyLimits::fragments_max).
    FragmentsMax,
    /// It would open one message more than
    /// [`messages_max`](super::ReassemblyLimits::messages_max).
    MessagesMax,
    /// It would leave one gap more than [`gaps_max`](super::ReassemblyLimits::gaps_max).
    GapsMax,
    /// Open messages would keep more memory than
    /// [`held_bytes_max`](super::ReassemblyLimits::held_bytes_max).
    HeldBytesMax,
    /// A list of fragments needs a block, and the pool has none.
    OutOfMemory(OutOfMemory),
}

impl ReassemblyError {
    /// Returns why.
    #[must_use]
    pub const fn kind(&self) -> ReassemblyErrorKind {
        self.kind
    }

    /// Returns which fragment it is.
    #[must_use]
    pub const fn id(&self) -> FragmentId {
        self.id
    }
}

impl fmt::Display for ReassemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FragmentId { message, index, count } = self.id;
        write!(f, "fragment {index} of {count} of message {message} ")?;
        f.write_str(match self.kind {
            ReassemblyErrorKind::OutOfMemory(_) => "needs a list, for which there is no memory",
            ReassemblyErrorKind::IndexOutOfRange => "is not one of them",
            ReassemblyErrorKind::CountMismatch => "has another count than those before",
            ReassemblyErrorKind::Duplicate => "came before",
            ReassemblyErrorKind::Replayed => "came after its message was complete or abandoned",
            ReassemblyErrorKind::FragmentsMax => "is of a message of too many fragments",
            ReassemblyErrorKind::MessagesMax => "would open too many messages",
            ReassemblyErrorKind::GapsMax => "would leave too many gaps",
            ReassemblyErrorKind::HeldBytesMax => "would keep too much memory",
        })
    }
}

impl Error for ReassemblyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            ReassemblyErrorKind::OutOfMemory(error) => Some(error),
            _ => None,
        }
    }
}
