//! The decoder of one coding.

#[cfg(feature = "brotli")]
use seg_flate::BrotliDecoder;
#[cfg(feature = "zstd")]
use seg_flate::ZstdDecoder;
use seg_flate::{Format, InflateError, Inflater, Limits, Status};
use seg_pool::SegmentSize;
use seg_seq::SegmentedBuf;

use crate::content_coding::ContentCoding;

/// The state of one decoder, which is kept from body to body.
#[cfg_attr(
    all(feature = "zstd", not(feature = "brotli")),
    expect(clippy::large_enum_variant, reason = "most are the large one, and each is kept")
)]
pub(super) enum CodingDecoder {
    Inflate(Inflater),
    #[cfg(feature = "brotli")]
    Brotli(BrotliDecoder),
    #[cfg(feature = "zstd")]
    Zstd(ZstdDecoder),
}

impl CodingDecoder {
    pub(super) fn new(coding: ContentCoding, limits: Limits) -> Self {
        match coding {
            #[cfg(feature = "brotli")]
            ContentCoding::Brotli => Self::Brotli(BrotliDecoder::new(limits)),
            #[cfg(feature = "zstd")]
            ContentCoding::Zstd => Self::Zstd(ZstdDecoder::new(limits)),
            _ => Self::Inflate(
                Inflater::new(format(coding), limits).output_segments(SegmentSize::K64),
            ),
        }
    }

    /// Becomes the decoder of another body, if it has the state that the coding needs.
    pub(super) fn try_reset(&mut self, coding: ContentCoding) -> bool {
        match (self, coding) {
            #[cfg(feature = "brotli")]
            (Self::Brotli(decoder), ContentCoding::Brotli) => decoder.reset(),
            #[cfg(feature = "zstd")]
            (Self::Zstd(decoder), ContentCoding::Zstd) => decoder.reset(),
            (
                Self::Inflate(inflater),
                ContentCoding::Identity | ContentCoding::Gzip | ContentCoding::Deflate,
            ) => inflater.reset(format(coding)),
            #[cfg(any(feature = "brotli", feature = "zstd"))]
            _ => return false,
        }
        true
    }

    pub(super) fn push(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<Status, InflateError> {
        match self {
            Self::Inflate(inflater) => inflater.push(input, output),
            #[cfg(feature = "brotli")]
            Self::Brotli(decoder) => decoder.push(input, output),
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder.push(input, output),
        }
    }

    pub(super) const fn consumed(&self) -> u64 {
        match self {
            Self::Inflate(inflater) => inflater.consumed(),
            #[cfg(feature = "brotli")]
            Self::Brotli(decoder) => decoder.consumed(),
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder.consumed(),
        }
    }

    pub(super) fn finish(&mut self) -> Result<(), InflateError> {
        match self {
            Self::Inflate(inflater) => inflater.finish(),
            #[cfg(feature = "brotli")]
            Self::Brotli(decoder) => decoder.finish(),
            #[cfg(feature = "zstd")]
            Self::Zstd(decoder) => decoder.finish(),
        }
    }

    /// Gives room for more output back to the pool.
    pub(super) fn release(&mut self) {
        match self {
            Self::Inflate(inflater) => inflater.release(),
            #[cfg(feature = "brotli")]
            Self::Brotli(_) => {}
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => {}
        }
    }
}

/// The format of a coding that is DEFLATE in one wrapping or another.
const fn format(coding: ContentCoding) -> Format {
    match coding {
        ContentCoding::Gzip => Format::Gzip,
        _ => Format::Deflate,
    }
}
