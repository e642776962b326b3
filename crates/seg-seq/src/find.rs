//! Searching bytes in a sequence, across its cuts.

use memchr::memmem::Finder;

use crate::{chunks::starts_with, segmented_buf::SegmentedBuf, sequence::Sequence};

/// Bytes of a needle that are searched; what follows is compared where they are found.
const PREFIX_BYTES_MAX: usize = 128;

/// Chunks shorter than this are gathered in the window and searched there together.
const SHORT_BYTES: usize = 512;

const WINDOW_BYTES: usize = 1024;

impl Sequence {
    /// Returns the offset of the first byte that equals `byte`. Copies nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_seq::Sequence;
    /// use seg_pool::Segment;
    ///
    /// let sequence: Sequence =
    ///     [Segment::from_static(b"GET / HT"), Segment::from_static(b"TP/1.1\r\n")].into_iter().collect();
    /// assert_eq!(sequence.position(b'\r'), Some(14));
    /// assert_eq!(sequence.find(b"HTTP/"), Some(6));
    /// assert_eq!(sequence.find(b"HTTP/2"), None);
    /// ```
    #[must_use]
    pub fn position(&self, byte: u8) -> Option<u64> {
        position(self.slices_from(0, 0), byte)
    }

    /// Returns the offset of the first occurrence of `needle`, however it is cut; 0 when `needle`
    /// is empty.
    ///
    /// Chunks are searched where they are. Only what lies around a cut is copied, into a window on
    /// the stack. Time grows with the length of the sequence; a needle longer than 128 bytes also
    /// costs a comparison wherever its first 128 bytes occur.
    #[must_use]
    pub fn find(&self, needle: &[u8]) -> Option<u64> {
        find(self, 0, needle)
    }
}

impl SegmentedBuf {
    /// Returns the offset of the first byte that equals `byte`. Copies and counts nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use seg_pool::Pool;
    /// use seg_seq::SegmentedBuf;
    ///
    /// # fn main() -> Result<(), seg_pool::OutOfMemory> {
    /// let mut received = SegmentedBuf::new(&Pool::new());
    /// received.try_extend_from_slice(b"one\ntwo")?;
    /// let line = received.position(b'\n').map(|end| received.split_to(end + 1));
    /// assert_eq!(line.as_ref().map(|line| line == b"one\n"), Some(true));
    /// // What was looked at is not looked at again when more has come.
    /// let looked_at = received.len();
    /// assert_eq!(received.position(b'\n'), None);
    /// received.try_extend_from_slice(b"\n")?;
    /// assert_eq!(received.position_from(looked_at, b'\n'), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn position(&self, byte: u8) -> Option<u64> {
        self.position_from(0, byte)
    }

    /// Returns the offset of the first such byte at `from` or after it; `None` when `from` is the
    /// end or beyond it.
    #[must_use]
    pub fn position_from(&self, from: u64, byte: u8) -> Option<u64> {
        position(self.slices_at(from), byte).map(|distance| from + distance)
    }

    /// Returns the offset of the first occurrence of `needle`, as [`Sequence::find`] does.
    #[must_use]
    pub fn find(&self, needle: &[u8]) -> Option<u64> {
        self.find_from(0, needle)
    }

    /// Returns the offset of the first occurrence of `needle` at `from` or after it.
    ///
    /// When more has come, what was searched is not searched again from the old length less that of
    /// the needle on.
    #[must_use]
    pub fn find_from(&self, from: u64, needle: &[u8]) -> Option<u64> {
        find(self, from, needle)
    }
}

/// What is searched.
pub(crate) trait Haystack {
    fn len(&self) -> u64;

    /// Returns the bytes from an offset on, slice by slice; none from the end on.
    fn slices_at(&self, offset: u64) -> impl Iterator<Item = &[u8]>;
}

impl Haystack for Sequence {
    fn len(&self) -> u64 {
        self.len()
    }

    fn slices_at(&self, offset: u64) -> impl Iterator<Item = &[u8]> {
        self.slices_at(offset)
    }
}

impl Haystack for SegmentedBuf {
    fn len(&self) -> u64 {
        self.len()
    }

    fn slices_at(&self, offset: u64) -> impl Iterator<Item = &[u8]> {
        self.slices_at(offset)
    }
}

/// Returns the distance to the first such byte.
pub(crate) fn position<'a>(slices: impl Iterator<Item = &'a [u8]>, byte: u8) -> Option<u64> {
    let mut start = 0;
    for slice in slices {
        if let Some(at) = memchr::memchr(byte, slice) {
            return Some(start + at as u64);
        }
        start += slice.len() as u64;
    }
    None
}

/// Returns the offset of the first occurrence of `needle` at `from` or after it.
pub(crate) fn find(haystack: &impl Haystack, from: u64, needle: &[u8]) -> Option<u64> {
    match needle {
        [] => (from <= haystack.len()).then_some(from),
        [byte] => position(haystack.slices_at(from), *byte).map(|distance| from + distance),
        _ => Search::new(haystack, from, needle).run(),
    }
}

struct Search<'a, H> {
    haystack: &'a H,
    from: u64,
    prefix: Finder<'a>,
    /// What has to follow the prefix.
    suffix: &'a [u8],
    /// What lies around a cut, `..filled`.
    window: [u8; WINDOW_BYTES],
    filled: usize,
    /// Offset of the end of the window.
    end: u64,
}

impl<'a, H: Haystack> Search<'a, H> {
    fn new(haystack: &'a H, from: u64, needle: &'a [u8]) -> Self {
        let (prefix, suffix) = needle.split_at(needle.len().min(PREFIX_BYTES_MAX));
        let (prefix, window) = (Finder::new(prefix), [0; WINDOW_BYTES]);
        Self { haystack, from, prefix, suffix, window, filled: 0, end: from }
    }

    fn run(mut self) -> Option<u64> {
        let overlap = self.prefix.needle().len() - 1;
        for slice in self.haystack.slices_at(self.from) {
            if slice.len() < SHORT_BYTES {
                if let Some(found) = self.gather(slice) {
                    return Some(found);
                }
                continue;
            }
            let start = self.end;
            let found = self
                .gather(&slice[..overlap])
                .or_else(|| self.search_window())
                .or_else(|| self.search(slice, start));
            if found.is_some() {
                return found;
            }
            self.window[..overlap].copy_from_slice(&slice[slice.len() - overlap..]);
            self.filled = overlap;
            self.end = start + slice.len() as u64;
        }
        self.search_window()
    }

    /// Adds to the window; searches it when it is full.
    fn gather(&mut self, slice: &[u8]) -> Option<u64> {
        let mut rest = slice;
        while !rest.is_empty() {
            if self.filled == WINDOW_BYTES {
                if let Some(found) = self.search_window() {
                    return Some(found);
                }
                let overlap = self.prefix.needle().len() - 1;
                self.window.copy_within(WINDOW_BYTES - overlap.., 0);
                self.filled = overlap;
            }
            let (head, after) = rest.split_at(rest.len().min(WINDOW_BYTES - self.filled));
            self.window[self.filled..][..head.len()].copy_from_slice(head);
            self.filled += head.len();
            self.end += head.len() as u64;
            rest = after;
        }
        None
    }

    fn search_window(&self) -> Option<u64> {
        self.search(&self.window[..self.filled], self.end - self.filled as u64)
    }

    /// Searches bytes that lie at the offset `start`.
    fn search(&self, bytes: &[u8], start: u64) -> Option<u64> {
        let mut from = 0;
        while let Some(at) = self.prefix.find(&bytes[from..]) {
            let found = start + (from + at) as u64;
            let end = found + self.prefix.needle().len() as u64;
            if self.suffix.is_empty() || starts_with(self.haystack.slices_at(end), self.suffix) {
                return Some(found);
            }
            from += at + 1;
        }
        None
    }
}
