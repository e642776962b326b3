//! Received segments in, responses out.

mod head;
mod limits;
mod message_length;

use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

pub use self::{head::ResponseHead, limits::ResponseLimits, message_length::RequestMethod};
use self::{head::StatusLine, message_length::message_length};
use crate::{
    assembly::Assembly,
    body::Body,
    body_assembler::{BodyAssembler, Progress},
    body_error::BodyErrorKind,
    content_coding::{ContentCoding, ContentCodings},
    fields::FIELDS_MAX,
    framing::Framing,
    head_error::HeadErrorKind,
    head_reader::HeadReader,
    response_error::{ResponseError, ResponseErrorKind},
    trailers::Trailers,
};

/// What one [`ResponseReader::push`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseStep {
    /// The segment is used up; push the next one.
    NeedMore,
    /// An interim response (1xx except 101) is at [`ResponseReader::head`]; push the rest.
    Interim,
    /// The head is at [`ResponseReader::head`]; push the rest for the body.
    Head,
    /// The response is complete; what is left of the segment belongs to the next one, or to the
    /// protocol that the connection was handed over to.
    End,
}

/// A response that was received.
#[derive(Clone, Debug)]
pub struct Response {
    head: ResponseHead,
    body: Body,
    keeps_alive: bool,
}

impl Response {
    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// Returns the body; empty when the response has none.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Turns into the body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Returns whether another response may follow on the connection: the server says so, the body
    /// is complete and did not go until the close, and no other protocol follows.
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}

/// Reads responses from received segments (RFC 9112), without I/O.
///
/// Heads are parsed by `httparse`, but line ends have to be CRLF. The body is framed by RFC 9112
/// §6.3, refusing what disagrees with itself, assembled as [`BodyAssembler`] does and decompressed
/// by its `Content-Encoding`. All progress is in the reader; how the stream was cut into segments
/// changes nothing.
///
/// # Examples
///
/// ```
/// use http_chunked::{ResponseReader, ResponseStep};
/// use seg_pool::{Pool, Segment};
///
/// # fn main() -> Result<(), http_chunked::ResponseError> {
/// let mut reader = ResponseReader::new(&Pool::new());
/// let mut received = Segment::from_static(
///     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1",
/// );
/// assert_eq!(reader.push(&mut received)?, ResponseStep::Head);
/// assert_eq!(reader.head().map(|head| head.status()), Some(200));
/// assert_eq!(reader.push(&mut received)?, ResponseStep::End);
/// assert_eq!(&*received, b"HTTP/1.1");
///
/// let response = reader.take_response().expect("its head was read");
/// assert!(response.keeps_alive());
/// assert_eq!(response.body().bytes(), b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ResponseReader {
    limits: ResponseLimits,
    decodes_content: bool,
    request: RequestMethod,
    state: State,
    head_reader: HeadReader<StatusLine>,
    head: Option<ResponseHead>,
    interim_count: u32,
    /// Octets of all heads so far.
    head_bytes: u64,
    keeps_alive: bool,
    assembler: BodyAssembler,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head,
    Body,
    End,
    Failed(ResponseError),
}

impl ResponseReader {
    /// The most fields that a head may have.
    pub const FIELDS_MAX: usize = FIELDS_MAX;

    /// Creates a reader that links received segments, has the default limits and expects the
    /// answer to a request other than `HEAD` and `CONNECT`. It takes segments from `pool` when it
    /// has to copy or to decompress.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self {
            limits: ResponseLimits::new(),
            decodes_content: true,
            request: RequestMethod::Other,
            state: State::Head,
            head_reader: HeadReader::new(pool),
            head: None,
            interim_count: 0,
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
    pub fn limits(mut self, limits: ResponseLimits) -> Self {
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

    /// Makes the reader ready for the answer to another request, forgetting what was not taken and
    /// any error.
    pub fn expect(&mut self, request: RequestMethod) {
        self.request = request;
        self.state = State::Head;
        self.head_reader.reset();
        self.head = None;
        (self.interim_count, self.head_bytes) = (0, 0);
        self.assembler.reset(Framing::Length(0), ContentCoding::Identity);
    }

    /// Takes what belongs to the response from the front of `received`, up to the next thing worth
    /// telling. Call it again with the rest until [`ResponseStep::NeedMore`] or
    /// [`ResponseStep::End`].
    ///
    /// # Errors
    ///
    /// A [`ResponseError`] for the first octet that cannot be accepted, and the same one from then
    /// on. What was received before it can be [taken](Self::take_response).
    pub fn push(&mut self, received: &mut Segment) -> Result<ResponseStep, ResponseError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok(ResponseStep::End),
            State::Head => {
                let step = self.push_head(received);
                step.map_err(|(kind, offset)| self.fail(ResponseError::new(kind, offset)))
            }
            State::Body => match self.assembler.push(received) {
                Ok(Progress::NeedMore) => Ok(ResponseStep::NeedMore),
                Ok(Progress::End) => {
                    self.state = State::End;
                    Ok(ResponseStep::End)
                }
                Err(error) => Err(self.fail(ResponseError::in_body(error, self.head_bytes))),
            },
        }
    }

    /// Says that the connection was closed. Ends a body that goes until then.
    ///
    /// # Errors
    ///
    /// [`Truncated`](ResponseErrorKind::Truncated) when the response is not complete, inside
    /// [`Body`](ResponseErrorKind::Body) when it was its body that was cut short, and the earlier
    /// error when there was one.
    pub fn finish(&mut self) -> Result<(), ResponseError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok(()),
            State::Head => {
                let offset = self.head_bytes + self.head_reader.part_len() as u64;
                self.head = None;
                Err(self.fail(ResponseError::new(ResponseErrorKind::Truncated, offset)))
            }
            State::Body => match self.assembler.finish() {
                Ok(()) => {
                    self.state = State::End;
                    Ok(())
                }
                Err(error) => Err(self.fail(ResponseError::in_body(error, self.head_bytes))),
            },
        }
    }

    /// Returns the head that was read last, be it interim or final.
    #[must_use]
    pub const fn head(&self) -> Option<&ResponseHead> {
        self.head.as_ref()
    }

    /// Returns the bytes of the body so far, decompressed.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.assembler.len()
    }

    /// Takes the response out: whole after [`ResponseStep::End`], and what there is of it before
    /// that or after an error. `None` before its head was read.
    #[must_use]
    pub fn take_response(&mut self) -> Option<Response> {
        if matches!(self.state, State::Head) {
            return None;
        }
        let keeps_alive = self.keeps_alive();
        let head = self.head.take()?;
        Some(Response { head, body: self.assembler.take_body(), keeps_alive })
    }

    /// Takes out the data of the body that was received since it was taken last; see
    /// [`BodyAssembler::take_data`].
    #[must_use]
    pub fn take_data(&mut self) -> Sequence {
        self.assembler.take_data()
    }

    /// Returns the trailer fields; all of them once the response is complete.
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        self.assembler.trailers()
    }

    /// Returns whether another response may follow; known once this one is complete. See
    /// [`Response::keeps_alive`].
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive && matches!(self.state, State::End)
    }

    fn push_head(
        &mut self,
        received: &mut Segment,
    ) -> Result<ResponseStep, (ResponseErrorKind, u64)> {
        let start = self.head_bytes;
        let at = |(kind, offset): (HeadErrorKind, usize)| (kind.into(), start + offset as u64);
        let read = self.head_reader.read(received).map_err(at);
        let Some((octets, status)) = read.inspect_err(|_| self.head = None)? else {
            return Ok(ResponseStep::NeedMore);
        };
        self.head_bytes += octets.len() as u64;
        let head = self.head.insert(ResponseHead::new(octets, status));
        if matches!(head.status(), 100..=199) && head.status() != 101 {
            self.interim_count += 1;
            if self.interim_count > self.limits.interim_max {
                self.head = None;
                return Err((ResponseErrorKind::TooManyInterim, start));
            }
            return Ok(ResponseStep::Interim);
        }
        let framing = message_length(head, self.request).map_err(at)?;
        let is_handed_over = head.status() == 101 || self.request == RequestMethod::Connect;
        self.keeps_alive = head.keeps_alive()
            && framing != Some(Framing::UntilClose)
            && !(is_handed_over && framing.is_none());
        self.state = State::End;
        if let Some(framing) = framing {
            let mut codings = ContentCodings::default();
            if self.decodes_content && framing != Framing::Length(0) {
                let most = self.limits.body.content_codings_max;
                codings = ContentCodings::from_fields(head.lines(), most).map_err(at)?;
            }
            if let Some(place) = self.limits.body.refuses(framing, codings, head.lines()) {
                let kind = ResponseErrorKind::Body(BodyErrorKind::TooLong);
                return Err((kind, start + place as u64));
            }
            self.assembler.reset(framing, codings);
            self.state = State::Body;
        }
        Ok(ResponseStep::Head)
    }

    fn fail(&mut self, error: ResponseError) -> ResponseError {
        self.state = State::Failed(error);
        error
    }
}
