//! The decoding of content.

mod coding_decoder;

use std::fmt;

use seg_flate::{InflateErrorKind, Status};
use seg_seq::SegmentedBuf;

use self::coding_decoder::CodingDecoder;
use crate::{
    body::{BodyErrorKind, BodyLimits, Gather},
    content_coding::ContentCodings,
};

/// With several codings, so much is decoded at once, so that what the outer ones make of it stays
/// small: DEFLATE makes at most 1032 bytes of one.
const PIECE_BYTES: usize = 256;

/// The decoding of one body's data after another. Its state is kept from body to body.
#[derive(Default)]
pub(crate) struct Content {
    /// The decoders, in the order in which the codings are undone.
    layers: Vec<Layer>,
    /// How many of them this body needs.
    active: usize,
    /// How much more the encoded body may have.
    encoded_left: u64,
}

/// The decoder of one coding.
struct Layer {
    decoder: CodingDecoder,
    /// Whether it makes the body, or what another one decodes.
    is_last: bool,
    /// Where decoded bytes appear before they are passed on: only its tail segment stays from run
    /// to run, so that decoded bytes follow each other in it.
    decoded: SegmentedBuf,
}

impl Content {
    /// Starts another body. Allocates the state of a decoder when it needs one more than ever.
    pub(crate) fn reset(&mut self, codings: ContentCodings, gather: &Gather, limits: &BodyLimits) {
        self.release();
        self.active = codings.as_slice().len();
        self.encoded_left = limits.encoded_bytes();
        for (index, &coding) in codings.as_slice().iter().rev().enumerate() {
            let is_last = index + 1 == self.active;
            let mut kept = self.layers[index..].iter_mut();
            match kept.position(|layer| layer.is_last == is_last && layer.decoder.try_reset(coding))
            {
                Some(distance) => self.layers.swap(index, index + distance),
                None => {
                    self.layers.push(Layer {
                        decoder: CodingDecoder::new(coding, limits.inflate(coding, is_last)),
                        is_last,
                        decoded: SegmentedBuf::new(gather.pool()),
                    });
                    let last = self.layers.len() - 1;
                    self.layers.swap(index, last);
                }
            }
        }
    }

    /// Returns whether there is anything to decode.
    pub(crate) const fn is_active(&self) -> bool {
        self.active > 0
    }

    /// Decodes a run of data and keeps what comes out. Returns how much of the run was acceptable
    /// and why not more. There is something to decode.
    pub(crate) fn keep_run(
        &mut self,
        gather: &mut Gather,
        run: &[u8],
    ) -> (usize, Option<BodyErrorKind>) {
        let layers = &mut self.layers[..self.active];
        let piece_bytes = if layers.len() > 1 { PIECE_BYTES } else { usize::MAX };
        // Empty members and blocks could go on for ever and make nothing.
        let left = usize::try_from(self.encoded_left).unwrap_or(usize::MAX);
        let len = run.len().min(left);
        self.encoded_left -= len as u64;
        let mut rest = &run[..len];
        while !rest.is_empty() {
            let (mut piece, behind) = rest.split_at(rest.len().min(piece_bytes));
            let result = decode(layers, &mut piece, gather);
            rest = &rest[rest.len() - behind.len() - piece.len()..];
            if let Err(kind) = result {
                return (len - rest.len(), Some(kind));
            }
        }
        (len, (len < run.len()).then_some(BodyErrorKind::TooLong))
    }

    /// Says that the data is complete. No data at all is no data, in every coding: servers send
    /// that.
    pub(crate) fn finish(&mut self) -> Result<(), BodyErrorKind> {
        for layer in &mut self.layers[..self.active] {
            if layer.decoder.consumed() > 0 {
                layer.decoder.finish().map_err(BodyErrorKind::Content)?;
            }
        }
        Ok(())
    }

    /// Gives the room for more back to the pool.
    pub(crate) fn release(&mut self) {
        for layer in &mut self.layers {
            layer.decoder.release();
            layer.decoded.clear();
        }
    }
}

/// Decodes from `input`, through all layers, until it is used up.
fn decode(
    layers: &mut [Layer],
    input: &mut &[u8],
    gather: &mut Gather,
) -> Result<(), BodyErrorKind> {
    let Some((layer, inner)) = layers.split_first_mut() else { return Ok(()) };
    let result = layer.decoder.push(input, &mut layer.decoded);
    let decoded = layer.decoded.split();
    if inner.is_empty() {
        gather.keep_own(decoded)?;
    } else {
        for chunk in decoded.chunks() {
            decode(inner, &mut &chunk[..], gather)?;
        }
    }
    match result {
        Ok(Status::End) if !input.is_empty() => Err(BodyErrorKind::ContentTrailing),
        Ok(Status::NeedInput | Status::End) => Ok(()),
        Err(error) => Err(match error.kind() {
            InflateErrorKind::OutputTooLong => BodyErrorKind::TooLong,
            InflateErrorKind::OutOfMemory(error) => BodyErrorKind::OutOfMemory(error),
            _ => BodyErrorKind::Content(error),
        }),
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("layers", &self.active).finish_non_exhaustive()
    }
}
