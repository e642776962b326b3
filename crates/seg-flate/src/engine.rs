//! Our own decoder of DEFLATE data (RFC 1951), for output that lies in segments.
//!
//! Unlike other decoders it sees all of the segment that it decodes into, also what earlier calls wrote there. So
//! it copies a window only when the segment changes.

mod block_codes;
mod code;
mod fast;
mod source;
mod symbols;
#[cfg(test)]
mod tests;
mod window;

use core::mem::size_of;
use std::sync::LazyLock;

use self::{
    block_codes::BlockCodes,
    code::Codes,
    fast::{Output, Stop},
    source::{Left, Source},
    symbols::Match,
    window::Window,
};

/// What one call of an engine did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) consumed: usize,
    /// Bytes that are decoded, also when the data turned out corrupt.
    pub(crate) produced: usize,
    pub(crate) outcome: Outcome,
}

/// Why an engine returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It needs more input, or more output when it filled that.
    More,
    /// The last block has ended, and nothing is left to produce.
    End,
    /// The data breaks the rules of RFC 1951.
    Corrupt,
}

static FIXED: LazyLock<Codes> = LazyLock::new(Codes::fixed);

/// The state of a stream.
pub(crate) struct Engine {
    left: Left,
    step: Step,
    is_last_block: bool,
    rest: Match,
    window: Window,
    parts: Box<Parts>,
}

/// What is large.
struct Parts {
    block: BlockCodes,
    codes: Codes,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    BlockStart,
    StoredLen,
    /// So many bytes of the block are left.
    Stored(usize),
    BlockCodes,
    Symbols,
    FixedSymbols,
    End,
    Corrupt,
}

impl Engine {
    pub(crate) fn new() -> Self {
        Self {
            left: Left::default(),
            step: Step::BlockStart,
            is_last_block: false,
            rest: Match::default(),
            window: Window::new(),
            parts: Box::new(Parts { block: BlockCodes::new(), codes: Codes::new() }),
        }
    }

    /// Returns what the state has allocated.
    pub(crate) const fn allocated_bytes(&self) -> usize {
        size_of::<Parts>() + self.window.allocated_bytes()
    }

    /// Makes the state ready for the next raw stream.
    pub(crate) fn reset(&mut self) {
        self.left = Left::default();
        self.step = Step::BlockStart;
        self.is_last_block = false;
        self.rest = Match::default();
        self.window.clear();
    }

    /// Decodes what fits into `output` after the first `len` bytes, until the input, the output or the stream ends.
    ///
    /// Those bytes are what the calls before wrote there, after what the engine was given to [keep](Self::keep).
    pub(crate) fn inflate(&mut self, input: &[u8], output: &mut [u8], len: usize) -> Progress {
        let mut source = Source::new(self.left, input);
        let mut output = Output { bytes: output, len };
        let stop = loop {
            if let Err(stop) = self.advance(&mut source, &mut output) {
                break stop;
            }
        };
        if stop != Stop::NeedInput {
            source.give_back();
        }
        self.left = source.left();
        Progress {
            consumed: source.at,
            produced: output.len - len,
            outcome: match stop {
                Stop::BlockEnd => Outcome::End,
                Stop::NeedInput | Stop::NeedOutput => Outcome::More,
                Stop::Corrupt => Outcome::Corrupt,
            },
        }
    }

    /// Keeps what was decoded into an output that the next call does not see.
    pub(crate) fn keep(&mut self, decoded: &[u8]) {
        self.window.keep(decoded);
    }

    /// Takes the next step, or says why there is none.
    fn advance(&mut self, source: &mut Source<'_>, output: &mut Output<'_>) -> Result<(), Stop> {
        self.step = match self.step {
            Step::BlockStart if self.is_last_block => Step::End,
            Step::BlockStart => {
                if !source.has(3) {
                    return Err(Stop::NeedInput);
                }
                self.is_last_block = source.take(1) == 1;
                match source.take(2) {
                    0 => {
                        source.align();
                        Step::StoredLen
                    }
                    1 => Step::FixedSymbols,
                    2 => {
                        self.parts.block.start();
                        Step::BlockCodes
                    }
                    _ => Step::Corrupt,
                }
            }
            Step::StoredLen => {
                if !source.has(32) {
                    return Err(Stop::NeedInput);
                }
                let (len, complement) = (source.take(16), source.take(16));
                if len == complement ^ 0xffff { Step::Stored(len as usize) } else { Step::Corrupt }
            }
            Step::Stored(0) => Step::BlockStart,
            Step::Stored(len) => Step::Stored(len - copy_stored(len, source, output)?),
            Step::BlockCodes => match self.parts.block.read(source, &mut self.parts.codes) {
                Ok(true) => Step::Symbols,
                Ok(false) => return Err(Stop::NeedInput),
                Err(_) => Step::Corrupt,
            },
            Step::Symbols | Step::FixedSymbols => {
                let codes = match self.step {
                    Step::FixedSymbols => &*FIXED,
                    _ => &self.parts.codes,
                };
                match symbols::decode(source, codes, &self.window, output, &mut self.rest) {
                    Stop::BlockEnd => Step::BlockStart,
                    Stop::Corrupt => Step::Corrupt,
                    stop => return Err(stop),
                }
            }
            Step::End => return Err(Stop::BlockEnd),
            Step::Corrupt => return Err(Stop::Corrupt),
        };
        Ok(())
    }
}

/// Copies some of the `len` bytes that are left of a stored block; returns how many.
fn copy_stored(
    len: usize,
    source: &mut Source<'_>,
    output: &mut Output<'_>,
) -> Result<usize, Stop> {
    let free = &mut output.bytes[output.len..];
    let Some(place) = free.first_mut() else { return Err(Stop::NeedOutput) };
    source.give_back();
    let copied = if source.count > 0 {
        // Bytes of an earlier call.
        #[expect(clippy::cast_possible_truncation, reason = "eight bits")]
        let byte = source.take(8) as u8;
        *place = byte;
        1
    } else {
        let rest = &source.input[source.at..];
        let copied = len.min(free.len()).min(rest.len());
        if copied == 0 {
            return Err(Stop::NeedInput);
        }
        free[..copied].copy_from_slice(&rest[..copied]);
        source.at += copied;
        copied
    };
    output.len += copied;
    Ok(copied)
}
