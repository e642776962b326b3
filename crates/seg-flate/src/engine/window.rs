//! What earlier calls decoded.

/// The farthest that a match reaches back.
pub(super) const WINDOW_BYTES: usize = 32 << 10;
/// Spare capacity, so that what is kept does not move each time that some is added.
const SLACK_BYTES: usize = 8 << 10;
/// Bytes that are copied at once, more than most matches have.
pub(super) const CHUNK_BYTES: usize = 32;
/// Bytes that are read after the end, and not used.
const PADDING_BYTES: usize = CHUNK_BYTES;

/// What is allocated for a stream that is short.
const SHORT_BYTES: usize = 4 << 10;

/// The last 32 KiB of what was decoded before the output that is decoded into. Allocates nothing before there is
/// any, and little for a short stream.
pub(super) struct Window {
    /// `WINDOW_BYTES + SLACK_BYTES + PADDING_BYTES` at most.
    bytes: Box<[u8]>,
    /// `end + PADDING_BYTES <= bytes.len()`, unless both are 0.
    end: usize,
    /// Bytes before the end that belong to the stream: `len <= WINDOW_BYTES`, `len <= end`.
    len: usize,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { bytes: Box::default(), end: 0, len: 0 }
    }

    /// Returns the bytes that are allocated.
    pub(super) const fn allocated_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn clear(&mut self) {
        self.end = 0;
        self.len = 0;
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// Returns what is kept, from some byte on up to the [end](Self::end), and bytes without meaning after it.
    pub(super) fn padded(&self) -> &[u8] {
        &self.bytes[..]
    }

    /// Keeps the last of `decoded`, which follows what is kept.
    pub(super) fn keep(&mut self, decoded: &[u8]) {
        let kept = &decoded[decoded.len().saturating_sub(WINDOW_BYTES)..];
        if self.end + kept.len() > WINDOW_BYTES + SLACK_BYTES {
            let before = self.len.min(WINDOW_BYTES - kept.len());
            self.bytes.copy_within(self.end - before..self.end, 0);
            self.end = before;
        }
        self.reserve(self.end + kept.len());
        self.bytes[self.end..self.end + kept.len()].copy_from_slice(kept);
        self.end += kept.len();
        self.len = (self.len + kept.len()).min(WINDOW_BYTES);
    }

    /// Makes the window so long that it may end there. It grows once: what is copied is short.
    fn reserve(&mut self, end: usize) {
        let least = end + PADDING_BYTES;
        if self.bytes.len() < least {
            let most = WINDOW_BYTES + SLACK_BYTES + PADDING_BYTES;
            let mut bytes = vec![0; if least <= SHORT_BYTES { SHORT_BYTES } else { most }];
            bytes[..self.end].copy_from_slice(&self.bytes[..self.end]);
            self.bytes = bytes.into();
        }
    }

    /// Copies the bytes from `back` before the end on to `to`, as many as there are; returns how many that is.
    pub(super) fn copy(&self, back: usize, to: &mut [u8]) -> usize {
        let len = back.min(to.len());
        let from = self.end - back;
        to[..len].copy_from_slice(&self.bytes[from..from + len]);
        len
    }
}
