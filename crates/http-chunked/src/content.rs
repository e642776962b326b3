//! The decoding of content.

use std::fmt;

use bytes::Buf as _;
use seg_flate::{Contexts, InflateError, InflateErrorKind, Status, Trailing};
use seg_pool::{Pool, SegmentMut};
use seg_seq::SegmentedBuf;

use crate::{
    body::{BodyErrorKind, BodyLimits, Data},
    content_coding::{ContentCoding, ContentCodings, ContentDecoder},
};

/// With several codings, so much is decoded at once, so that what the outer ones make of it stays
/// small: DEFLATE makes at most 1032 bytes of one.
const PIECE_BYTES: usize = 256;

/// The decoding of one body's data after another. Nothing of a body stays here after its end.
pub(crate) struct Content {
    /// Who keeps the states of decoders between bodies.
    contexts: Contexts,
    /// The decoders whose output is decoded again, in the order in which the codings are undone.
    outer: Vec<Layer>,
    /// The decoder of the data itself; `None` for a body that is not encoded.
    last: Option<ContentDecoder>,
    /// How much more the encoded body may have.
    encoded_left: u64,
    /// What becomes of data after the end of what is encoded.
    trailing: Trailing,
    /// After so much decoded data, what is left waits for the next call.
    pause_bytes: u64,
    /// Whether data was taken that is not decoded, because there was no memory or enough data.
    is_pending: bool,
}

/// The decoder of one coding over another.
struct Layer {
    decoder: ContentDecoder,
    /// What was decoded for the next one.
    output: SegmentedBuf,
    /// Whether the decoder had no memory for more output.
    is_short: bool,
}

/// Where the innermost decoder puts the data.
struct Target<'a> {
    decoder: &'a mut ContentDecoder,
    output: &'a mut SegmentedBuf,
    output_bytes_max: u64,
    trailing: Trailing,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            contexts: Contexts::default(),
            outer: Vec::new(),
            last: None,
            encoded_left: 0,
            trailing: Trailing::Refuse,
            pause_bytes: u64::MAX,
            is_pending: false,
        }
    }
}

impl Content {
    /// Sets who keeps the states of decoders between bodies.
    pub(crate) fn set_contexts(&mut self, contexts: &Contexts) {
        self.contexts = contexts.clone();
    }

    /// Sets after how much decoded data what is left waits for the next call.
    pub(crate) const fn set_pause_bytes(&mut self, bytes: u64) {
        self.pause_bytes = bytes;
    }

    /// Starts another body.
    pub(crate) fn reset(&mut self, codings: ContentCodings, pool: &Pool, limits: &BodyLimits) {
        self.encoded_left = limits.encoded_bytes();
        self.trailing = limits.trailing;
        self.clear();
        let Some((first, stacked)) = codings.as_slice().split_first() else { return };
        let decoder = |coding: &ContentCoding, is_last| {
            coding.decoder(limits.inflate(*coding, is_last), &self.contexts)
        };
        let outer = stacked.iter().rev().filter_map(|coding| decoder(coding, false));
        let layer = |decoder| Layer { decoder, output: SegmentedBuf::new(pool), is_short: false };
        self.outer = outer.map(layer).collect();
        self.last = decoder(first, true);
    }

    /// Frees the decoders, or leaves their states to who keeps them.
    fn clear(&mut self) {
        self.is_pending = false;
        self.outer = Vec::new();
        self.last = None;
    }

    /// Returns whether there is anything to decode.
    pub(crate) const fn is_active(&self) -> bool {
        self.last.is_some()
    }

    /// Returns whether data was taken that is not decoded, because there was no memory or enough decoded data. Then an
    /// empty run goes on.
    pub(crate) const fn is_pending(&self) -> bool {
        self.is_pending
    }

    /// Decodes a run of data and keeps what comes out. Returns how much of the run was acceptable
    /// and why not more, unless what is left [waits](Self::is_pending). There is something to decode.
    pub(crate) fn keep(
        &mut self,
        data: &mut Data,
        run: &[u8],
    ) -> (usize, Result<(), BodyErrorKind>) {
        // Empty members and blocks could go on for ever and make nothing.
        let left = usize::try_from(self.encoded_left).unwrap_or(usize::MAX);
        let mut rest = &run[..run.len().min(left)];
        let len = rest.len();
        let (is_paused, result) = data.decode(|output| match self.decode(&mut rest, output) {
            Ok(is_paused) => (is_paused, Ok(())),
            Err(kind) => (false, Err(kind)),
        });
        let taken = len - rest.len();
        self.encoded_left -= taken as u64;
        let is_too_long = taken == left && taken < run.len() && !is_paused;
        let result = result.and(if is_too_long { Err(BodyErrorKind::TooLong) } else { Ok(()) });
        let is_short = matches!(result, Err(kind) if kind.out_of_memory().is_some());
        self.is_pending = is_short || (is_paused && result.is_ok());
        if result.is_err() && !is_short {
            self.clear();
        }
        (taken, result)
    }

    /// Decodes `input` into `output`, and first what was taken before; returns whether it stopped because there is enough
    /// output.
    fn decode(
        &mut self,
        input: &mut &[u8],
        output: &mut SegmentedBuf,
    ) -> Result<bool, BodyErrorKind> {
        let Some(decoder) = &mut self.last else { return Ok(false) };
        let output_bytes_max = output.len().saturating_add(self.pause_bytes);
        let mut target = Target { decoder, output, output_bytes_max, trailing: self.trailing };
        if self.is_pending {
            // From the inside out: what is free then takes what comes from further out.
            for layer in (0..=self.outer.len()).rev() {
                if decode(&mut self.outer[layer..], &mut &[][..], &mut target)? {
                    return Ok(true);
                }
            }
        }
        let piece_bytes = if self.outer.is_empty() { usize::MAX } else { PIECE_BYTES };
        while !input.is_empty() {
            let (mut piece, rest) = input.split_at(input.len().min(piece_bytes));
            let result = decode(&mut self.outer, &mut piece, &mut target);
            *input = &input[input.len() - rest.len() - piece.len()..];
            if result? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives a segment to the decoder that had no memory.
    pub(crate) fn supply(&mut self, memory: SegmentMut, data: &mut Data) {
        match self.outer.iter_mut().find(|layer| layer.is_short) {
            None => data.supply_decoder(memory),
            // Without a block for the list it goes back to its pool.
            Some(layer) => drop(layer.output.try_push_mut(memory)),
        }
    }

    /// Says that the data is complete. No data at all is no data, in every coding: servers send
    /// that.
    pub(crate) fn finish(&mut self) -> Result<(), BodyErrorKind> {
        let mut finished = Ok(());
        let outer = self.outer.iter_mut().map(|layer| &mut layer.decoder);
        for decoder in outer.chain(&mut self.last).map(ContentDecoder::as_decode) {
            if decoder.consumed() > 0 {
                finished = finished.and(decoder.finish().map_err(BodyErrorKind::Content));
            }
        }
        self.clear();
        finished
    }

    /// Gives the segments for more back to the pool.
    pub(crate) fn release(&mut self) {
        for layer in &mut self.outer {
            layer.decoder.as_decode().release();
            if layer.output.is_empty() {
                layer.output.clear();
            }
        }
        if let Some(decoder) = &mut self.last {
            decoder.as_decode().release();
        }
    }
}

/// Decodes from `input`, through all decoders, until it is used up or there is enough output; returns whether there is. What
/// could not be passed on before is passed on first.
fn decode(
    outer: &mut [Layer],
    input: &mut &[u8],
    target: &mut Target<'_>,
) -> Result<bool, BodyErrorKind> {
    let result = match outer.split_first_mut() {
        None => {
            let Target { decoder, output, output_bytes_max, .. } = target;
            decoder.as_decode().push_bounded(input, output, *output_bytes_max)
        }
        Some((layer, inner)) => {
            if layer.pass_on(inner, target)? {
                return Ok(true);
            }
            let result = layer.push(input);
            if layer.pass_on(inner, target)? {
                return Ok(true);
            }
            result
        }
    };
    match result {
        Ok(Status::End) if input.is_empty() => Ok(false),
        Ok(Status::End) if target.trailing == Trailing::Leave => {
            *input = &[];
            Ok(false)
        }
        Ok(Status::End) => Err(BodyErrorKind::ContentTrailing),
        Ok(Status::NeedInput) => Ok(false),
        Ok(Status::NeedOutput) => Ok(true),
        Err(error) => Err(match error.kind() {
            InflateErrorKind::OutputTooLong => BodyErrorKind::TooLong,
            InflateErrorKind::OutOfMemory(error) => BodyErrorKind::OutOfMemory(error),
            _ => BodyErrorKind::Content(error),
        }),
    }
}

impl Layer {
    /// Decodes for the next decoder.
    fn push(&mut self, input: &mut &[u8]) -> Result<Status, InflateError> {
        let result = self.decoder.as_decode().push(input, &mut self.output);
        self.is_short = matches!(result, Err(error) if matches!(error.kind(), InflateErrorKind::OutOfMemory(_)));
        result
    }

    /// Passes what was decoded on to the next decoder; returns whether there is enough output.
    fn pass_on(
        &mut self,
        inner: &mut [Self],
        target: &mut Target<'_>,
    ) -> Result<bool, BodyErrorKind> {
        while !self.output.is_empty() {
            let mut rest = self.output.chunk();
            let before = rest.len();
            let result = decode(inner, &mut rest, target);
            let count = before - rest.len();
            self.output.advance(count);
            if result? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("outer", &self.outer.len())
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}
