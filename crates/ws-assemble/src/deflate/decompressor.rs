//! What is received, decompressed.

use core::fmt;

use bytes::Buf as _;
use seg_flate::{Contexts, Decode, Format, InflateErrorKind, Inflater, Limits, Status};
#[cfg(feature = "random")]
use seg_pool::SegmentMut;
use seg_pool::{Pool, Segment};
use seg_seq::{SegmentedBuf, Sequence};

use super::{TAIL, config::DeflateParams};
use crate::{decode_error::DecodeErrorKind, role::Role};

/// No input of this length becomes more than 66 KB: DEFLATE's largest ratio is 1032.
const PIECE_BYTES_MIN: usize = 64;
const RATIO_MAX: u64 = 1032;

/// Decompresses the messages of one direction.
pub(crate) struct MessageDecompressor {
    /// Leased for a message, or kept from the first one on, with takeover.
    inflater: Option<Inflater>,
    takeover: bool,
    contexts: Contexts,
    output: SegmentedBuf,
    /// Decompressed and not handed over.
    pending: Sequence,
    /// Bytes of the current message.
    produced: u64,
    /// Whether the last block said so, and nothing has come after it.
    has_ended: bool,
    /// What the sender left out of the current message and is not decompressed yet; `None` before the
    /// message's first byte.
    tail: Option<&'static [u8]>,
}

impl MessageDecompressor {
    /// Creates what an end of `role` receives with.
    pub(crate) fn new(agreed: &DeflateParams, role: Role, pool: &Pool) -> Self {
        let sender = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Self {
            inflater: None,
            takeover: agreed.takeover(sender),
            contexts: agreed.contexts.clone(),
            output: SegmentedBuf::new(pool),
            pending: Sequence::new(),
            produced: 0,
            has_ended: false,
            tail: None,
        }
    }

    /// Decompresses a piece of a message's payload, and hands over what comes out of it, piece by
    /// piece. Stops at the piece that brings the message beyond `bytes_max`. When the pool is empty,
    /// `input` is left at the first byte that is not decompressed.
    pub(crate) fn push(
        &mut self,
        input: &mut &[u8],
        bytes_max: u64,
        mut sink: impl FnMut(&Segment) -> Result<(), DecodeErrorKind>,
    ) -> Result<(), DecodeErrorKind> {
        self.tail.get_or_insert(&TAIL);
        self.hand_over(bytes_max, &mut sink)?;
        while !input.is_empty() {
            // Far from the limit in one go, close to it in steps that do not go far beyond.
            let allowed = (bytes_max - self.produced.min(bytes_max)) / RATIO_MAX;
            let len = usize::try_from(allowed).unwrap_or(usize::MAX).max(PIECE_BYTES_MIN);
            let (mut piece, _) = input.split_at(input.len().min(len));
            let piece_len = piece.len();
            let pushed = self.push_piece(&mut piece);
            *input = &input[piece_len - piece.len()..];
            // What came out before an error is looked at before it, and what is within the limit
            // before what is beyond: so the first error is the same wherever the input is cut.
            self.hand_over(bytes_max, &mut sink)?;
            pushed?;
        }
        Ok(())
    }

    /// Hands over what was decompressed, as far as `sink` takes it: what finds no memory there stays
    /// here, for the next call.
    pub(crate) fn hand_over(
        &mut self,
        bytes_max: u64,
        mut sink: impl FnMut(&Segment) -> Result<(), DecodeErrorKind>,
    ) -> Result<(), DecodeErrorKind> {
        if self.pending.is_empty() {
            self.pending = self.output.split();
        }
        while let Some(chunk) = self.pending.chunks().next() {
            let left = bytes_max - self.produced.min(bytes_max);
            let len = chunk.len();
            if len as u64 > left {
                // No longer than the chunk.
                let len = usize::try_from(left).unwrap_or(usize::MAX);
                sink(&chunk.slice(..len))?;
                return Err(DecodeErrorKind::MessageTooLong);
            }
            sink(chunk)?;
            self.produced += len as u64;
            self.pending.advance(len);
        }
        Ok(())
    }

    fn push_piece(&mut self, piece: &mut &[u8]) -> Result<(), DecodeErrorKind> {
        let inflater = self.inflater.get_or_insert_with(|| {
            // The limit is that of a message and not of the stream that messages with takeover make.
            let limits = Limits::default().with_output_bytes_max(u64::MAX);
            Inflater::new(Format::Raw, limits).with_contexts(&self.contexts)
        });
        while !piece.is_empty() {
            if self.has_ended {
                // A message may go on after a block that says that it is the last (section 7.2.3.4).
                inflater.reset(Format::Raw);
                self.has_ended = false;
            }
            let status = inflater.push(piece, &mut self.output);
            self.has_ended = status.map_err(|error| kind(error.kind()))? == Status::End;
        }
        Ok(())
    }

    /// Takes a segment for what is decompressed next.
    #[cfg(feature = "random")]
    pub(crate) fn give(&mut self, segment: SegmentMut) {
        // Without memory for the list, the segment goes back and the list finds that memory next time.
        let _ = self.output.try_push_mut(segment);
    }

    /// Ends a message: decompresses what its sender left out, which is the end of an empty block.
    ///
    /// A compressed message without any payload, as some senders make it of an empty one, has not even
    /// the start of that block (RFC 7692 section 7.2.3.6 asks for one byte). It is taken for an empty
    /// message: nothing else can be meant.
    pub(crate) fn finish(&mut self) -> Result<(), DecodeErrorKind> {
        if !self.has_ended
            && let Some(mut tail) = self.tail
        {
            // Where something comes out of it, it was taken for data: the message is cut.
            let ended = self.push(&mut tail, u64::MAX, |_| Err(DecodeErrorKind::DeflateInvalid));
            self.tail = Some(tail);
            ended?;
        }
        self.tail = None;
        self.produced = 0;
        // Idle connections keep no segment.
        self.output.clear();
        if !self.takeover || self.has_ended {
            self.has_ended = false;
            self.inflater = None;
        }
        Ok(())
    }
}

const fn kind(kind: InflateErrorKind) -> DecodeErrorKind {
    match kind {
        InflateErrorKind::OutOfMemory(exhausted) => DecodeErrorKind::OutOfMemory(exhausted),
        _ => DecodeErrorKind::DeflateInvalid,
    }
}

impl fmt::Debug for MessageDecompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageDecompressor")
            .field("takeover", &self.takeover)
            .field("produced", &self.produced)
            .finish_non_exhaustive()
    }
}
