//! What all encoders do.

use seg_seq::{SegmentedBuf, Sequence};

#[cfg(any(feature = "brotli", feature = "zstd"))]
use crate::deflate_error::DeflateErrorKind;
use crate::{deflate_error::DeflateError, pieces::push_chunk};

/// An encoder of one stream, pushed piece by piece: a [`Deflater`](crate::Deflater), or one of Brotli or Zstandard.
pub trait Encode {
    /// Encodes all of `input` into `output`, flushes, and advances `input` past what was taken.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](crate::DeflateErrorKind::OutOfMemory) when there is no segment for the output:
    /// `input` then starts at the first byte not taken, and the same call can be made again.
    /// [`Finished`](crate::DeflateErrorKind::Finished) when there is input after [`Flush::Finish`].
    fn push(
        &mut self,
        input: &mut &[u8],
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError>;

    /// Encodes all chunks of a sequence into `output`, and flushes after the last. The sequence is consumed: what was taken goes back
    /// to its pool.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push): `input` then starts at the first byte not taken, and the same call can be made again.
    fn push_sequence(
        &mut self,
        input: &mut Sequence,
        flush: Flush,
        output: &mut SegmentedBuf,
    ) -> Result<(), DeflateError> {
        while !input.is_empty() {
            push_chunk(input, |chunk| self.push(chunk, Flush::None, output))?;
        }
        self.push(&mut &[][..], flush, output)
    }

    /// Returns the input bytes that were taken.
    fn consumed(&self) -> u64;

    /// Returns the compressed bytes that were produced, framing included.
    fn produced(&self) -> u64;
}

/// How much of the input so far is in the output when a push returns. No other will come: the formats know no further way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flush {
    /// As much as compresses best; the rest is held back.
    None,
    /// All of it, up to a byte's border, so that it can be decoded. Later input may refer back to what came before. With DEFLATE the
    /// output ends in `00 00 FF FF`, the last four bytes of an empty stored block; with nothing to flush it is such a block alone.
    Sync,
    /// As [`Sync`](Self::Sync), but nothing that follows refers back: with DEFLATE what follows can be decoded alone. Costs less
    /// than a reset of the encoder. Brotli and Zstandard have no such flush; theirs is that of `Sync`.
    Full,
    /// All of it, and the stream has ended.
    Finish,
}

/// How far an encoder is that is made of a library.
#[cfg(any(feature = "brotli", feature = "zstd"))]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EncodeProgress {
    is_finished: bool,
    pub(crate) consumed: u64,
    pub(crate) produced: u64,
}

#[cfg(any(feature = "brotli", feature = "zstd"))]
impl EncodeProgress {
    /// Returns whether a push calls the library at all.
    pub(crate) fn begin(&self, input: &[u8], flush: Flush) -> Result<bool, DeflateError> {
        match (self.is_finished, input) {
            (true, []) => Ok(false),
            (true, _) => Err(DeflateError::new(DeflateErrorKind::Finished, self.consumed)),
            (false, []) => Ok(flush != Flush::None),
            (false, _) => Ok(true),
        }
    }

    /// Takes in what became of a push; returns whether it ended the stream, so that the library's state is no longer needed.
    pub(crate) fn end(
        &mut self,
        result: Result<(), DeflateErrorKind>,
        flush: Flush,
    ) -> Result<bool, DeflateError> {
        result.map_err(|kind| DeflateError::new(kind, self.consumed))?;
        self.is_finished = flush == Flush::Finish;
        Ok(self.is_finished)
    }
}
