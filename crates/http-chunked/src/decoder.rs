//! The chunked state machine.

mod error;
mod extensions;
mod limits;
mod size_line;
mod trailer_section;
mod whole_chunks;

pub use self::{
    error::{DecodeError, DecodeErrorKind},
    extensions::{Extension, Extensions},
    limits::Limits,
};
use self::{size_line::SizeLine, trailer_section::TrailerSection, whole_chunks::KnownLine};
use crate::trailers::Trailers;

/// What one [`Decoder::step`] found.
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
    /// The last short line.
    known: KnownLine,
    /// Data octets of the current chunk that are still to come.
    chunk_left: u64,
    /// Octets taken since the start of the body.
    offset: u64,
    /// See [`Limits::framing_excess_bytes_max`].
    framing_excess_bytes: u64,
    limits: Limits,
    trailers: TrailerSection,
    /// Octets behind the size of the last size line, when they are kept.
    extensions: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    SizeLine,
    Data,
    DataCr,
    DataLf,
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
            offset: 0,
            framing_excess_bytes: 0,
            limits,
            trailers: TrailerSection::default(),
            extensions: None,
        }
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
        self
    }

    /// Reads on to the next thing worth telling, leaving `input` at the first unread octet.
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
            match self.state {
                State::Data => {
                    let data = self.take_data(input);
                    return Ok(if data.is_empty() { Step::NeedMore } else { Step::Data(data) });
                }
                State::DataCr if input.starts_with(b"\r\n") => {
                    self.skip(input, 2);
                    self.begin_line();
                }
                State::End => return Ok(Step::End),
                State::Failed(error) => return Err(error),
                _ => {}
            }
            if self.take_short_line(input) {
                continue;
            }
            if matches!(self.state, State::SizeLine) && self.take_simple_line(input) {
                continue;
            }
            self.take_run(input);
            let Some(&octet) = input.first() else { return Ok(Step::NeedMore) };
            match self.take(octet) {
                Ok(extensions_end) => {
                    self.skip(input, 1);
                    if extensions_end {
                        return Ok(Step::Extensions);
                    }
                }
                Err(kind) => return Err(self.fail(kind)),
            }
        }
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
        self.offset
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
        (self.chunk_left, self.offset, self.framing_excess_bytes) = (0, 0, 0);
        self.trailers.clear();
    }

    fn begin_line(&mut self) {
        self.state = State::SizeLine;
        self.line = SizeLine::new();
        if let Some(extensions) = &mut self.extensions {
            extensions.clear();
        }
    }

    /// Takes the data that is there; empty only when the input is.
    fn take_data<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let count = usize::try_from(self.chunk_left).unwrap_or(usize::MAX).min(input.len());
        let (data, rest) = input.split_at(count);
        *input = rest;
        self.take_data_octets(count);
        data
    }

    /// Gives back the last octets of data that [`step`](Self::step) took: they come again.
    pub(crate) fn put_back(&mut self, count: usize) {
        if count > 0 {
            self.offset -= count as u64;
            self.chunk_left += count as u64;
            self.state = State::Data;
        }
    }

    /// The fast path: a whole size line without extensions.
    fn take_simple_line(&mut self, input: &mut &[u8]) -> bool {
        let mut line = self.line;
        let Some(len) = line.take_simple(input, &self.limits) else { return false };
        let Ok(excess) = self.framing_excess(&line) else { return false };
        self.skip(input, len);
        self.line = line;
        self.end_line(excess);
        true
    }

    /// The path through long extensions and trailers: octets that keep the place they come to.
    fn take_run(&mut self, input: &mut &[u8]) {
        let count = match self.state {
            State::SizeLine => self.line.take_run(input, &self.limits),
            State::Trailers => self.trailers.take_run(input, &self.limits),
            _ => 0,
        };
        let run = self.skip(input, count);
        if let (State::SizeLine, Some(extensions)) = (self.state, &mut self.extensions) {
            extensions.extend_from_slice(run);
        }
    }

    /// The careful path: one octet. Returns whether a size line with extensions to tell ended.
    fn take(&mut self, octet: u8) -> Result<bool, DecodeErrorKind> {
        match (self.state, octet) {
            (State::SizeLine, _) => {
                if self.line.take(octet, &self.limits)? {
                    let excess = self.framing_excess(&self.line)?;
                    self.end_line(excess);
                    return Ok(self.extensions.as_ref().is_some_and(|kept| !kept.is_empty()));
                }
                if let Some(extensions) = &mut self.extensions
                    && self.line.in_extensions()
                {
                    extensions.push(octet);
                }
            }
            (State::DataCr, b'\r') => self.state = State::DataLf,
            (State::DataLf, b'\n') => self.begin_line(),
            (State::Trailers, _) => {
                if self.trailers.take(octet, &self.limits)? {
                    self.state = State::End;
                }
            }
            _ => return Err(DecodeErrorKind::DataTerminator),
        }
        Ok(false)
    }

    /// Returns the framing excess with `line` counted in.
    fn framing_excess(&self, line: &SizeLine) -> Result<u64, DecodeErrorKind> {
        let framing = (line.len() as u64).saturating_add(4); // its CRLF and that of the data
        let allowance = line.size().saturating_mul(2).saturating_add(16);
        let excess = self.framing_excess_bytes.saturating_add(framing).saturating_sub(allowance);
        if excess > self.limits.framing_excess_bytes_max {
            return Err(DecodeErrorKind::FramingExcess);
        }
        Ok(excess)
    }

    fn end_line(&mut self, excess: u64) {
        self.framing_excess_bytes = excess;
        self.chunk_left = self.line.size();
        self.state = if self.chunk_left == 0 { State::Trailers } else { State::Data };
    }

    fn skip<'a>(&mut self, input: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (front, rest) = input.split_at(count);
        *input = rest;
        self.offset += count as u64;
        front
    }

    fn fail(&mut self, kind: DecodeErrorKind) -> DecodeError {
        let error = DecodeError::new(kind, self.offset);
        self.state = State::Failed(error);
        error
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}
