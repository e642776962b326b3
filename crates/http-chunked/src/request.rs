//! Received segments in, requests out.

mod head;
mod limits;
mod target;

use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use self::head::RequestLine;
pub use self::{head::RequestHead, limits::RequestLimits};
use crate::{
    assembly::Assembly,
    body::Body,
    body_assembler::{BodyAssembler, Progress},
    body_error::BodyErrorKind,
    content_coding::{ContentCoding, ContentCodings},
    declared_framing::declared_framing,
    fields::FIELDS_MAX,
    framing::Framing,
    head_error::HeadErrorKind,
    head_reader::HeadReader,
    request_error::{RequestError, RequestErrorKind},
    trailers::Trailers,
};

/// What one [`RequestReader::push`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStep {
    /// The segment is used up; push the next one.
    NeedMore,
    /// The head is at [`RequestReader::head`]; push the rest for the body. This is when to send
    /// `100 Continue`, if the client [expects](RequestHead::expects_continue) it.
    Head,
    /// The request is complete; what is left of the segment belongs to the next one, or to the
    /// protocol that the connection is handed over to.
    End,
}

/// A request that was received.
#[derive(Clone, Debug)]
pub struct Request {
    head: RequestHead,
    body: Body,
    keeps_alive: bool,
}

impl Request {
    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Returns the body; empty when the request has none.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Turns into the body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Returns whether another request may follow on the connection: the client says so, the body
    /// is complete, and the method is not `CONNECT`. A server that answers `101` hands the
    /// connection over as well.
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}

/// Reads requests from received segments (RFC 9112), without I/O.
///
/// Heads are parsed by `httparse`, but line ends have to be CRLF. The body is framed by RFC 9112
/// §6.3, refusing what two parties could understand differently, assembled as [`BodyAssembler`] does
/// and decompressed by its `Content-Encoding`. All progress is in the reader; how the stream was cut
/// into segments changes nothing. One empty line in front of a request is skipped (RFC 9112 §2.2).
///
/// # Examples
///
/// ```
/// use http_chunked::{RequestReader, RequestStep};
/// use seg_pool::{Pool, Segment};
///
/// # fn main() -> Result<(), http_chunked::RequestError> {
/// let mut reader = RequestReader::new(&Pool::new());
/// let mut received = Segment::from_static(
///     b"POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhelloGET /",
/// );
/// assert_eq!(reader.push(&mut received)?, RequestStep::Head);
/// assert_eq!(reader.push(&mut received)?, RequestStep::End);
/// assert_eq!(&*received, b"GET /");
///
/// let request = reader.take_request().expect("its head was read");
/// assert_eq!((request.head().method(), request.head().target()), ("POST", "/a"));
/// assert_eq!(request.body().bytes(), b"hello");
/// assert!(request.keeps_alive());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RequestReader {
    limits: RequestLimits,
    decodes_content: bool,
    state: State,
    head_reader: HeadReader<RequestLine>,
    head: Option<RequestHead>,
    /// Octets of the head, with the empty line in front of it.
    head_bytes: u64,
    keeps_alive: bool,
    assembler: BodyAssembler,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In front of the head, perhaps behind a carriage return.
    Start,
    Head,
    Body,
    End,
    Failed(RequestError),
}

impl RequestReader {
    /// The most fields that a head may have.
    pub const FIELDS_MAX: usize = FIELDS_MAX;

    /// Creates a reader that links received segments and has the default limits. It takes segments
    /// from `pool` when it has to copy or to decompress.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self {
            limits: RequestLimits::new(),
            decodes_content: true,
            state: State::Start,
            head_reader: HeadReader::new(pool),
            head: None,
            head_bytes: 0,
            keeps_alive: false,
            assembler: BodyAssembler::new(pool, Framing::Length(0)),
        }
    }

    /// Chooses how bodies are kept. For a new reader.
    #[must_use]
    pub fn assembly(mut self, assembly: Assembly) -> Self {
        self.assembler = self.assembler.assembly(assembly);
        self
    }

    /// Sets the limits. For a new reader.
    #[must_use]
    pub fn limits(mut self, limits: RequestLimits) -> Self {
        self.limits = limits;
        self.head_reader.set_bytes_max(limits.head_bytes_max);
        self.assembler = self.assembler.limits(limits.body);
        self
    }

    /// Hands bodies on as they came, whatever their `Content-Encoding`. For a new reader.
    #[must_use]
    pub const fn keep_encoded(mut self) -> Self {
        self.decodes_content = false;
        self
    }

    /// Makes the reader ready for the next request, forgetting what was not taken and any error.
    pub fn reset(&mut self) {
        self.state = State::Start;
        self.head_reader.reset();
        self.head = None;
        self.head_bytes = 0;
        self.assembler.reset(Framing::Length(0), ContentCoding::Identity);
    }

    /// Takes what belongs to the request from the front of `received`, up to the next thing worth
    /// telling. Call it again with the rest until [`RequestStep::NeedMore`] or
    /// [`RequestStep::End`].
    ///
    /// # Errors
    ///
    /// A [`RequestError`] for the first octet that cannot be accepted, and the same one from then
    /// on. What was received before it can be [taken](Self::take_request).
    pub fn push(&mut self, received: &mut Segment) -> Result<RequestStep, RequestError> {
        let step = match self.state {
            State::Failed(error) => return Err(error),
            State::End => return Ok(RequestStep::End),
            State::Start => match self.skip_empty_line(received) {
                Ok(false) => return Ok(RequestStep::NeedMore),
                Ok(true) => {
                    self.state = State::Head;
                    self.push_head(received)
                }
                Err(refusal) => Err(refusal),
            },
            State::Head => self.push_head(received),
            State::Body => match self.assembler.push(received) {
                Ok(Progress::NeedMore) => return Ok(RequestStep::NeedMore),
                Ok(Progress::End) => {
                    self.state = State::End;
                    return Ok(RequestStep::End);
                }
                Err(error) => return Err(self.fail(RequestError::in_body(error, self.head_bytes))),
            },
        };
        step.map_err(|(kind, offset)| self.fail(RequestError::new(kind, offset)))
    }

    /// Says that the connection was closed. That is no error between requests.
    ///
    /// # Errors
    ///
    /// [`Truncated`](RequestErrorKind::Truncated) when a request is not complete, inside
    /// [`Body`](RequestErrorKind::Body) when it was its body that was cut short, and the earlier
    /// error when there was one.
    pub fn finish(&mut self) -> Result<(), RequestError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok(()),
            // Not a carriage return alone.
            State::Start if self.head_bytes != 1 => Ok(()),
            State::Start | State::Head => {
                let offset = self.head_bytes + self.head_reader.part_len() as u64;
                Err(self.fail(RequestError::new(RequestErrorKind::Truncated, offset)))
            }
            State::Body => match self.assembler.finish() {
                Ok(()) => {
                    self.state = State::End;
                    Ok(())
                }
                Err(error) => Err(self.fail(RequestError::in_body(error, self.head_bytes))),
            },
        }
    }

    /// Returns the head, once it was read.
    #[must_use]
    pub const fn head(&self) -> Option<&RequestHead> {
        self.head.as_ref()
    }

    /// Returns the bytes of the body so far, decompressed.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.assembler.len()
    }

    /// Takes out the data of the body that was received since it was taken last; see
    /// [`BodyAssembler::take_data`].
    #[must_use]
    pub fn take_data(&mut self) -> Sequence {
        self.assembler.take_data()
    }

    /// Returns the trailer fields; all of them once the request is complete.
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        self.assembler.trailers()
    }

    /// Returns whether another request may follow; known once this one is complete. See
    /// [`Request::keeps_alive`].
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive && matches!(self.state, State::End)
    }

    /// Takes the request out: whole after [`RequestStep::End`], and what there is of it before that
    /// or after an error. `None` before its head was read.
    #[must_use]
    pub fn take_request(&mut self) -> Option<Request> {
        let keeps_alive = self.keeps_alive();
        let head = self.head.take()?;
        Some(Request { head, body: self.assembler.take_body(), keeps_alive })
    }

    /// Takes one CRLF; returns whether a head follows, as far as came.
    fn skip_empty_line(&mut self, received: &mut Segment) -> Result<bool, (RequestErrorKind, u64)> {
        while let Some(&octet) = received.first() {
            match (self.head_bytes, octet) {
                (0, b'\r') | (1, b'\n') => {
                    self.head_bytes += 1;
                    drop(received.split_to(1));
                }
                (1, _) => return Err((RequestErrorKind::RequestLine, 1)),
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    fn push_head(
        &mut self,
        received: &mut Segment,
    ) -> Result<RequestStep, (RequestErrorKind, u64)> {
        let start = self.head_bytes;
        let at = |(kind, offset): (RequestErrorKind, usize)| (kind, start + offset as u64);
        let common = |(kind, offset): (HeadErrorKind, usize)| at((kind.into(), offset));
        let read = self.head_reader.read(received).map_err(common)?;
        let Some((octets, line)) = read else { return Ok(RequestStep::NeedMore) };
        self.head_bytes += octets.len() as u64;
        let head = RequestHead::new(octets, line);
        head.check().map_err(at)?;
        let declared = declared_framing(head.lines(), head.version_minor()).map_err(common)?;
        let is_connect = head.method() == "CONNECT";
        if is_connect && declared.is_some_and(|framing| framing != Framing::Length(0)) {
            return Err((RequestErrorKind::ConnectWithBody, self.head_bytes));
        }
        // Rule 7: without a declared length there is no body.
        let framing = declared.unwrap_or(Framing::Length(0));
        let mut codings = ContentCodings::default();
        if self.decodes_content && framing != Framing::Length(0) {
            let most = self.limits.body.content_codings_max;
            codings = ContentCodings::from_fields(head.lines(), most).map_err(common)?;
        }
        if let Some(place) = self.limits.body.refuses(framing, codings, head.lines()) {
            return Err(at((RequestErrorKind::Body(BodyErrorKind::TooLong), place)));
        }
        self.keeps_alive = head.keeps_alive() && !is_connect;
        self.head = Some(head);
        self.assembler.reset(framing, codings);
        self.state = if framing == Framing::Length(0) { State::End } else { State::Body };
        Ok(RequestStep::Head)
    }

    fn fail(&mut self, error: RequestError) -> RequestError {
        self.state = State::Failed(error);
        error
    }
}
