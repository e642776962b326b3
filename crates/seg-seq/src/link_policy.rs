//! Whether a run of bytes is linked or copied.

use bytes::Buf;
use seg_pool::{OutOfMemory, Segment, SegmentMut};

use crate::{segmented_buf::SegmentedBuf, sequence::Sequence};

/// Chunks at the end of a list in which a segment is looked for that was linked before. Between two
/// parts of a received segment there are at most the copied runs of a few segments.
const RECENT_CHUNKS: usize = 4;

/// Which runs of bytes are linked and which are copied. The one policy of all layers.
///
/// A linked run keeps its whole segment from reuse: 20 bytes hold 16 KiB. A copied run holds only
/// itself, as many of them fill one segment. In return a link moves no bytes: it is a reference that is
/// counted and later given up, an entry in the list, and a stop for each reader.
///
/// The fields are all there will be, so that a policy can be written down where it is used.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::{LinkPolicy, SegmentedBuf};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new();
/// let mut kept = SegmentedBuf::new(&pool);
/// for _ in 0..1_000 {
///     let mut received = pool.try_take(16_384)?;
///     received.fill_from_slice(&[7; 16_384]);
///     let mut part = received.freeze().slice(100..120);
///     kept.link_or_copy(&mut part, 20, &LinkPolicy::RECEIVE)?;
/// }
/// // Two segments and the list of them, where links would hold 16 MB.
/// assert_eq!((kept.len(), kept.held_bytes()), (20_000, 32_768 + 256));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPolicy {
    /// The shortest run that is linked, in bytes.
    pub link_bytes_min: usize,
    /// The shortest run that is linked when the last chunks hold its segment already: then a link
    /// costs no memory.
    pub held_link_bytes_min: usize,
    /// What linked segments may hold beyond what is linked of them, in bytes; above it, no more than
    /// the buffer has bytes at all. Runs that would hold more are copied.
    pub waste_bytes_max: u64,
}

impl LinkPolicy {
    /// For what is received and kept: a peer chooses the lengths, so memory stays in proportion to data.
    ///
    /// - `link_bytes_min` is 1 KiB. Up to about this length the copy costs no more than the link, as the
    ///   bytes are in the cache. So links waste at most 16 times what is kept, in 16 KiB segments.
    /// - `held_link_bytes_min` is 256 B. A link that holds nothing new is worth it earlier: below, the
    ///   entry in the list and the stop for readers cost more than the copy.
    /// - `waste_bytes_max` is 128 KiB: 8 segments, so that short messages are linked however little of
    ///   a segment they are. A body of a gigabyte in runs of 1 KiB holds two, not sixteen.
    pub const RECEIVE: Self =
        Self { link_bytes_min: 1 << 10, held_link_bytes_min: 256, waste_bytes_max: 128 << 10 };

    /// For what is sent: after a short header, which is copied, and given up once it is written.
    ///
    /// - Both lengths are 4 KiB: below, header and payload go out as one slice, which is cheaper for
    ///   the system than two.
    /// - Waste does not count, as nothing is kept for long.
    pub const SEND: Self =
        Self { link_bytes_min: 4 << 10, held_link_bytes_min: 4 << 10, waste_bytes_max: u64::MAX };

    /// Never copies: for segments that are full, or for who counts what is held elsewhere.
    pub const ALWAYS: Self =
        Self { link_bytes_min: 0, held_link_bytes_min: 0, waste_bytes_max: u64::MAX };
}

impl Default for LinkPolicy {
    /// Returns [`RECEIVE`](Self::RECEIVE).
    fn default() -> Self {
        Self::RECEIVE
    }
}

/// What [`SegmentedBuf::link_or_copy`] takes bytes from: a [`Segment`], a [`SegmentMut`] or a
/// [`Sequence`]. Its bytes lie in segments, so that they can be linked.
pub trait Linkable: Buf + sealed::FrontChunk {}

impl Linkable for Segment {}
impl Linkable for SegmentMut {}
impl Linkable for Sequence {}

mod sealed {
    use super::Segment;

    /// A first chunk that lies in a segment.
    #[allow(unnameable_types, reason = "sealed")]
    pub trait FrontChunk {
        /// Splits bytes of the first chunk off, not more than it has.
        fn split_front(&mut self, len: usize) -> Segment;

        /// Returns the size of the first chunk's segment.
        fn front_held_bytes(&self) -> usize;

        /// Returns whether the first chunk lies in the segment of another one.
        fn front_shares_segment_with(&self, other: &Segment) -> bool;

        /// Returns whether nobody else holds a part of the first chunk's segment, as far as that is cheap to tell.
        fn front_is_unique(&self) -> bool {
            false
        }
    }
}

impl sealed::FrontChunk for Segment {
    #[inline]
    fn split_front(&mut self, len: usize) -> Segment {
        self.split_to(len)
    }

    fn front_held_bytes(&self) -> usize {
        self.held_bytes()
    }

    #[inline]
    fn front_shares_segment_with(&self, other: &Segment) -> bool {
        self.shares_segment_with(other)
    }

    #[inline]
    fn front_is_unique(&self) -> bool {
        self.is_unique()
    }
}

impl sealed::FrontChunk for SegmentMut {
    #[inline]
    fn split_front(&mut self, len: usize) -> Segment {
        self.freeze_range(0..len)
    }

    fn front_held_bytes(&self) -> usize {
        self.held_bytes()
    }

    #[inline]
    fn front_shares_segment_with(&self, other: &Segment) -> bool {
        self.shares_segment_with(other)
    }
}

impl sealed::FrontChunk for Sequence {
    fn split_front(&mut self, len: usize) -> Segment {
        self.list.split_first(len as u64).unwrap_or_default()
    }

    fn front_held_bytes(&self) -> usize {
        self.list.first().map_or(0, Segment::held_bytes)
    }

    fn front_shares_segment_with(&self, other: &Segment) -> bool {
        self.list.first().is_some_and(|first| first.shares_segment_with(other))
    }
}

/// What a link to a run would add to what is held.
enum Link {
    /// Nothing, not even a chunk: the run is the next part of the last one.
    Joins,
    /// A chunk.
    Shares,
    /// A segment of so many bytes.
    Holds(usize),
}

impl SegmentedBuf {
    /// Appends the first `len` bytes of `received` and takes them off: links or copies each run of them
    /// that lies in one chunk. One that goes on where the last chunk ends is always linked.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when a copy needs a segment or the list a block, and the pool has none. Runs
    /// before that one are appended and taken off, the others are where they were: the same call,
    /// for the rest, goes on.
    ///
    /// # Panics
    ///
    /// Panics when `received` has fewer bytes.
    #[inline]
    pub fn link_or_copy<L: Linkable>(
        &mut self,
        received: &mut L,
        len: usize,
        policy: &LinkPolicy,
    ) -> Result<(), OutOfMemory> {
        assert!(len <= received.remaining(), "more bytes than were received");
        let mut rest = len;
        while rest > 0 {
            let run = rest.min(received.chunk().len());
            match self.link(received, run, policy) {
                Some(link) => self.try_link(received, run, &link)?,
                None => {
                    self.try_extend_from_slice(&received.chunk()[..run])?;
                    received.advance(run);
                }
            }
            rest -= run;
        }
        Ok(())
    }

    /// Links the first `len` bytes of `received`, a segment of which a part was linked before, and takes them
    /// off. No policy is asked.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the list needs a block and the pool has none; nothing changes then.
    ///
    /// # Panics
    ///
    /// Panics when `received` has fewer bytes.
    #[inline]
    pub fn try_push_part(&mut self, received: &mut Segment, len: usize) -> Result<(), OutOfMemory> {
        if self.tail_len() > 0 || !self.has_slot() {
            self.try_reserve_chunks(1)?;
        }
        self.waste_bytes = self.waste_bytes.saturating_sub(len as u64);
        self.list.put(received.split_to(len));
        Ok(())
    }

    /// Returns what a link to `run` bytes of the first chunk would hold, if they are to be linked.
    fn link(&self, received: &impl Linkable, run: usize, policy: &LinkPolicy) -> Option<Link> {
        let continued = |last: &&Segment| {
            last.as_ptr_range().end == received.chunk().as_ptr()
                && received.front_shares_segment_with(last)
        };
        if self.tail_len() == 0 && self.list.last().filter(continued).is_some() {
            return Some(Link::Joins);
        }
        if run < policy.held_link_bytes_min && run < policy.link_bytes_min {
            return None;
        }
        if self.is_recent(received) {
            return (run >= policy.held_link_bytes_min).then_some(Link::Shares);
        }
        let held = received.front_held_bytes();
        let waste = self.waste_bytes + held.saturating_sub(run) as u64;
        let is_linked =
            run >= policy.link_bytes_min && waste <= policy.waste_bytes_max.max(self.len());
        is_linked.then_some(Link::Holds(held))
    }

    /// Returns whether one of the last chunks lies in the first chunk's segment.
    pub(crate) fn is_recent(&self, received: &impl Linkable) -> bool {
        if received.front_is_unique() {
            return false;
        }
        let mut recent = self.list.iter().rev().take(RECENT_CHUNKS);
        recent.any(|chunk| received.front_shares_segment_with(chunk))
    }

    fn try_link(
        &mut self,
        received: &mut impl Linkable,
        run: usize,
        link: &Link,
    ) -> Result<(), OutOfMemory> {
        if !matches!(link, Link::Joins) {
            self.try_reserve_chunks(1)?;
        }
        self.waste_bytes = match link {
            Link::Holds(held) => self.waste_bytes + held.saturating_sub(run) as u64,
            Link::Joins | Link::Shares => self.waste_bytes.saturating_sub(run as u64),
        };
        self.list.put(received.split_front(run));
        Ok(())
    }
}
