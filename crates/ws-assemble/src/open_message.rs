//! Fragments on their way to a message.

#[cfg(feature = "random")]
mod lent;

use core::cell::Cell;

use seg_pool::{Pool, Segment, SegmentMut};

#[cfg(feature = "deflate")]
use crate::deflate::Inflation;
use crate::{
    assembly::Assembly,
    decode_error::DecodeErrorKind,
    header::Header,
    limits::Limits,
    linked::Linked,
    mask::{mask, unmask_text},
    message::{Content, Message, MessageKind},
    recycled::{Far, Recyclable, Spare},
    utf8::Utf8Validator,
};

/// Nothing is decompressed without the feature.
#[cfg(not(feature = "deflate"))]
pub(crate) enum Inflation {}

#[cfg(not(feature = "deflate"))]
#[expect(clippy::needless_pass_by_ref_mut, reason = "as with the feature")]
impl Inflation {
    fn push(
        &mut self,
        _: &mut &[u8],
        _: u64,
        _: impl FnMut(&Segment) -> Result<(), DecodeErrorKind>,
    ) -> Result<(), DecodeErrorKind> {
        match *self {}
    }
}

/// A message whose last fragment is not here yet.
#[derive(Debug)]
pub(crate) struct OpenMessage {
    kind: MessageKind,
    payload: Payload,
    /// Whether the payload comes compressed.
    is_compressed: bool,
    utf8: Utf8Validator,
    /// Bytes of all frames that were announced.
    announced: u64,
    fragments: u32,
    empty_fragments: u32,
    /// What the linked segments keep from reuse, counted as they come: asking the sequence costs
    /// more with each chunk.
    held_bytes: u64,
    /// Whether bytes before these lie in a buffer of the user.
    #[cfg(feature = "random")]
    is_lent: bool,
    /// Whether fragments before these were handed out.
    #[cfg(feature = "random")]
    is_part: bool,
}

impl Default for OpenMessage {
    fn default() -> Self {
        Self {
            kind: MessageKind::Binary,
            payload: Payload::default(),
            is_compressed: false,
            utf8: Utf8Validator::new(),
            announced: 0,
            fragments: 0,
            empty_fragments: 0,
            held_bytes: 0,
            #[cfg(feature = "random")]
            is_lent: false,
            #[cfg(feature = "random")]
            is_part: false,
        }
    }
}

impl Recyclable for OpenMessage {
    fn spare() -> Spare<Self> {
        thread_local! {
            static NEAR: Cell<Option<Box<OpenMessage>>> = const { Cell::new(None) };
        }
        static FAR: Far<OpenMessage> = Far::new();
        Spare { near: &NEAR, far: &FAR }
    }

    fn clear(&mut self) {
        match &mut self.payload {
            Payload::Segmented(linked) => drop(core::mem::take(linked)),
            Payload::Contiguous(_) => self.payload = Payload::default(),
        }
    }
}

#[derive(Debug)]
enum Payload {
    Segmented(Linked),
    Contiguous(Vec<u8>),
}

impl Default for Payload {
    fn default() -> Self {
        Self::Segmented(Linked::default())
    }
}

impl OpenMessage {
    /// Begins a message, in a box that holds none. Field by field: what was put together elsewhere is
    /// slow to be moved right after.
    #[inline]
    pub(crate) fn begin(&mut self, kind: MessageKind, assembly: Assembly, is_compressed: bool) {
        if assembly == Assembly::Contiguous {
            self.payload = Payload::Contiguous(Vec::new());
        }
        self.kind = kind;
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
        self.held_bytes > 0 && !self.is_compressed
    }

    /// Counts a frame, before any of its payload is taken in. Reserves nothing.
    pub(crate) fn announce(
        &mut self,
        header: &Header,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        self.announced = self.announced.saturating_add(header.payload_len);
        // What cannot be compressed takes a little more than it is.
        let slack = if self.is_compressed { 64 + limits.message_bytes_max / 1_000 } else { 0 };
        if self.announced > limits.message_bytes_max.saturating_add(slack) {
            return Err(DecodeErrorKind::MessageTooLong);
        }
        self.fragments = self.fragments.saturating_add(1);
        if self.fragments > limits.fragments_max {
            return Err(DecodeErrorKind::TooManyFragments);
        }
        if header.payload_len == 0 && !header.fin {
            self.empty_fragments = self.empty_fragments.saturating_add(1);
            if self.empty_fragments > limits.empty_fragments_max {
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
        let is_text = self.kind == MessageKind::Text;
        match key {
            Some((key, phase)) if is_text => unmask_text(bytes, key, phase, &mut self.utf8),
            None if is_text => self.utf8.push(bytes),
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
        inflation: Option<&mut Inflation>,
    ) -> Result<(), (DecodeErrorKind, Option<usize>)> {
        if let (true, Some(inflation)) = (self.is_compressed, inflation) {
            let bytes = &mut input[..count];
            if let Some((key, phase)) = key {
                mask(bytes, key, phase);
            }
            let mut rest = &*bytes;
            let inflated =
                inflation.push(&mut rest, limits.inflated(), |chunk| self.link(chunk, limits));
            let taken = count - rest.len();
            if let Some((key, phase)) = key {
                // What is taken later is to be unmasked then.
                mask(&mut bytes[taken..], key, (phase + taken) % 4);
            }
            bytes::Buf::advance(input, taken);
            return inflated.map_err(|kind| (kind, None));
        }
        if let Payload::Segmented(linked) = &mut self.payload {
            let is_new = !input.shares_segment_with(linked.last());
            let held_bytes = self.held_bytes + if is_new { input.held_bytes() as u64 } else { 0 };
            if held_bytes > limits.held_bytes_max {
                return Err((DecodeErrorKind::HeldTooMuch, Some(0)));
            }
            // Before any byte changes: without memory all of this is done again.
            let reserved = linked.try_reserve(|| input.pool());
            reserved.map_err(|error| (DecodeErrorKind::OutOfMemory(error), Some(0)))?;
            self.held_bytes = held_bytes;
        }
        let bytes = &mut input[..count];
        let unmasked = self.unmask(bytes, key);
        unmasked.map_err(|index| (DecodeErrorKind::Utf8Invalid, Some(index)))?;
        match &mut self.payload {
            Payload::Segmented(linked) => linked.push(input.freeze_range(0..count)),
            Payload::Contiguous(vec) => {
                vec.extend_from_slice(bytes);
                bytes::Buf::advance(input, count);
            }
        }
        Ok(())
    }

    /// Takes a chunk that came out of compressed payload; without memory nothing of it.
    fn link(&mut self, chunk: &Segment, limits: &Limits) -> Result<(), DecodeErrorKind> {
        if let Payload::Segmented(linked) = &mut self.payload {
            let is_new = !linked.last().shares_segment_with(chunk);
            let held_bytes = self.held_bytes + if is_new { chunk.held_bytes() as u64 } else { 0 };
            if held_bytes > limits.held_bytes_max {
                return Err(DecodeErrorKind::HeldTooMuch);
            }
            let pool = || chunk.pool().unwrap_or_else(|| Pool::global().into());
            linked.try_reserve(pool).map_err(DecodeErrorKind::OutOfMemory)?;
            self.held_bytes = held_bytes;
        }
        if self.kind == MessageKind::Text {
            self.utf8.push(chunk).map_err(|_| DecodeErrorKind::Utf8Invalid)?;
        }
        match &mut self.payload {
            Payload::Segmented(linked) => linked.push(chunk.clone()),
            Payload::Contiguous(vec) => vec.extend_from_slice(chunk),
        }
        Ok(())
    }

    /// Ends the compressed payload of a message.
    #[cfg(feature = "deflate")]
    pub(crate) fn inflate_end(
        &mut self,
        inflation: &mut Inflation,
        limits: &Limits,
    ) -> Result<(), DecodeErrorKind> {
        if !self.is_compressed {
            return Ok(());
        }
        inflation.hand_over(limits.inflated(), |chunk| self.link(chunk, limits))?;
        inflation.finish()
    }

    /// Ends the message after its last fragment.
    pub(crate) fn finish(&mut self) -> Result<Message, DecodeErrorKind> {
        if !self.utf8.is_complete() {
            return Err(DecodeErrorKind::Utf8Invalid);
        }
        #[cfg(feature = "random")]
        if self.is_lent || self.is_part {
            return Ok(self.take_payload(Content::part(self.kind)));
        }
        Ok(self.take_payload(Content::whole(self.kind)))
    }

    /// Takes what is gathered out.
    fn take_payload(&mut self, content: Content) -> Message {
        let payload = match &mut self.payload {
            Payload::Segmented(linked) => core::mem::take(linked),
            Payload::Contiguous(vec) => Linked::of(bytes::Bytes::from(core::mem::take(vec)).into()),
        };
        Message::of(content, payload)
    }
}
