//! The decoding of content.

use std::fmt;

use bytes::Buf as _;
use seg_flate::{Contexts, Decode, InflateError, InflateErrorKind, Status, Trailing};
use seg_pool::{Pool, SegmentMut};
use seg_seq::SegmentedBuf;

use crate::{
    body::{BodyErrorKind, BodyLimits, Data},
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
    /// Whether data was taken that is not decoded, because there was no memory.
    is_pending: bool,
}

/// The decoder of one coding.
struct Layer {
    decoder: Box<dyn Decode + Send + Sync>,
    /// What was decoded for the next layer. The last one decodes into the data of the body.
    output: SegmentedBuf,
    /// Whether the decoder had no memory for more output.
    is_short: bool,
}

impl Content {
    /// Sets who keeps the states of decoders between bodies.
    pub(crate) fn set_contexts(&mut self, contexts: &Contexts) {
        self.contexts = contexts.clone();
    }

    /// Starts another body.
    pub(crate) fn reset(&mut self, codings: ContentCodings, pool: &Pool, limits: &BodyLimits) {
        self.encoded_left = limits.encoded_bytes();
        self.trailing = limits.trailing;
        self.is_pending = false;
        self.layers.clear();
        let outermost_first = codings.as_slice().iter().rev().enumerate();
        self.layers.extend(outermost_first.filter_map(|(index, coding)| {
            let is_last = index + 1 == codings.as_slice().len();
            let limits = limits.inflate(*coding, is_last);
            let decoder = coding.decoder(limits, &self.contexts)?;
            Some(Layer { decoder, output: SegmentedBuf::new(pool), is_short: false })
        }));
    }

    /// Returns whether there is anything to decode.
    pub(crate) const fn is_active(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Returns whether data was taken that is not decoded, because there was no memory. Then an empty run
    /// goes on.
    pub(crate) const fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Decodes a run of data and keeps what comes out. Returns how much of the run was acceptable
    /// and why not more. There is something to decode.
    pub(crate) fn keep(
        &mut self,
        data: &mut Data,
        run: &[u8],
    ) -> (usize, Result<(), BodyErrorKind>) {
        // Empty members and blocks could go on for ever and make nothing.
        let left = usize::try_from(self.encoded_left).unwrap_or(usize::MAX);
        let len = run.len().min(left);
        let (taken, result) = data.decode(|output| self.decode(&run[..len], output));
        self.encoded_left -= taken as u64;
        let result = result.and(if len < run.len() { Err(BodyErrorKind::TooLong) } else { Ok(()) });
        self.is_pending = matches!(result, Err(kind) if kind.out_of_memory().is_some());
        if result.is_err() && !self.is_pending {
            self.layers = Vec::new();
        }
        (taken, result)
    }

    fn decode(
        &mut self,
        run: &[u8],
        output: &mut SegmentedBuf,
    ) -> (usize, Result<(), BodyErrorKind>) {
        let mut rest = run;
        let mut result = Ok(());
        if self.is_pending {
            // From the inside out: what is free then takes what comes from further out.
            let mut layers = (0..self.layers.len()).rev();
            result = layers.try_for_each(|layer| {
                decode(&mut self.layers[layer..], &mut &[][..], self.trailing, output)
            });
        }
        let piece_bytes = if self.layers.len() > 1 { PIECE_BYTES } else { usize::MAX };
        while !rest.is_empty() && result.is_ok() {
            let piece = &rest[..rest.len().min(piece_bytes)];
            let mut undecoded = piece;
            result = decode(&mut self.layers, &mut undecoded, self.trailing, output);
            rest = &rest[piece.len() - undecoded.len()..];
        }
        (run.len() - rest.len(), result)
    }

    /// Gives a segment to the decoder that had no memory.
    pub(crate) fn supply(&mut self, memory: SegmentMut, data: &mut Data) {
        let last = self.layers.len().saturating_sub(1);
        let short = self.layers.iter().position(|layer| layer.is_short).unwrap_or(last);
        if short == last {
            data.supply_decoder(memory);
        } else {
            // Without a block for the list it goes back to its pool.
            drop(self.layers[short].output.try_push_mut(memory));
        }
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
        self.layers = Vec::new();
        finished
    }

    /// Gives the segments for more back to the pool.
    pub(crate) fn release(&mut self) {
        for layer in &mut self.layers {
            layer.decoder.release();
            if layer.output.is_empty() {
                layer.output.clear();
            }
        }
    }
}

/// Decodes from `input`, through all layers, until it is used up. What could not be passed on when there
/// was no memory is passed on first.
fn decode(
    layers: &mut [Layer],
    input: &mut &[u8],
    trailing: Trailing,
    output: &mut SegmentedBuf,
) -> Result<(), BodyErrorKind> {
    let Some((layer, inner)) = layers.split_first_mut() else { return Ok(()) };
    let result = if inner.is_empty() {
        layer.push(input, Some(output))
    } else {
        layer.pass_on(inner, trailing, output)?;
        let result = layer.push(input, None);
        layer.pass_on(inner, trailing, output)?;
        result
    };
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
    /// Decodes into `output`, or for the next layer.
    fn push(
        &mut self,
        input: &mut &[u8],
        output: Option<&mut SegmentedBuf>,
    ) -> Result<Status, InflateError> {
        let result = self.decoder.push(input, output.unwrap_or(&mut self.output));
        self.is_short = matches!(result, Err(error) if matches!(error.kind(), InflateErrorKind::OutOfMemory(_)));
        result
    }

    /// Passes what was decoded on to the next decoder.
    fn pass_on(
        &mut self,
        inner: &mut [Self],
        trailing: Trailing,
        output: &mut SegmentedBuf,
    ) -> Result<(), BodyErrorKind> {
        while !self.output.is_empty() {
            let mut rest = self.output.chunk();
            let before = rest.len();
            let result = decode(inner, &mut rest, trailing, output);
            let count = before - rest.len();
            self.output.advance(count);
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
