//! Frames on their way out.

use std::{borrow::Cow, io::IoSlice, sync::Arc};

use bytes::Buf as _;
use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};

use super::{
    controls::{Controls, FRAME_BYTES_MAX},
    counters::Traffic,
    payload::Payload,
};
#[cfg(feature = "deflate")]
use crate::deflate::{DeflateParams, MessageCompressor};
use crate::{
    broadcast::Broadcast,
    encode::{append_encoded, append_frame, append_slice},
    header::Header,
    keys::MaskKeys,
    mask::mask,
    message::MessageKind,
    opcode::Opcode,
    role::Role,
};

/// Output that waits beyond this is written before more is taken on, unless another limit is set.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// Payload up to this length goes out in one slice with its header, copied on the stack.
const SMALL_BYTES_MAX: usize = 128;

/// What is encoded and not written yet.
#[derive(Debug)]
pub(super) struct Output {
    /// Clients mask what they send.
    keys: Option<Box<MaskKeys>>,
    /// Data frames.
    frames: SegmentedBuf,
    /// Bytes of `frames` up to the end of a frame, when the one before it is partly written: control
    /// frames go out after them.
    begun_bytes: u64,
    pub(super) bytes_max: u64,
    controls: Controls,
    message: Sending,
    /// What was sent so far; of bytes, those that the stream took.
    pub(super) sent: Traffic,
    #[cfg(feature = "deflate")]
    compressor: Option<Box<MessageCompressor>>,
}

/// Where in a message that goes out in fragments the next frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Between,
    Inside { is_compressed: bool },
}

/// Bytes that a [`Session`](super::Session) has to write: control frames, and data frames in the
/// segments where they lie.
///
/// It is a view of its own, so that a session need not be locked while it is written.
#[derive(Debug)]
pub struct Outgoing {
    controls: [u8; FRAME_BYTES_MAX],
    controls_len: usize,
    frames: Sequence,
}

impl Outgoing {
    /// Returns the bytes, for a vectored write. The first slice may be empty.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        let controls = IoSlice::new(&self.controls[..self.controls_len]);
        core::iter::once(controls).chain(self.frames.io_slices())
    }
}

/// What of a message that is to be written at once lies in a [`SmallFrame`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoded {
    /// So many bytes: all of it.
    Whole(usize),
    /// So many bytes: its header. The payload is written from where it lies.
    Header(usize),
}

impl Output {
    pub(super) fn new(role: Role, pool: &Pool) -> Self {
        Self {
            keys: (role == Role::Client).then(Box::default),
            frames: SegmentedBuf::new(pool),
            begun_bytes: 0,
            bytes_max: OUTPUT_BYTES_MAX,
            controls: Controls::default(),
            message: Sending::Between,
            sent: Traffic::NONE,
            #[cfg(feature = "deflate")]
            compressor: None,
        }
    }

    /// Compresses what is worth it from now on.
    #[cfg(feature = "deflate")]
    pub(super) fn deflate(&mut self, agreed: &DeflateParams, role: Role) {
        self.compressor = MessageCompressor::new(agreed, role).map(Box::new);
    }

    pub(super) const fn pool(&self) -> &Pool {
        self.frames.pool()
    }

    pub(super) fn len(&self) -> u64 {
        self.frames.len() + self.controls.len() as u64
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.controls.len() == 0
    }

    /// Returns the memory that what waits keeps from reuse, in bytes.
    pub(super) fn held_bytes(&self) -> u64 {
        self.frames.held_bytes()
    }

    pub(super) fn is_full(&self) -> bool {
        self.frames.len() > self.bytes_max
    }

    /// Returns whether a pong waits for others to be written.
    pub(super) fn holds_pong_back(&self) -> bool {
        self.controls.is_full()
    }

    pub(super) fn is_inside_message(&self) -> bool {
        self.message != Sending::Between
    }

    /// Drops everything: nothing can be written any more.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.begun_bytes = 0;
        self.controls.clear();
    }

    fn key(&mut self) -> Option<[u8; 4]> {
        self.keys.as_mut().map(|keys| keys.next_key())
    }

    /// Makes the header of a whole message.
    #[inline]
    fn header(&mut self, kind: MessageKind, payload_len: u64) -> Header {
        let mask = self.key();
        Header { fin: true, is_compressed: false, opcode: kind.opcode(), mask, payload_len }
    }

    /// Encodes a message after what waits.
    pub(super) fn queue(
        &mut self,
        kind: MessageKind,
        payload: Payload<'_>,
    ) -> Result<(), OutOfMemory> {
        let payload_len = payload.len();
        if self.is_worth_compressing(payload_len) {
            return match payload {
                Payload::Shared(sequence) => self.queue_fragment(kind, sequence, true),
                Payload::Borrowed(slice) => {
                    let mut copy = SegmentedBuf::new(self.pool());
                    copy.try_extend_from_slice(slice)?;
                    self.queue_fragment(kind, &copy.freeze(), true)
                }
            };
        }
        let header = self.header(kind, payload_len);
        match payload {
            Payload::Shared(sequence) => append_frame(&header, sequence, &mut self.frames)?,
            Payload::Borrowed(slice) => append_slice(&header, slice, &mut self.frames)?,
        }
        self.sent.accept(payload_len, true);
        Ok(())
    }

    /// Takes a message that is encoded already. Returns its frame when it is to be written at once, as
    /// nothing waits before it; queues it otherwise.
    pub(super) fn encode_broadcast<'b>(
        &mut self,
        broadcast: &'b Broadcast,
        slices_max: usize,
    ) -> Result<Option<Cow<'b, Arc<Sequence>>>, OutOfMemory> {
        let len = broadcast.message().len();
        let Some(frame) = self.frame_of(broadcast)? else {
            self.queue(
                broadcast.message().kind(),
                Payload::Shared(broadcast.message().sequence()),
            )?;
            return Ok(None);
        };
        if frame.chunk_count() <= slices_max && self.is_empty() {
            self.sent.accept(len, true);
            self.sent.bytes += frame.len();
            return Ok(Some(frame));
        }
        append_encoded(&frame, &mut self.frames)?;
        self.sent.accept(len, true);
        Ok(None)
    }

    /// Returns the frame of a message that is encoded already, where it would be the same here.
    fn frame_of<'b>(
        &mut self,
        broadcast: &'b Broadcast,
    ) -> Result<Option<Cow<'b, Arc<Sequence>>>, OutOfMemory> {
        if self.keys.is_some() {
            return Ok(None);
        }
        if !self.is_worth_compressing(broadcast.message().len()) {
            return Ok(Some(Cow::Borrowed(broadcast.frame())));
        }
        #[cfg(feature = "deflate")]
        if let Some(compressor) =
            self.compressor.as_mut().filter(|compressor| !compressor.takeover())
        {
            return broadcast.compressed(compressor).map(|frame| Some(Cow::Owned(frame)));
        }
        Ok(None)
    }

    /// Takes a control frame of at most 125 bytes; returns whether there was space for it, which
    /// pongs and close frames always have.
    pub(super) fn queue_control(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        let (payload_len, mask) = (payload.len() as u64, self.key());
        let header = Header { fin: true, is_compressed: false, opcode, mask, payload_len };
        let mut frame = SmallFrame::EMPTY;
        let len = frame.put(&header, payload);
        self.controls.push(opcode, frame.bytes(len))
    }

    /// Appends a fragment of a message, compressed if that was agreed on.
    pub(super) fn queue_fragment(
        &mut self,
        kind: MessageKind,
        payload: &Sequence,
        is_last: bool,
    ) -> Result<(), OutOfMemory> {
        let is_first = self.message == Sending::Between;
        let is_compressed = match self.message {
            Sending::Between => self.is_worth_compressing(u64::MAX),
            Sending::Inside { is_compressed } => is_compressed,
        };
        let compressed;
        let payload_len = payload.len();
        let mut payload = payload;
        if is_compressed {
            compressed = self.compress(payload, is_last)?;
            payload = &compressed;
        }
        let mut header = self.header(kind, payload.len());
        header.fin = is_last;
        header.is_compressed = is_compressed && is_first;
        if !is_first {
            header.opcode = Opcode::Continuation;
        }
        append_frame(&header, payload, &mut self.frames)
            .inspect_err(|_| self.forget_compressed())?;
        self.sent.accept(payload_len, is_last);
        self.message = if is_last { Sending::Between } else { Sending::Inside { is_compressed } };
        Ok(())
    }

    /// Encodes a message that is to be written at once, as nothing waits before it, and it need be
    /// neither compressed nor masked where it does not fit into `small`. `None` when it is to be
    /// [queued](Self::queue).
    #[inline]
    pub(super) fn encode(
        &mut self,
        kind: MessageKind,
        payload: Payload<'_>,
        is_vectored: bool,
        small: &mut SmallFrame,
    ) -> Option<Encoded> {
        let payload_len = payload.len();
        if !self.is_empty() || self.is_worth_compressing(payload_len) {
            return None;
        }
        let short = payload.one_slice().filter(|slice| slice.len() <= SMALL_BYTES_MAX);
        // A stream that takes one slice at a time would send the header on its own.
        if short.is_none() && (!is_vectored || self.keys.is_some()) {
            return None;
        }
        let header = self.header(kind, payload_len);
        self.sent.accept(payload_len, true);
        if let Some(slice) = short {
            let len = small.put(&header, slice);
            self.sent.bytes += len as u64;
            return Some(Encoded::Whole(len));
        }
        let len = small.put(&header, &[]);
        self.sent.bytes += len as u64 + payload_len;
        Some(Encoded::Header(len))
    }

    /// Keeps what is left of a frame that is partly written. It must not fail, so without memory of
    /// the pool it is allocated.
    #[cold]
    pub(super) fn keep(&mut self, header: &[u8], rest: Payload<'_>, sent: usize) {
        // They were counted with the message.
        self.sent.bytes -= header.len() as u64 + rest.len() - sent as u64;
        self.keep_slice(header);
        match rest {
            Payload::Borrowed(slice) => self.keep_slice(&slice[sent..]),
            Payload::Shared(sequence) => self.keep_sequence(sequence, sent),
        }
        self.begun_bytes = self.frames.len();
    }

    fn keep_slice(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && self.frames.try_extend_from_slice(bytes).is_err() {
            self.keep_allocated(bytes);
        }
    }

    fn keep_sequence(&mut self, sequence: &Sequence, sent: usize) {
        let rest = sequence.try_slice(sent as u64..).ok();
        let linked = rest.is_some_and(|mut rest| self.frames.try_append(&mut rest).is_ok());
        if !linked {
            self.keep_allocated(&sequence.to_vec()[sent..]);
        }
    }

    /// Makes one chunk of what is kept, so that no list is needed.
    fn keep_allocated(&mut self, bytes: &[u8]) {
        let mut all = self.frames.split().to_vec();
        all.extend_from_slice(bytes);
        self.frames.clear();
        self.frames.push_bytes(all.into());
    }

    /// Returns what is to be written next.
    pub(super) fn outgoing(&mut self) -> Outgoing {
        let mut outgoing =
            Outgoing { controls: [0; FRAME_BYTES_MAX], controls_len: 0, frames: Sequence::new() };
        if self.begun_bytes == 0 && self.controls.len() > 0 {
            let controls = self.controls.begin(self.frames.is_empty());
            outgoing.controls[..controls.len()].copy_from_slice(controls);
            outgoing.controls_len = controls.len();
        }
        if !self.frames.is_empty() {
            // Without memory for a list, one chunk is written after the other.
            outgoing.frames = self
                .frames
                .try_sequence()
                .unwrap_or_else(|_| self.frames.first_segment().unwrap_or_default().into());
            if self.begun_bytes > 0 && self.controls.len() > 0 {
                outgoing.frames.truncate(self.begun_bytes);
            }
        }
        outgoing
    }

    /// Drops the first bytes of what was [to be written](Self::outgoing): they are.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent.bytes += count as u64;
        let count = count - self.controls.advance(count);
        if count == 0 {
            return;
        }
        self.frames.advance(count);
        if self.frames.is_empty() {
            // An idle connection keeps no segment.
            self.frames.clear();
            self.begun_bytes = 0;
            return;
        }
        // Where in the frames that are left one ends is not known, except for the first.
        self.begun_bytes = match (count as u64).cmp(&self.begun_bytes) {
            core::cmp::Ordering::Less => self.begun_bytes - count as u64,
            core::cmp::Ordering::Equal => 0,
            core::cmp::Ordering::Greater => self.frames.len(),
        };
    }
}

/// A short frame on the stack.
pub(crate) struct SmallFrame([u8; Self::BYTES]);

impl SmallFrame {
    /// The longest payload, after a header as it comes out of its register.
    const BYTES: usize = size_of::<u128>() + SMALL_BYTES_MAX;

    pub(crate) const EMPTY: Self = Self([0; Self::BYTES]);

    /// Copies and masks at most `SMALL_BYTES_MAX` bytes of payload after their header; returns how
    /// long the frame is. It stays where it is: a move right after it was written in parts waits for
    /// the store buffer.
    #[inline]
    fn put(&mut self, header: &Header, payload: &[u8]) -> usize {
        let (head, start) = header.to_word();
        let bytes = &mut self.0;
        bytes[..size_of::<u128>()].copy_from_slice(&head.to_le_bytes());
        let len = start + payload.len();
        bytes[start..len].copy_from_slice(payload);
        if let Some(key) = header.mask {
            mask(&mut bytes[start..len], key, 0);
        }
        len
    }

    #[inline]
    pub(crate) fn bytes(&self, len: usize) -> &[u8] {
        &self.0[..len]
    }
}

#[cfg(feature = "deflate")]
impl Output {
    #[inline]
    fn is_worth_compressing(&self, len: u64) -> bool {
        self.compressor.as_ref().is_some_and(|compressor| compressor.is_worth(len))
    }

    fn compress(&mut self, payload: &Sequence, is_last: bool) -> Result<Sequence, OutOfMemory> {
        let Some(compressor) = &mut self.compressor else { return payload.try_clone() };
        let chunks = payload.chunks().map(|chunk| &**chunk);
        compressor.compress(chunks, is_last, self.frames.pool())
    }

    /// Refers to nothing that was compressed before and not sent.
    fn forget_compressed(&mut self) {
        if let Some(compressor) = &mut self.compressor {
            compressor.forget();
        }
    }
}

#[cfg(not(feature = "deflate"))]
#[expect(clippy::unused_self, reason = "as with the feature")]
impl Output {
    #[inline]
    const fn is_worth_compressing(&self, _: u64) -> bool {
        false
    }

    fn compress(&self, payload: &Sequence, _: bool) -> Result<Sequence, OutOfMemory> {
        payload.try_clone()
    }

    const fn forget_compressed(&self) {}
}
