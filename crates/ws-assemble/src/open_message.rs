//! Fragments on their way to a message.

#[cfg(feature = "random")]
mod lent;

use core::{mem::take, ops::Range};

use bytes::{Buf as _, Bytes};
use seg_pool::{Pool, PoolRef, Segment, SegmentMut};
use seg_seq::{Assembly, Sequence};

#[cfg(feature = "deflate")]
use crate::deflate::MessageDecompressor;
use crate::{
    decode_error::DecodeErrorKind,
    header::Header,
    limits::Limits,
    mask::{mask, unmask_text},
    message::{Content, Message, MessageKind},
    utf8::Utf8Validator,
};

/// Nothing is decompressed without the feature.
#[cfg(not(feature = "deflate"))]
pub(crate) enum MessageDecompressor {}

#[cfg(not(feature = "deflate"))]
#[expect(clippy::needless_pass_by_ref_mut, reason = "as with the feature")]
impl MessageDecompressor {
    fn push(
        &mut self,
        _: &mut &[u8],
        _: u64,
        _: impl FnMut(&Segment) -> Result<(), DecodeErrorKind>,
    ) -> Result<(), DecodeErrorKind> {
        match *self {}
    }
}

/// A message whose last fragment is not here yet, or the space for one.
#[derive(Debug)]
pub(crate) struct OpenMessage {
    /// What is gathered of its payload, unless that is copied.
    segments: Sequence,
    /// The payload, when it is to be contiguous.
    copied: Option<Box<Copied>>,
    /// Bytes of payload of this message and all before it, decompressed.
    pub(crate) payload_bytes: u64,
    /// Bytes of all frames that were announced.
    announced: u64,
    /// What the linked segments keep from reuse, counted as they come: asking the sequence costs
    /// more with each chunk.
    held_bytes: u64,
    fragments: u32,
    empty_fragments: u32,
    utf8: Utf8Validator,
    is_text: bool,
    /// Whether a message has begun.
    is_open: bool,
    /// Whether the payload comes compressed.
    is_compressed: bool,
    /// Whether bytes before these lie in a buffer of the user.
    #[cfg(feature = "random")]
    is_lent: bool,
    /// Whether fragments before these were handed out.
    #[cfg(feature = "random")]
    is_part: bool,
}

/// The plain way: one vector that grows.
#[derive(Debug, Default)]
struct Copied(Vec<u8>);

impl OpenMessage {
    /// No message.
    pub(crate) const NONE: Self = Self {
        segments: Sequence::new(),
        copied: None,
        payload_bytes: 0,
        announced: 0,
        held_bytes: 0,
        fragments: 0,
        empty_fragments: 0,
        utf8: Utf8Validator::new(),
        is_text: false,
        is_open: false,
        is_compressed: false,
        #[cfg(feature = "random")]
        is_lent: false,
        #[cfg(feature = "random")]
        is_part: false,
    };

    /// Returns whether a message has begun.
    #[inline]
    pub(crate) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Ends the message, and gives back what was gathered of it.
    pub(crate) fn clear(&mut self) {
        self.is_open = false;
        (self.segments, self.copied) = (Sequence::new(), None);
    }

    const fn kind(&self) -> MessageKind {
        if self.is_text { MessageKind::Text } else { MessageKind::Binary }
    }

    /// Begins a message where there is none. Field by field: a move of
    /// a struct right after its fields were written waits for the store buffer.
    #[inline]
    pub(crate) fn begin(&mut self, kind: MessageKind, assembly: Assembly, is_compressed: bool) {
        if assembly == Assembly::Contiguous {
            self.copied = Some(Box::default());
        }
        self.is_text = kind == MessageKind::Text;
        self.is_open = true;
        self.is_compressed = is_compressed;
        self.utf8 = Utf8Validator::new();
        (self.announced, self.fragments, self.empty_fragments) = (0, 0, 0);
        self.held_bytes = 0;
        #[cfg(feature = "random")]
        {
            (self.is_lent, self.is_part) = (false, false);
        }
    }

    /// Begins a message of one frame, which is within the limits.
    #[inline]
    pub(crate) fn begin_single(&mut self, kind: MessageKind, payload_len: u64) {
        self.begin(kind, Assembly::Segmented, false);
        (self.announced, self.fragments) = (payload_len, 1);
    }

    /// Returns whether received segments are kept.
    pub(crate) const fn holds_segments(&self) -> bool {
        self.is_open && self.held_bytes > 0 && !self.is_compressed
    }

    /// Counts a frame, before any of its payload is taken in. Reserves nothing.
    pub(crate) fn announce(
        &mut self,
        header: &Header,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        self.announced = self.announced.saturating_add(header.payload_len);
        // What cannot be compressed takes a little more than it is.
        let slack = if self.is_compressed { 64 + limits.message_bytes_max() / 1_000 } else { 0 };
        if self.announced > limits.message_bytes_max().saturating_add(slack) {
            return Err(DecodeErrorKind::MessageTooLong);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.fragments_max() {
            return Err(DecodeErrorKind::TooManyFragments);
        }
        if header.payload_len == 0 && !header.fin {
            self.empty_fragments = self.empty_fragments.saturating_add(1);
            if self.empty_fragments > limits.empty_fragments_max() {
                return Err(DecodeErrorKind::TooManyEmptyFragments);
            }
        }
        Ok(())
    }

    /// Unmasks bytes of an uncompressed message where they are, and checks those of a text.
    ///
    /// # Errors
    ///
    /// The index of a byte that is not UTF-8.
    fn unmask(&mut self, bytes: &mut [u8], key: Option<([u8; 4], usize)>) -> Result<(), usize> {
        match key {
            Some((key, phase)) if self.is_text => unmask_text(bytes, key, phase, &mut self.utf8),
            None if self.is_text => self.utf8.push(bytes),
            Some((key, phase)) => {
                mask(bytes, key, phase);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Takes `count` bytes of payload from the front of `input`; fewer, when the pool is empty, which
    /// loses nothing.
    ///
    /// # Errors
    ///
    /// What is wrong, and the index in the payload bytes of the refused one, where they are not
    /// compressed.
    pub(crate) fn take(
        &mut self,
        input: &mut SegmentMut,
        count: usize,
        key: Option<([u8; 4], usize)>,
        limits: &Limits,
        decompressor: Option<&mut MessageDecompressor>,
    ) -> Result<(), (DecodeErrorKind, Option<usize>)> {
        if let (true, Some(decompressor)) = (self.is_compressed, decompressor) {
            let bytes = &mut input[..count];
            if let Some((key, phase)) = key {
                mask(bytes, key, phase);
            }
            let mut rest = &*bytes;
            let inflated = decompressor
                .push(&mut rest, limits.inflated_bytes_max(), |chunk| self.link(chunk, limits));
            let taken = count - rest.len();
            if let Some((key, phase)) = key {
                // What is taken later is to be unmasked then.
                mask(&mut bytes[taken..], key, (phase + taken) % 4);
            }
            input.advance(taken);
            return inflated.map_err(|kind| (kind, None));
        }
        if self.copied.is_none() {
            let is_new = !self.last().is_some_and(|last| input.shares_segment_with(last));
            // Before any byte changes: without memory all of this is done again.
            let hold = self.hold(is_new, input.held_bytes(), || input.pool(), limits);
            hold.map_err(|kind| (kind, Some(0)))?;
        }
        if let Err(index) = self.unmask(&mut input[..count], key) {
            // Whoever takes a message in parts gets what is valid of it.
            self.append(input, 0..index);
            return Err((DecodeErrorKind::Utf8Invalid, Some(index)));
        }
        self.append(input, 0..count);
        Ok(())
    }

    /// Appends payload of an uncompressed message, for which there is a [slot](Self::hold), and drops
    /// the bytes of `input` before it.
    #[inline]
    pub(crate) fn append(&mut self, input: &mut SegmentMut, range: Range<usize>) {
        self.payload_bytes += range.len() as u64;
        match &mut self.copied {
            None if self.segments.is_empty() => self.segments = input.freeze_range(range).into(),
            // Needs no memory: the slot is there.
            None => self.segments.push(input.freeze_range(range)),
            Some(copied) => {
                copied.0.extend_from_slice(&input[range.clone()]);
                input.advance(range.end);
            }
        }
    }

    /// Returns the segment that was linked last.
    fn last(&self) -> Option<&Segment> {
        self.segments.chunks().next_back()
    }

    /// Makes a slot for a segment, unless the message would keep more than it may.
    fn hold<'a>(
        &mut self,
        is_new: bool,
        bytes: usize,
        pool: impl FnOnce() -> PoolRef<'a>,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        let held_bytes = self.held_bytes + if is_new { bytes as u64 } else { 0 };
        if held_bytes > limits.held_bytes_max() {
            return Err(DecodeErrorKind::HeldTooMuch);
        }
        if !self.segments.is_empty() {
            self.segments.try_reserve(1, &pool()).map_err(DecodeErrorKind::OutOfMemory)?;
        }
        self.held_bytes = held_bytes;
        Ok(())
    }

    /// Takes a chunk that came out of compressed payload; without memory nothing of it.
    fn link(&mut self, chunk: &Segment, limits: &Limits) -> Result<(), DecodeErrorKind> {
        if self.copied.is_none() {
            let is_new = !self.last().is_some_and(|last| last.shares_segment_with(chunk));
            let pool = || chunk.pool().unwrap_or_else(|| Pool::global().into());
            self.hold(is_new, chunk.held_bytes(), pool, limits)?;
        }
        let valid = if self.is_text { self.utf8.push(chunk) } else { Ok(()) };
        let len = valid.err().unwrap_or(chunk.len());
        self.payload_bytes += len as u64;
        match &mut self.copied {
            // Needs no memory: `hold` has made the slot, and a first chunk takes none.
            None => self.segments.push(chunk.slice(..len)),
            Some(copied) => copied.0.extend_from_slice(&chunk[..len]),
        }
        valid.map_err(|_| DecodeErrorKind::Utf8Invalid)
    }

    /// Ends the compressed payload of a message.
    #[cfg(feature = "deflate")]
    pub(crate) fn inflate_end(
        &mut self,
        decompressor: &mut MessageDecompressor,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        if !self.is_compressed {
            return Ok(());
        }
        decompressor.hand_over(limits.inflated_bytes_max(), |chunk| self.link(chunk, limits))?;
        decompressor.finish()
    }

    /// Ends the message after its last fragment.
    pub(crate) fn finish(&mut self) -> Result<Message, DecodeErrorKind> {
        if !self.utf8.is_complete() {
            return Err(DecodeErrorKind::Utf8Invalid);
        }
        #[cfg(feature = "random")]
        if self.is_lent || self.is_part {
            return Ok(self.take_payload(Content::part(self.kind())));
        }
        Ok(self.take_payload(Content::whole(self.kind())))
    }

    /// Takes what is gathered out.
    fn take_payload(&mut self, content: Content) -> Message {
        let payload = match &mut self.copied {
            None => take(&mut self.segments),
            Some(copied) => Bytes::from(take(&mut copied.0)).into(),
        };
        Message::of(content, payload)
    }
}
