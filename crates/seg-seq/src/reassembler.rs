//! Messages out of fragments that come in any order.

mod error;
mod runs;

use std::collections::VecDeque;

use seg_pool::Segment;

use crate::{replay_window::ReplayWindow, sequence::Sequence};

pub use error::{ReassemblyError, ReassemblyErrorKind};

use runs::Runs;

/// Which fragment of which message, as its packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentId {
    /// The number of the message: the sender counts them up.
    pub message: u64,
    /// The place of the fragment in its message, from 0.
    pub index: u32,
    /// How many fragments the message has: the same in all of them.
    pub count: u32,
}

/// How much a [`Reassembler`] keeps of messages that are not complete, each checked before a fragment
/// is linked.
///
/// # Examples
///
/// ```
/// use seg_seq::ReassemblyLimits;
///
/// let limits = ReassemblyLimits::new().with_messages_max(8).with_held_bytes_max(1 << 20);
/// assert_eq!(limits.messages_max(), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReassemblyLimits {
    held_bytes_max: u64,
    messages_max: usize,
    fragments_max: u32,
    gaps_max: usize,
}

impl ReassemblyLimits {
    /// Returns the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { held_bytes_max: 16 << 20, messages_max: 64, fragments_max: 1 << 17, gaps_max: 256 }
    }

    /// Limits the memory that all open messages keep from reuse together: segments with their whole
    /// sizes. 16 MiB by default.
    #[must_use]
    pub const fn with_held_bytes_max(mut self, bytes: u64) -> Self {
        self.held_bytes_max = bytes;
        self
    }

    /// Limits the messages that are open at a time. 64 by default.
    #[must_use]
    pub const fn with_messages_max(mut self, count: usize) -> Self {
        self.messages_max = count;
        self
    }

    /// Limits the fragments of a message. 131,072 by default: 150 MiB in packets of most networks.
    #[must_use]
    pub const fn with_fragments_max(mut self, count: u32) -> Self {
        self.fragments_max = count;
        self
    }

    /// Limits the gaps in a message that fragments are missing from at a time. 256 by default.
    #[must_use]
    pub const fn with_gaps_max(mut self, count: usize) -> Self {
        self.gaps_max = count;
        self
    }

    /// Returns the most memory that open messages may keep.
    #[must_use]
    pub const fn held_bytes_max(&self) -> u64 {
        self.held_bytes_max
    }

    /// Returns the most messages that may be open.
    #[must_use]
    pub const fn messages_max(&self) -> usize {
        self.messages_max
    }

    /// Returns the most fragments of a message.
    #[must_use]
    pub const fn fragments_max(&self) -> u32 {
        self.fragments_max
    }

    /// Returns the most gaps in a message.
    #[must_use]
    pub const fn gaps_max(&self) -> usize {
        self.gaps_max
    }
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self::new()
    }
}

/// Puts messages together from fragments that come late, twice, in any order or never.
///
/// No socket and no clock: a transport pushes what it received, and [abandons](Self::abandon) messages
/// that take too long. Fragments are linked, not copied. Nothing is allocated for fragments that
/// are missing, however many a packet claims; what is kept is bounded by [`ReassemblyLimits`]. In the
/// steady state nothing is allocated.
///
/// A message is complete once: when it was handed out or abandoned, late fragments of it are
/// [replayed](ReassemblyErrorKind::Replayed). That is known of the last 1,024 messages; what is older
/// is replayed, too.
///
/// Finding the message takes a binary search, finding the place in it another one.
///
/// # Examples
///
/// ```
/// use seg_pool::Segment;
/// use seg_seq::{FragmentId, Reassembler, ReassemblyErrorKind};
///
/// # fn main() -> Result<(), seg_seq::ReassemblyError> {
/// let mut reassembler = Reassembler::default();
/// let fragment = |index| FragmentId { message: 1, index, count: 2 };
/// let mut second = Segment::from_static(b"world");
/// assert!(reassembler.push(fragment(1), &mut second)?.is_none());
/// let mut again = Segment::from_static(b"world");
/// let refused = reassembler.push(fragment(1), &mut again).unwrap_err();
/// assert_eq!(refused.kind(), ReassemblyErrorKind::Duplicate);
/// let mut first = Segment::from_static(b"hello ");
/// let message = reassembler.push(fragment(0), &mut first)?;
/// assert!(message.is_some_and(|message| message == b"hello world"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Reassembler {
    limits: ReassemblyLimits,
    /// The open messages, by number.
    open: VecDeque<OpenMessage>,
    held_bytes: u64,
    /// The messages that are complete or abandoned.
    done: ReplayWindow,
    /// Empty lists of messages that are done, at most one more than messages may be open.
    spare: Vec<Runs>,
}

/// A message that fragments are missing from.
#[derive(Debug)]
struct OpenMessage {
    number: u64,
    count: u32,
    held_bytes: u64,
    /// What the lists take of it.
    list_bytes: u64,
    runs: Runs,
}

impl Reassembler {
    /// Creates a reassembler without messages. Allocates nothing.
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> ReassemblyLimits {
        self.limits
    }

    /// Returns the memory that open messages keep from reuse, in bytes: segments with their whole
    /// size, once for fragments of one segment that follow each other, and the blocks of lists. Never
    /// less than they keep.
    #[must_use]
    pub const fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// Returns the numbers of the open messages, lowest first: the one to
    /// [abandon](Self::abandon), when one has to be, is mostly the first.
    pub fn open_messages(&self) -> impl Iterator<Item = u64> {
        self.open.iter().map(|message| message.number)
    }

    /// Takes a fragment, and returns its message when that is complete.
    ///
    /// `payload` is empty afterwards.
    ///
    /// # Errors
    ///
    /// [`ReassemblyError`] when the fragment came before, cannot be, or would pass a limit. Nothing
    /// changes then, `payload` included; after [`abandon`](Self::abandon) it may be taken.
    pub fn push(
        &mut self,
        id: FragmentId,
        payload: &mut Segment,
    ) -> Result<Option<Sequence>, ReassemblyError> {
        let at = self.find_or_open(id).map_err(|kind| ReassemblyError { kind, id })?;
        let is_new = self.open[at].runs.received() == 0;
        match self.push_to(at, id, payload) {
            Ok(true) => Ok(Some(self.finish(at))),
            Ok(false) => Ok(None),
            Err(kind) => {
                if is_new {
                    self.remove(at);
                }
                Err(ReassemblyError { kind, id })
            }
        }
    }

    /// Forgets an open message and gives its memory back; fragments of it that still come are
    /// replayed. Returns whether it was open.
    pub fn abandon(&mut self, message: u64) -> bool {
        let found = self.open.binary_search_by_key(&message, |open| open.number);
        if let Ok(at) = found {
            self.finish(at);
        }
        found.is_ok()
    }

    /// Returns the place of the fragment's message among those that are open.
    fn find_or_open(&mut self, id: FragmentId) -> Result<usize, ReassemblyErrorKind> {
        if id.index >= id.count {
            return Err(ReassemblyErrorKind::IndexOutOfRange);
        }
        if id.count > self.limits.fragments_max {
            return Err(ReassemblyErrorKind::FragmentsMax);
        }
        match self.open.binary_search_by_key(&id.message, |open| open.number) {
            Ok(at) if self.open[at].count == id.count => Ok(at),
            Ok(_) => Err(ReassemblyErrorKind::CountMismatch),
            Err(_) if self.done.check(id.message).is_err() => Err(ReassemblyErrorKind::Replayed),
            // A message of one fragment is complete at once.
            Err(_) if id.count > 1 && self.open.len() >= self.limits.messages_max => {
                Err(ReassemblyErrorKind::MessagesMax)
            }
            Err(at) => {
                let runs = self.spare.pop().unwrap_or_default();
                let (number, count) = (id.message, id.count);
                self.open
                    .insert(at, OpenMessage { number, count, held_bytes: 0, list_bytes: 0, runs });
                Ok(at)
            }
        }
    }

    /// Links a fragment into an open message. Returns whether that is complete.
    fn push_to(
        &mut self,
        at: usize,
        id: FragmentId,
        payload: &mut Segment,
    ) -> Result<bool, ReassemblyErrorKind> {
        let open = &mut self.open[at];
        let place = open.runs.find(id.index).ok_or(ReassemblyErrorKind::Duplicate)?;
        if !open.runs.has_space(place, id.index, self.limits.gaps_max) {
            return Err(ReassemblyErrorKind::GapsMax);
        }
        let more = open.runs.more_held_bytes(place, payload);
        if self.held_bytes.saturating_add(more) > self.limits.held_bytes_max {
            return Err(ReassemblyErrorKind::HeldBytesMax);
        }
        let is_last = open.runs.received() + 1 == id.count;
        let inserted = open.runs.try_insert(place, id.index, payload, is_last);
        inserted.map_err(ReassemblyErrorKind::OutOfMemory)?;
        let lists = open.runs.list_bytes();
        let held_bytes = open.held_bytes - open.list_bytes + lists + more;
        self.held_bytes = self.held_bytes - open.held_bytes + held_bytes;
        (open.held_bytes, open.list_bytes) = (held_bytes, lists);
        Ok(open.runs.received() == id.count)
    }

    /// Takes a message out for good, and returns what came of it.
    fn finish(&mut self, at: usize) -> Sequence {
        // A message that became older than the window meanwhile is replayed without a note.
        let _ = self.done.insert(self.open[at].number);
        self.remove(at)
    }

    fn remove(&mut self, at: usize) -> Sequence {
        let Some(mut message) = self.open.remove(at) else { return Sequence::new() };
        self.held_bytes -= message.held_bytes;
        let bytes = message.runs.take();
        self.spare.push(message.runs);
        bytes
    }
}
