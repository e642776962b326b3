//! The chunked state machine.

mod error;
mod extensions;
mod limits;
mod size_line;
mod trailer_section;

pub use self::{
    error::{DecodeError, DecodeErrorKind},
    extensions::{Extension, Extensions},
    limits::Limits,
};
use self::{
    size_line::{KnownLine, SizeLine},
    trailer_section::TrailerSection,
};
use crate::trailers::Trailers;

const CRLF: &[u8; 2] = b"\r\n";

/// What one [`Decoder::step`] found. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// These octets are data. Never empty. A chunk comes in as many parts as the input was cut
    /// into.
    Data(&'a [u8]),
    /// A size line with extensions ended; [`Decoder::extensions`] has them until the next size
    /// line. Comes only when they are [kept](Decoder::keep_extensions).
    Extensions,
    /// The body is complete; what is left in the input belongs to the next message.
    /// [`Decoder::trailers`] has the trailers.
    End,
    /// The input is used up; call again with more.
    NeedMore,
}

/// What [`Decoder::next_run`] found at the front of an input: framing, then data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the framing is taken and has to be skipped"]
pub struct Run {
    /// Octets of framing at the front of the input. The decoder has taken them.
    pub skip: usize,
    /// Octets of data after them, which are [taken](Decoder::take_data) by the caller. 0 when there are
    /// none before the end of the input, before the end of the body or before an error.
    pub data: usize,
}

/// Decodes one chunked body (RFC 9112 §7.1), strictly by the grammar.
///
/// Does no I/O and keeps all its progress in itself: how the stream was cut into inputs changes
/// nothing but the cuts in the data. It borrows the data from the input and copies only trailers
/// and, when asked to, extensions.
///
/// # Examples
///
/// ```
/// use http_chunked::{Decoder, Step};
///
/// # fn main() -> Result<(), http_chunked::DecodeError> {
/// let mut decoder = Decoder::new();
/// let (mut first, mut second) = (&b"5\r\nhel"[..], &b"lo\r\n0\r\n\r\nHTTP/1.1"[..]);
/// assert_eq!(decoder.step(&mut first)?, Step::Data(b"hel"));
/// assert_eq!(decoder.step(&mut first)?, Step::NeedMore);
/// assert_eq!(decoder.step(&mut second)?, Step::Data(b"lo"));
/// assert_eq!(decoder.step(&mut second)?, Step::End);
/// assert_eq!(second, b"HTTP/1.1");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    state: State,
    /// The size line that is being read, or that was read last.
    line: SizeLine,
    /// The short size line that was read last.
    known: KnownLine,
    /// Data octets of the current chunk that are still to come.
    chunk_left: u64,
    /// Octets from the start of the body to the end of the current chunk's data, or taken between chunks.
    chunk_end: u64,
    /// See [`Limits::framing_excess_bytes_max`].
    framing_excess_bytes: u64,
    limits: Limits,
    trailers: TrailerSection,
    /// Octets after the size of the last size line, when they are kept.
    extensions: Option<Vec<u8>>,
    /// Whether a size line with extensions ended that [`step`](Self::step) did not report yet.
    has_read_extensions: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    SizeLine,
    /// In the data of a chunk, or after it and before its carriage return.
    Chunk,
    ChunkLf,
    Trailers,
    End,
    Failed(DecodeError),
}

impl Decoder {
    /// Creates a decoder with the default [`Limits`]. Allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_limits(Limits::new())
    }

    /// Creates a decoder with limits of your own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            state: State::SizeLine,
            line: SizeLine::new(),
            known: KnownLine::NONE,
            chunk_left: 0,
            chunk_end: 0,
            framing_excess_bytes: 0,
            limits,
            trailers: TrailerSection::default(),
            extensions: None,
            has_read_extensions: false,
        }
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes the decoder keep the extensions of each size line and report them as
    /// [`Step::Extensions`]. Without it they are checked and forgotten.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::{Decoder, Step};
    ///
    /// # fn main() -> Result<(), http_chunked::DecodeError> {
    /// let mut decoder = Decoder::new().keep_extensions();
    /// let mut input = &b"5 ; signature=\"a\\\"b\"\r\nhello\r\n"[..];
    /// assert_eq!(decoder.step(&mut input)?, Step::Extensions);
    /// let extension = decoder.extensions().next().unwrap();
    /// assert_eq!(extension.name(), b"signature");
    /// assert_eq!(extension.value().as_deref(), Some(&b"a\"b"[..]));
    /// assert_eq!(decoder.step(&mut input)?, Step::Data(b"hello"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keep_extensions(mut self) -> Self {
        self.extensions.get_or_insert_default();
        self.known = KnownLine::NONE;
        self
    }

    /// Reads on to the next step to report, leaving `input` at the first unread octet.
    ///
    /// Loops until [`Step::NeedMore`] or [`Step::End`] use up an input. After the end it takes
    /// nothing more and returns [`Step::End`] again.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for the first octet that the grammar or a limit refuses; the octet stays
    /// in the input. From then on the same error, whatever comes.
    pub fn step<'a>(&mut self, input: &mut &'a [u8]) -> Result<Step<'a>, DecodeError> {
        loop {
            let run = self.next_run(input)?;
            *input = &input[run.skip..];
            if core::mem::take(&mut self.has_read_extensions) {
                return Ok(Step::Extensions);
            }
            if run.data > 0 {
                let (data, rest) = input.split_at(run.data);
                *input = rest;
                self.take_data(run.data);
                return Ok(Step::Data(data));
            }
            if self.is_ended() {
                return Ok(Step::End);
            }
            if input.is_empty() {
                return Ok(Step::NeedMore);
            }
        }
    }

    /// Takes the framing at the front of `input` and returns how long it is and how much data follows it.
    /// For those who keep the data where it lies; [`step`](Self::step) is simpler.
    ///
    /// The data is the caller's to [take](Self::take_data): what is not taken comes again, so the next
    /// input starts at the first octet of it. Without data, the input is used up, or the body has
    /// [ended](Self::is_ended), or the next call returns an error for the octet after the framing, or
    /// extensions were read that are kept.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] for the first octet of `input`, and from then on the same error.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_chunked::{Decoder, Run};
    ///
    /// # fn main() -> Result<(), http_chunked::DecodeError> {
    /// let (mut decoder, input) = (Decoder::new(), b"5\r\nhello\r\n6\r\n worl");
    /// assert_eq!(decoder.next_run(input)?, Run { skip: 3, data: 5 });
    /// assert_eq!(decoder.next_len(&input[8..]), 5);
    /// decoder.take_data(5);
    /// assert_eq!(decoder.next_run(&input[8..])?, Run { skip: 5, data: 5 });
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn next_run(&mut self, input: &[u8]) -> Result<Run, DecodeError> {
        let skip = match self.chunk_left {
            0 => match self.take_short_line(input) {
                Some(skip) => skip,
                None => self.take_framing(input)?,
            },
            _ => 0,
        };
        let left = input.len() - skip;
        Ok(Run { skip, data: within(self.chunk_left).min(left) })
    }

    /// Returns how much data of the next chunk is in `input`, which starts after the data of the current
    /// one; 0 where that is not plain to see. Takes nothing.
    #[must_use]
    pub fn next_len(&self, input: &[u8]) -> usize {
        let Some(octets) = input.strip_prefix(CRLF).and_then(<[u8]>::first_chunk) else {
            return 0;
        };
        let line = KnownLine::read(octets, &self.limits);
        line.map_or(0, |line| within(line.size()).min(input.len() - CRLF.len() - line.len()))
    }

    /// Counts `count` octets of data as taken.
    ///
    /// # Panics
    ///
    /// Panics when the [current chunk](Self::chunk_left) has fewer.
    #[inline]
    pub const fn take_data(&mut self, count: usize) {
        assert!(count as u64 <= self.chunk_left, "more data than the chunk has");
        self.chunk_left -= count as u64;
    }

    /// Says that no more input comes.
    ///
    /// # Errors
    ///
    /// [`Truncated`](DecodeErrorKind::Truncated) when the body is not complete, and the earlier
    /// error when there was one.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        match self.state {
            State::End => Ok(()),
            State::Failed(error) => Err(error),
            _ => Err(self.fail(DecodeErrorKind::Truncated)),
        }
    }

    /// Returns whether the body is complete.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Returns the octets taken since the start of the body.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.chunk_end - self.chunk_left
    }

    /// Returns the octets of data that the current chunk still owes; 0 between chunks.
    #[must_use]
    pub const fn chunk_left(&self) -> u64 {
        self.chunk_left
    }

    /// Returns the extensions of the last size line; none unless they are
    /// [kept](Self::keep_extensions).
    #[must_use]
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.extensions.as_deref().unwrap_or_default())
    }

    /// Returns the trailer fields that are complete; all of them after [`Step::End`].
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        &self.trailers.fields
    }

    /// Takes the trailer fields out.
    #[must_use]
    pub fn take_trailers(&mut self) -> Trailers {
        core::mem::take(&mut self.trailers.fields)
    }

    /// Forgets the body and any error; the next octet starts another. Keeps limits and memory.
    pub fn reset(&mut self) {
        self.begin_line();
        (self.chunk_left, self.chunk_end, self.framing_excess_bytes) = (0, 0, 0);
        self.has_read_extensions = false;
        self.trailers.clear();
    }

    fn begin_line(&mut self) {
        self.state = State::SizeLine;
        self.line = SizeLine::new();
        if let Some(extensions) = &mut self.extensions {
            extensions.clear();
        }
    }

    /// Takes the end of a chunk and a short size line of some data, all of which are there; `None` when
    /// something else comes, with nothing changed.
    ///
    /// Most senders use one chunk size for all of a body. To compare with the line before costs no wait
    /// for the memory that the next line lies in: the processor guesses that it is the same and goes on.
    #[inline]
    fn take_short_line(&mut self, input: &[u8]) -> Option<usize> {
        let (end, line) = input.split_first_chunk()?;
        let octets = line.first_chunk()?;
        if end != CRLF || !matches!(self.state, State::Chunk) {
            return None;
        }
        let known = if self.known.is(octets) { &self.known } else { self.read_short_line(octets)? };
        let skip = CRLF.len() + known.len();
        self.chunk_left = known.size();
        self.chunk_end += skip as u64 + self.chunk_left;
        Some(skip)
    }

    /// Reads a short size line, which is known then; `None` when there is none, or more to be done for it than
    /// to take its size.
    #[inline(never)]
    fn read_short_line(&mut self, octets: &[u8; KnownLine::BYTES_MAX]) -> Option<&KnownLine> {
        if self.framing_excess_bytes > 0 || self.extensions.is_some() {
            return None;
        }
        self.known = KnownLine::read(octets, &self.limits)?;
        Some(&self.known)
    }

    /// Takes framing: up to data, to the end of the body or of the input, or to an octet that is refused.
    #[inline(never)]
    fn take_framing(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        let mut taken = 0;
        loop {
            let rest = &input[taken..];
            let (count, end) = match (self.state, rest) {
                (State::Failed(error), _) if taken == 0 => return Err(error),
                (State::End | State::Failed(_), _) | (_, []) => return Ok(taken),
                (State::Chunk, _) if self.chunk_left > 0 => return Ok(taken),
                (State::Chunk, [b'\r', b'\n', ..]) => {
                    self.begin_line();
                    (2, Ok(false))
                }
                (State::Chunk, [b'\r', ..]) => {
                    self.state = State::ChunkLf;
                    (1, Ok(false))
                }
                (State::ChunkLf, [b'\n', ..]) => {
                    self.begin_line();
                    (1, Ok(false))
                }
                (State::Chunk | State::ChunkLf, _) => (0, Err(DecodeErrorKind::DataTerminator)),
                (State::SizeLine, _) => self.take_size_line(rest),
                (State::Trailers, _) => {
                    let (count, end) = self.trailers.read(rest, &self.limits);
                    if end == Ok(true) {
                        self.state = State::End;
                    }
                    (count, end.map(|_| false))
                }
            };
            taken += count;
            self.chunk_end += count as u64;
            match end {
                Ok(false) => {}
                Ok(true) => return Ok(taken),
                Err(kind) => {
                    self.fail(kind);
                }
            }
        }
    }

    /// Takes a size line, or the part of it that is there; returns how much was taken and whether
    /// extensions ended that are kept.
    fn take_size_line(&mut self, input: &[u8]) -> (usize, Result<bool, DecodeErrorKind>) {
        let before = self.line.len();
        let (count, end) = self.line.read(input, &self.limits);
        if let Some(extensions) = &mut self.extensions {
            let first = self.line.digits().max(before);
            extensions.extend_from_slice(&input[first - before..self.line.len() - before]);
            self.has_read_extensions = end == Ok(true) && !extensions.is_empty();
        }
        let end = end.and_then(|is_end| {
            if is_end {
                self.framing_excess_bytes = self.framing_excess(&self.line)?;
                if self.framing_excess_bytes > 0 {
                    // Each line counts now.
                    self.known = KnownLine::NONE;
                }
                self.chunk_left = self.line.size();
                self.chunk_end += self.chunk_left;
                self.state = if self.chunk_left == 0 { State::Trailers } else { State::Chunk };
            }
            Ok(self.has_read_extensions)
        });
        match end {
            // The line feed is refused, so it is not taken.
            Err(DecodeErrorKind::FramingExcess) => (count - 1, end),
            _ => (count, end),
        }
    }

    /// Returns the framing excess with `line` counted in.
    fn framing_excess(&self, line: &SizeLine) -> Result<u64, DecodeErrorKind> {
        let framing = (line.len() as u64).saturating_add(4); // its CRLF and that of the data
        let allowed = line.size().saturating_mul(2).saturating_add(16);
        let excess = self.framing_excess_bytes.saturating_add(framing).saturating_sub(allowed);
        if excess > self.limits.framing_excess_bytes_max {
            return Err(DecodeErrorKind::FramingExcess);
        }
        Ok(excess)
    }

    fn fail(&mut self, kind: DecodeErrorKind) -> DecodeError {
        let error = DecodeError::new(kind, self.offset());
        (self.state, self.chunk_left, self.chunk_end) = (State::Failed(error), 0, error.offset());
        error
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Converts a count, of which no more than memory has matters.
fn within(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
