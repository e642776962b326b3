//! Frames on their way out.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io::{self, IoSlice};

use bytes::{Buf as _, Bytes};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};
use tokio::io::AsyncWrite;

use super::{ConnectionError, payload::Payload};
#[cfg(feature = "deflate")]
use crate::deflate::{Deflate, Deflation};
use crate::{
    control::ControlPayload,
    encode::{append_frame, append_message, append_slice},
    header::Header,
    keys::MaskKeys,
    mask::mask,
    message::{Message, MessageKind},
    opcode::Opcode,
    role::Role,
};

/// Output that waits beyond this is written before more is taken on.
const OUTPUT_BYTES_MAX: u64 = 64 << 10;

/// Slices of one vectored write.
const WRITE_SLICES: usize = 16;

/// Payload up to this length goes out in one slice with its header, copied on the stack.
const SMALL_BYTES_MAX: usize = 128;

/// What is encoded and not written yet.
#[derive(Debug)]
pub(super) struct Output {
    /// Clients mask what they send.
    keys: Option<Box<MaskKeys>>,
    buffer: SegmentedBuf,
    /// Whether the stream may hold bytes back.
    is_dirty: bool,
    message: Sending,
    #[cfg(feature = "deflate")]
    deflation: Option<Box<Deflation>>,
}

/// Where in a message that goes out in fragments the next frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Between,
    Inside { is_compressed: bool },
}

impl Output {
    pub(super) fn new(role: Role, pool: &Pool) -> Self {
        Self {
            keys: (role == Role::Client).then(Box::default),
            buffer: SegmentedBuf::new(pool),
            is_dirty: false,
            message: Sending::Between,
            #[cfg(feature = "deflate")]
            deflation: None,
        }
    }

    /// Compresses what is worth it from now on.
    #[cfg(feature = "deflate")]
    pub(super) fn deflate(&mut self, agreed: &Deflate, role: Role) {
        self.deflation = Deflation::new(agreed, role).map(Box::new);
    }

    pub(super) fn len(&self) -> u64 {
        self.buffer.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() > OUTPUT_BYTES_MAX
    }

    pub(super) fn is_inside_message(&self) -> bool {
        self.message != Sending::Between
    }

    fn key(&mut self) -> Option<[u8; 4]> {
        self.keys.as_mut().map(|keys| keys.next_key())
    }

    /// Makes the header of a whole message.
    fn header(&mut self, kind: MessageKind, payload_len: u64) -> Header {
        let mask = self.key();
        Header { fin: true, is_compressed: false, opcode: kind.opcode(), mask, payload_len }
    }

    pub(super) fn queue(&mut self, message: &Message) -> Result<(), ConnectionError> {
        if self.is_worth_compressing(message.len()) {
            return self.queue_fragment(message.kind(), &message.sequence(), true);
        }
        let header = self.header(message.kind(), message.len());
        Ok(append_message(&header, message, &mut self.buffer)?)
    }

    pub(super) fn queue_control(
        &mut self,
        opcode: Opcode,
        payload: &ControlPayload,
    ) -> Result<(), ConnectionError> {
        let (payload_len, mask) = (payload.len() as u64, self.key());
        let header = Header { fin: true, is_compressed: false, opcode, mask, payload_len };
        let mut frame = SmallFrame::EMPTY;
        self.buffer.try_extend_from_slice(frame.put(&header, payload))?;
        Ok(())
    }

    /// Appends a fragment of a message, compressed if that was agreed on.
    pub(super) fn queue_fragment(
        &mut self,
        kind: MessageKind,
        payload: &Sequence,
        is_last: bool,
    ) -> Result<(), ConnectionError> {
        let is_first = self.message == Sending::Between;
        let is_compressed = match self.message {
            Sending::Between => self.is_worth_compressing(u64::MAX),
            Sending::Inside { is_compressed } => is_compressed,
        };
        let compressed;
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
        if let Err(error) = append_frame(&header, payload, &mut self.buffer) {
            self.forget_compressed();
            return Err(error.into());
        }
        self.message = if is_last { Sending::Between } else { Sending::Inside { is_compressed } };
        Ok(())
    }

    /// Writes a message as far as the stream takes it at once, and keeps the rest.
    #[inline]
    pub(super) fn send<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        kind: MessageKind,
        payload: Payload<'_>,
    ) -> Result<(), ConnectionError> {
        let slice = match payload {
            Payload::Borrowed(slice) | Payload::Shared(slice, _) => slice,
            Payload::Chunks(sequence) if self.is_worth_compressing(sequence.len()) => {
                return self.queue_fragment(kind, sequence, true);
            }
            Payload::Chunks(sequence) => {
                let header = self.header(kind, sequence.len());
                return Ok(append_frame(&header, sequence, &mut self.buffer)?);
            }
        };
        if self.is_worth_compressing(slice.len() as u64) {
            return self.queue_fragment(kind, &payload.into_sequence(self.buffer.pool())?, true);
        }
        let header = self.header(kind, slice.len() as u64);
        // A stream that takes one slice at a time would send the header on its own.
        let is_copied = header.mask.is_some() || !stream.is_write_vectored();
        if slice.len() <= SMALL_BYTES_MAX {
            let mut frame = SmallFrame::EMPTY;
            let bytes = frame.put(&header, slice);
            let count = self.write(stream, context, &[IoSlice::new(bytes)])?;
            if count < bytes.len() {
                self.keep(&bytes[count..]);
            }
            return Ok(());
        }
        if is_copied {
            return match payload {
                Payload::Shared(_, message) if header.mask.is_none() => {
                    Ok(append_frame(&header, &message.sequence(), &mut self.buffer)?)
                }
                _ => Ok(append_slice(&header, slice, &mut self.buffer)?),
            };
        }
        let (header, header_len) = header.to_word();
        let header = &header.to_le_bytes()[..header_len];
        let count = self.write(stream, context, &[IoSlice::new(header), IoSlice::new(slice)])?;
        if count < header_len + slice.len() {
            self.keep(&header[count.min(header_len)..]);
            let sent = count.saturating_sub(header_len);
            match payload {
                Payload::Shared(_, message) => {
                    self.buffer.append(message.sequence().slice(sent as u64..));
                }
                _ => self.keep(&slice[sent..]),
            }
        }
        Ok(())
    }

    /// Writes slices when nothing waits before them; returns how many bytes were taken.
    #[inline]
    fn write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Result<usize, ConnectionError> {
        if !self.buffer.is_empty() {
            return Ok(0);
        }
        let stream = Pin::new(stream);
        let polled = match slices {
            [slice] => stream.poll_write(context, slice),
            _ => stream.poll_write_vectored(context, slices),
        };
        match polled {
            Poll::Ready(Ok(0)) => Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Poll::Ready(Ok(count)) => {
                self.is_dirty = true;
                Ok(count)
            }
            Poll::Ready(Err(error)) => Err(error.into()),
            Poll::Pending => Ok(0),
        }
    }

    /// Keeps the rest of a frame that is partly written. It must not fail, so without memory of the
    /// pool it is allocated.
    #[cold]
    fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && self.buffer.try_extend_from_slice(bytes).is_err() {
            self.buffer.push_bytes(Bytes::copy_from_slice(bytes));
        }
    }

    #[inline]
    pub(super) fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.buffer.is_empty() {
            ready!(self.poll_write_all(stream, context))?;
        }
        if self.is_dirty {
            ready!(Pin::new(stream).poll_flush(context))?;
            self.is_dirty = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_all<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            let count = ready!(self.poll_write(stream, context))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.is_dirty = true;
            self.buffer.advance(count);
            if self.buffer.is_empty() {
                // An idle connection keeps no segment.
                self.buffer.clear();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let sequence = self.buffer.sequence();
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
        let mut count = 0;
        for (slot, slice) in slices.iter_mut().zip(sequence.io_slices()) {
            *slot = slice;
            count += 1;
        }
        Pin::new(stream).poll_write_vectored(context, &slices[..count])
    }
}

/// Room for a short frame on the stack.
struct SmallFrame([u8; Self::BYTES]);

impl SmallFrame {
    /// Room for the payload and a header as it comes out of its register.
    const BYTES: usize = size_of::<u128>() + SMALL_BYTES_MAX;

    const EMPTY: Self = Self([0; Self::BYTES]);

    /// Copies and masks at most `SMALL_BYTES_MAX` bytes of payload behind their header; returns the
    /// frame. It stays where it is: what was written in parts is slow to be moved right after.
    #[inline]
    fn put(&mut self, header: &Header, payload: &[u8]) -> &[u8] {
        let (head, start) = header.to_word();
        let bytes = &mut self.0;
        bytes[..size_of::<u128>()].copy_from_slice(&head.to_le_bytes());
        let len = start + payload.len();
        bytes[start..len].copy_from_slice(payload);
        if let Some(key) = header.mask {
            mask(&mut bytes[start..len], key, 0);
        }
        &bytes[..len]
    }
}

#[cfg(feature = "deflate")]
impl Output {
    #[inline]
    fn is_worth_compressing(&self, len: u64) -> bool {
        self.deflation.as_ref().is_some_and(|deflation| deflation.is_worth(len))
    }

    fn compress(&mut self, payload: &Sequence, is_last: bool) -> Result<Sequence, ConnectionError> {
        let Some(deflation) = &mut self.deflation else { return Ok(payload.clone()) };
        let chunks = payload.chunks().map(|chunk| &**chunk);
        Ok(deflation.compress(chunks, is_last, self.buffer.pool())?)
    }

    /// Refers to nothing that was compressed before and not sent.
    fn forget_compressed(&mut self) {
        if let Some(deflation) = &mut self.deflation {
            deflation.forget();
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

    fn compress(&self, payload: &Sequence, _: bool) -> Result<Sequence, ConnectionError> {
        Ok(payload.clone())
    }

    const fn forget_compressed(&self) {}
}
