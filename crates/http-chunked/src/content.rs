//! The decoding of content.

use std::fmt;

use seg_flate::{Contexts, Decode, InflateErrorKind, Status, Trailing};
use seg_seq::{SegmentedBuf, Sequence};

use crate::{
    body::{BodyErrorKind, BodyLimits, Gather},
    content_coding::ContentCodings,
};

/// With several codings, so much is decoded at once, so that what the outer ones make of it stays
/// small: DEFLATE makes at most 1032 bytes of one.
const PIECE_BYTES: usize = 256;

/// The decoding of one body's data after another. Nothing of a body stays here after its end.
#[derive(Default)]
pub(crate) struct Content {
    /// Who keeps the states of decoders between bodies.
    contexts: Contexts,
    /// The decoders of this body, in the order in which the codings are undone.
    layers: Vec<Layer>,
    /// How much more the encoded body may have.
    encoded_left: u64,
    /// What becomes of data after the end of what is encoded.
    trailing: Trailing,
    /// Whether data was taken that is not decoded and kept, because there was no memory.
    is_pending: bool,
}

/// The decoder of one coding.
struct Layer {
    decoder: Box<dyn Decode + Send + Sync>,
    output: SegmentedBuf,
    /// What was decoded, and not passed on because there was no memory.
    decoded: Sequence,
}

impl Content {
    /// Sets who keeps the states of decoders between bodies.
    pub(crate) fn set_contexts(&mut self, contexts: &Contexts) {
        self.contexts = contexts.clone();
    }

    /// Starts another body.
    pub(crate) fn reset(&mut self, codings: ContentCodings, gather: &Gather, limits: &BodyLimits) {
        self.encoded_left = limits.encoded_bytes();
        self.trailing = limits.trailing;
        self.is_pending = false;
        self.layers.clear();
        let outermost_first = codings.as_slice().iter().rev().enumerate();
        self.layers.extend(outermost_first.filter_map(|(index, coding)| {
            let is_last = index + 1 == codings.as_slice().len();
            let limits = limits.inflate(*coding, is_last);
            Some(Layer {
                decoder: coding.decoder(limits, &self.contexts)?,
                output: SegmentedBuf::new(gather.pool()),
                decoded: Sequence::new(),
            })
        }));
    }

    /// Returns whether there is anything to decode.
    pub(crate) const fn is_active(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Returns whether data was taken that is not decoded and kept, because there was no memory. Then an
    /// empty run goes on.
    pub(crate) const fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Decodes a run of data and keeps what comes out. Returns how much of the run was acceptable
    /// and why not more. There is something to decode.
    pub(crate) fn keep_run(
        &mut self,
        gather: &mut Gather,
        run: &[u8],
    ) -> (usize, Option<BodyErrorKind>) {
        let piece_bytes = if self.layers.len() > 1 { PIECE_BYTES } else { usize::MAX };
        // Empty members and blocks could go on for ever and make nothing.
        let left = usize::try_from(self.encoded_left).unwrap_or(usize::MAX);
        let len = run.len().min(left);
        let mut rest = &run[..len];
        let mut refused = None;
        if self.is_pending {
            // From the last decoder to the first, so that each finds the next one ready.
            refused = (0..self.layers.len()).rev().find_map(|layer| {
                decode(&mut self.layers[layer..], &mut &[][..], self.trailing, gather).err()
            });
        }
        while !rest.is_empty() && refused.is_none() {
            let piece = &rest[..rest.len().min(piece_bytes)];
            let mut undecoded = piece;
            refused = decode(&mut self.layers, &mut undecoded, self.trailing, gather).err();
            rest = &rest[piece.len() - undecoded.len()..];
        }
        let taken = len - rest.len();
        self.encoded_left -= taken as u64;
        let refused = refused.or((len < run.len()).then_some(BodyErrorKind::TooLong));
        self.is_pending = refused.is_some_and(|kind| kind.out_of_memory().is_some());
        if refused.is_some() && !self.is_pending {
            self.layers.clear();
        }
        (taken, refused)
    }

    /// Says that the data is complete. No data at all is no data, in every coding: servers send
    /// that.
    pub(crate) fn finish(&mut self) -> Result<(), BodyErrorKind> {
        let mut finished = Ok(());
        for layer in &mut self.layers {
            if layer.decoder.consumed() > 0 {
                finished = finished.and(layer.decoder.finish().map_err(BodyErrorKind::Content));
            }
        }
        self.layers.clear();
        finished
    }

    /// Gives the segments for more back to the pool.
    pub(crate) fn release(&mut self) {
        for layer in &mut self.layers {
            layer.decoder.release();
            layer.output.clear();
        }
    }
}

/// Decodes from `input`, through all layers, until it is used up. What an error of memory keeps from being passed on is
/// passed on first when it is called again.
fn decode(
    layers: &mut [Layer],
    input: &mut &[u8],
    trailing: Trailing,
    gather: &mut Gather,
) -> Result<(), BodyErrorKind> {
    let Some((layer, inner)) = layers.split_first_mut() else { return Ok(()) };
    layer.pass_on(inner, trailing, gather)?;
    let result = layer.decoder.push(input, &mut layer.output);
    layer.decoded = layer.output.split();
    layer.pass_on(inner, trailing, gather)?;
    match result {
        Ok(Status::End) if input.is_empty() => Ok(()),
        Ok(Status::End) if trailing == Trailing::Leave => {
            *input = &[];
            Ok(())
        }
        Ok(Status::End) => Err(BodyErrorKind::ContentTrailing),
        Ok(Status::NeedInput) => Ok(()),
        Err(error) => Err(match error.kind() {
            InflateErrorKind::OutputTooLong => BodyErrorKind::TooLong,
            InflateErrorKind::OutOfMemory(error) => BodyErrorKind::OutOfMemory(error),
            _ => BodyErrorKind::Content(error),
        }),
    }
}

impl Layer {
    /// Passes what was decoded on to the next decoder, or the last one's to the body.
    fn pass_on(
        &mut self,
        inner: &mut [Self],
        trailing: Trailing,
        gather: &mut Gather,
    ) -> Result<(), BodyErrorKind> {
        if inner.is_empty() {
            return gather.keep_own(&mut self.decoded);
        }
        while let Some(chunk) = self.decoded.chunks().next().cloned() {
            let mut rest = &chunk[..];
            let result = decode(inner, &mut rest, trailing, gather);
            drop(self.decoded.split_to((chunk.len() - rest.len()) as u64));
            result?;
        }
        Ok(())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}
