//! What all decoders do.

use seg_seq::{SegmentedBuf, Sequence};

use crate::{inflate_error::InflateError, pieces::push_chunk};

/// A decoder of one compressed stream, pushed piece by piece: an [`Inflater`](crate::Inflater), or one of Brotli or Zstandard.
///
/// How the input is cut changes no result: neither the output, also that before an error, nor the error's kind. Its offset does not
/// change either, except for data that is corrupt and that of DEFLATE or Brotli.
pub trait Decode {
    /// Decodes `input` into `output` and advances `input` past what was consumed: all of it,
    /// unless the stream ends before or fails.
    ///
    /// # Errors
    ///
    /// An [`InflateError`]; what was decoded before it is in `output`.
    fn push(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        self.push_bounded(input, output, u64::MAX)
    }

    /// Decodes as [`push`](Self::push) does, but stops once `output` has `output_bytes_max` bytes or more. The status is
    /// [`NeedOutput`](Status::NeedOutput) then, and the same call goes on, with what is left of the input or with none.
    ///
    /// So a few bytes that become very many are decoded piece by piece, and no more of them is in memory than is asked for. What is in
    /// `output` may be above the bound by one segment, or by a Zstandard block of 128 KiB. Each call goes on by at least one of
    /// them, whatever `output` has already.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    fn push_bounded(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
        output_bytes_max: u64,
    ) -> Result<Status, InflateError>;

    /// Decodes all chunks of a sequence, which is consumed: what was taken goes back to its pool, and what follows the stream's end
    /// stays in `input`, after the [`leftover`](Self::leftover) of chunks before.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    fn push_sequence(
        &mut self,
        input: &mut Sequence,
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        let mut status = self.push(&mut &[][..], output)?;
        while status != Status::End && !input.is_empty() {
            status = push_chunk(input, |chunk| self.push(chunk, output))?;
        }
        Ok(status)
    }

    /// Says that no input follows.
    ///
    /// # Errors
    ///
    /// [`Truncated`](crate::InflateErrorKind::Truncated) when the stream has not ended, otherwise the error
    /// that there was before.
    fn finish(&mut self) -> Result<(), InflateError>;

    /// Returns the bytes of the stream that were consumed.
    fn consumed(&self) -> u64;

    /// Returns the bytes that were decoded.
    fn produced(&self) -> u64;

    /// Returns the bytes of earlier pushes that turned out to follow the stream when it ended, at most three. They come before
    /// what is left in the input.
    ///
    /// With [`Trailing::Leave`](crate::Trailing::Leave) only, and only where the input was cut inside of what could have been
    /// the first bytes of another gzip member or Zstandard frame.
    fn leftover(&self) -> &[u8] {
        &[]
    }

    /// Gives memory that is kept for more output back to the pool. The stream can go on.
    fn release(&mut self) {}
}

/// What a decoder needs next. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The input is used up; the stream goes on, or a gzip member or a Zstandard frame ended and another
    /// may follow.
    NeedInput,
    /// The output has as many bytes as it may. There may be more for the input that was consumed, too. Only of
    /// [`push_bounded`](Decode::push_bounded).
    NeedOutput,
    /// The stream has ended. What is left of the input follows it.
    End,
}
