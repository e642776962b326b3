//! Received segments in, requests or responses out.

mod error;
mod limits;

use bytes::Buf as _;
use seg_flate::Contexts;
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{Assembly, Sequence};

pub use self::{
    error::{MessageError, MessageErrorKind},
    limits::MessageLimits,
};
use crate::{
    body::{Body, BodyAssembler, BodyErrorKind, Progress},
    content_coding::ContentCodings,
    framing::Framing,
    head::{
        FIELDS_MAX, Head, HeadErrorKind, HeadReader, RequestLine, RequestMethod, StartLine,
        StatusLine,
    },
    trailers::Trailers,
};

/// What one [`MessageReader::push`] found. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStep {
    /// The segment is used up; push the next one.
    NeedMore,
    /// An interim response (1xx except 101) is at [`MessageReader::head`]; push the rest. Never
    /// comes of a request.
    Interim,
    /// The head is at [`MessageReader::head`]; push the rest for the body. This is when a server
    /// sends `100 Continue`, if the client [expects](Head::expects_continue) it.
    Head,
    /// The message is complete; what is left of the segment belongs to the next one, or to the
    /// protocol that the connection is handed over to.
    End,
}

/// A request that was received.
pub type Request = Message<RequestLine>;

/// A response that was received.
pub type Response = Message<StatusLine>;

/// Reads requests.
pub type RequestReader = MessageReader<RequestLine>;

/// Reads responses.
pub type ResponseReader = MessageReader<StatusLine>;

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Message<L> {
    head: Head<L>,
    body: Body,
    keeps_alive: bool,
}

impl<L> Message<L> {
    /// Returns the head.
    #[must_use]
    pub const fn head(&self) -> &Head<L> {
        &self.head
    }

    /// Returns the body; empty when the message has none.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Turns into head and body.
    #[must_use]
    pub fn into_parts(self) -> (Head<L>, Body) {
        (self.head, self.body)
    }

    /// Turns into the body.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// Returns whether another message may follow on the connection: the sender says so, the body is
    /// complete and did not go until the close, and no other protocol follows. A server that answers
    /// `101` hands the connection over as well.
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }
}

/// Reads messages from received segments (RFC 9112), without I/O: requests as a [`RequestReader`],
/// responses as a [`ResponseReader`].
///
/// Line ends have to be CRLF. The body is framed by RFC 9112 §6.3, refusing what two parties could
/// understand differently, assembled as [`BodyAssembler`] does and decompressed by its
/// `Content-Encoding`; that of a `206` is a part of the encoded form and left as it is. All progress
/// is in the reader; how the stream was cut into segments changes nothing.
///
/// What a recipient may be lenient in, and what is done here:
///
/// - One empty line before a request is skipped (RFC 9112 §2.2).
/// - The line end of a folded field line becomes spaces in a response; in a request such a line is
///   refused (RFC 9112 §5.2).
/// - A minor version above 1 is read as HTTP/1.1 (RFC 9110 §2.5).
/// - Up to 16 empty list elements in `Transfer-Encoding` are ignored (RFC 9110 §5.6.1.2).
///
/// # Examples
///
/// ```
/// use http_chunked::{MessageStep, RequestReader, ResponseReader};
/// use seg_pool::{Pool, Segment, SegmentMut};
///
/// # fn main() -> Result<(), http_chunked::MessageError> {
/// let mut reader = RequestReader::new(&Pool::new());
/// let mut received = Segment::from_static(
///     b"POST /a HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nhelloGET /",
/// );
/// assert_eq!(reader.push(&mut received)?, MessageStep::Head);
/// assert!(reader.has_body());
/// assert_eq!(reader.push(&mut received)?, MessageStep::End);
/// assert_eq!(&*received, b"GET /");
///
/// let request = reader.take_message().expect("its head was read");
/// assert_eq!((request.head().method(), request.head().target()), ("POST", "/a"));
/// assert_eq!(request.body().bytes(), b"hello");
/// assert!(request.keeps_alive());
///
/// let mut reader = ResponseReader::new(&Pool::new());
/// let mut received = Segment::from_static(
///     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nHTTP/1.1",
/// );
/// assert_eq!(reader.push(&mut received)?, MessageStep::Head);
/// assert_eq!(reader.head().map(|head| head.status()), Some(200));
/// assert_eq!(reader.push(&mut received)?, MessageStep::End);
/// assert_eq!(&*received, b"HTTP/1.1");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MessageReader<L: StartLine> {
    limits: MessageLimits,
    decodes_content: bool,
    /// What the response answers; means nothing for requests.
    request: RequestMethod,
    state: State,
    head_reader: HeadReader<L>,
    head: Option<Head<L>>,
    interim_count: u32,
    /// Octets of all heads so far, with the empty line before a request.
    head_bytes: u64,
    /// How the body ends; of the final head.
    framing: Option<Framing>,
    keeps_alive: bool,
    assembler: BodyAssembler,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the head, perhaps after a carriage return.
    Start,
    Head,
    Body,
    End,
    Failed(MessageError),
}

impl<L: StartLine> MessageReader<L> {
    /// The most fields that a head may have.
    pub const FIELDS_MAX: usize = FIELDS_MAX;

    /// Creates a reader that links received segments and has the default limits; one of responses
    /// expects the answer to a request other than `HEAD` and `CONNECT`. It takes segments from `pool`
    /// for heads, and when it has to copy or to decompress.
    #[must_use]
    pub fn new(pool: &Pool) -> Self {
        Self {
            limits: MessageLimits::new(),
            decodes_content: true,
            request: RequestMethod::Other,
            state: State::Start,
            head_reader: HeadReader::new(pool),
            head: None,
            interim_count: 0,
            head_bytes: 0,
            framing: None,
            keeps_alive: false,
            assembler: BodyAssembler::new(pool, Framing::Length(0)),
        }
    }

    /// Chooses how bodies are kept. For a new reader.
    #[must_use]
    pub fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.assembler = self.assembler.with_assembly(assembly);
        self
    }

    /// Sets the limits. For a new reader.
    #[must_use]
    pub fn with_limits(mut self, limits: MessageLimits) -> Self {
        self.limits = limits;
        self.head_reader.set_bytes_max(limits.head_bytes_max);
        self.assembler = self.assembler.with_limits(limits.body);
        self
    }

    /// Sets who keeps the states of decoders between bodies: one owner for many connections. See
    /// [`BodyAssembler::with_contexts`].
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.assembler = self.assembler.with_contexts(contexts);
        self
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> MessageLimits {
        self.limits
    }

    /// See [`BodyAssembler::put_back`].
    pub(crate) fn put_back(&mut self, data: Sequence) {
        self.assembler.put_back(data);
    }

    /// See [`BodyAssembler::set_pause_bytes`].
    pub(crate) const fn set_pause_bytes(&mut self, bytes: u64) {
        self.assembler.set_pause_bytes(bytes);
    }

    /// Hands bodies on as they came, whatever their `Content-Encoding`. For a new reader.
    #[must_use]
    pub const fn keep_encoded(mut self) -> Self {
        self.decodes_content = false;
        self
    }

    /// Makes the reader ready for the next message, forgetting what was not taken and any error. A
    /// reader of responses expects the answer to a request other than `HEAD` and `CONNECT`.
    pub fn reset(&mut self) {
        self.request = RequestMethod::Other;
        self.state = State::Start;
        self.head_reader.reset();
        (self.head, self.framing) = (None, None);
        (self.interim_count, self.head_bytes) = (0, 0);
        self.assembler.reset(Framing::Length(0), ContentCodings::default());
    }

    /// Takes what belongs to the message from the front of `received`, up to the next thing worth
    /// telling. Call it again with the rest until [`MessageStep::NeedMore`] or [`MessageStep::End`].
    ///
    /// # Errors
    ///
    /// A [`MessageError`] for the first octet that cannot be accepted, and the same one from then on.
    /// What was received before it can be [taken](Self::take_message). When it is [memory that is
    /// missing](MessageErrorKind::out_of_memory), what was not taken is still in `received`, and the
    /// same call goes on when there is some.
    pub fn push(&mut self, received: &mut Segment) -> Result<MessageStep, MessageError> {
        let result = match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok(MessageStep::End),
            State::Start => match self.begin(received) {
                Ok(true) => self.push_head(received),
                Ok(false) => Ok(MessageStep::NeedMore),
                Err(error) => Err(error),
            },
            State::Head => self.push_head(received),
            State::Body => match self.assembler.push(received) {
                Ok(Progress::NeedMore) => Ok(MessageStep::NeedMore),
                Ok(Progress::End) => {
                    self.state = State::End;
                    Ok(MessageStep::End)
                }
                Err(error) => Err(MessageError::in_body(error, self.head_bytes)),
            },
        };
        result.map_err(|error| self.fail(error))
    }

    /// Gives a segment that the next copy goes into, before one is taken from the pool. For those who
    /// wait for memory, with [`take_async`](Pool::take_async): after an error that is [out of
    /// memory](MessageErrorKind::out_of_memory), of as many bytes as it asked for.
    pub fn supply(&mut self, memory: SegmentMut) {
        match self.state {
            State::Start | State::Head => self.head_reader.supply(memory),
            State::Body | State::End | State::Failed(_) => self.assembler.supply(memory),
        }
    }

    /// Says that the connection was closed. Ends a body that goes until then, and is no error between
    /// requests.
    ///
    /// # Errors
    ///
    /// [`Truncated`](HeadErrorKind::Truncated) when a head is not complete,
    /// [`Truncated`](BodyErrorKind::Truncated) when a body is not, and the earlier error when there
    /// was one.
    pub fn finish(&mut self) -> Result<(), MessageError> {
        match self.state {
            State::Failed(error) => Err(error),
            State::End => Ok(()),
            // Not a carriage return alone.
            State::Start if L::IS_REQUEST && self.head_bytes != 1 => Ok(()),
            State::Start | State::Head => {
                let offset = self.head_bytes + self.head_reader.part_len() as u64;
                self.head = None;
                Err(self.fail(MessageError::in_head(HeadErrorKind::Truncated, offset)))
            }
            State::Body => match self.assembler.finish() {
                Ok(()) => {
                    self.state = State::End;
                    Ok(())
                }
                Err(error) => Err(self.fail(MessageError::in_body(error, self.head_bytes))),
            },
        }
    }

    /// Returns the head that was read last, be it interim or final.
    #[must_use]
    pub const fn head(&self) -> Option<&Head<L>> {
        self.head.as_ref()
    }

    /// Returns how the body ends (RFC 9112 §6.3), by all that counts: the fields, the status and the
    /// method of the request. Without a body [`Length(0)`](Framing::Length); `None` before the head
    /// was read.
    #[must_use]
    pub const fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Returns whether the message has a body: one that may be empty, unless its length is 0 by the
    /// head. False before the head was read.
    #[must_use]
    pub const fn has_body(&self) -> bool {
        !matches!(self.framing, None | Some(Framing::Length(0)))
    }

    /// Returns whether what follows the message is not HTTP. Of a response: it answers `CONNECT` with
    /// success, or it is a `101`. Of a request: it asks for that, and the response decides.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        let head = self.head.as_ref().filter(|_| self.framing.is_some());
        head.is_some_and(|head| L::is_upgrade(head, self.request))
    }

    /// Returns the bytes of the body so far, decompressed.
    #[must_use]
    pub fn body_len(&self) -> u64 {
        self.assembler.len()
    }

    /// Takes the message out: whole after [`MessageStep::End`], and what there is of it before that
    /// or after an error. `None` before its head was read.
    #[must_use]
    pub fn take_message(&mut self) -> Option<Message<L>> {
        self.framing?;
        let keeps_alive = self.keeps_alive();
        let head = self.head.take()?;
        Some(Message { head, body: self.assembler.take_body(), keeps_alive })
    }

    /// Takes out the data of the body that was received since it was taken last; see
    /// [`BodyAssembler::take_data`].
    #[must_use]
    pub fn take_data(&mut self) -> Sequence {
        self.assembler.take_data()
    }

    /// Returns the trailer fields; all of them once the message is complete.
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        self.assembler.trailers()
    }

    /// Returns whether another message may follow; known once this one is complete. See
    /// [`Message::keeps_alive`].
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive && matches!(self.state, State::End)
    }

    /// Takes one CRLF before a request; returns whether a head follows, as far as came.
    fn begin(&mut self, received: &mut Segment) -> Result<bool, MessageError> {
        while L::IS_REQUEST
            && let Some(&octet) = received.first()
        {
            match (self.head_bytes, octet) {
                (0, b'\r') | (1, b'\n') => {
                    self.head_bytes += 1;
                    received.advance(1);
                }
                (1, _) => return Err(MessageError::in_head(HeadErrorKind::StartLine, 1)),
                _ => break,
            }
        }
        let follows = !received.is_empty();
        if follows {
            self.state = State::Head;
        }
        Ok(follows)
    }

    fn push_head(&mut self, received: &mut Segment) -> Result<MessageStep, MessageError> {
        let start = self.head_bytes;
        let refused = |kind, offset| MessageError::in_head(kind, start + offset as u64);
        let read = match self.head_reader.read(received) {
            Ok(read) => read,
            Err((kind, offset)) => return Err(refused(kind, offset)),
        };
        let Some(head) = read else { return Ok(MessageStep::NeedMore) };
        self.head_bytes += head.octets().len() as u64;
        if head.line().is_interim() {
            self.interim_count += 1;
            if self.interim_count > self.limits.interim_max {
                return Err(refused(HeadErrorKind::TooManyInterim, 0));
            }
            self.head = Some(head);
            return Ok(MessageStep::Interim);
        }
        let checked = self.check(&head);
        let (framing, codings) = checked.map_err(|(kind, offset)| refused(kind, offset))?;
        if let Some(place) = self.limits.body.refuses(framing, codings, head.lines()) {
            let error = crate::body::BodyError::new(BodyErrorKind::TooLong, place as u64);
            return Err(MessageError::in_body(error, start));
        }
        self.keeps_alive = head.keeps_alive()
            && framing != Framing::UntilClose
            && !L::is_last(&head, self.request);
        (self.head, self.framing) = (Some(head), Some(framing));
        self.assembler.reset(framing, codings);
        self.state = if framing == Framing::Length(0) { State::End } else { State::Body };
        Ok(MessageStep::Head)
    }

    /// Checks a final head and says how its body ends and is encoded.
    fn check(&self, head: &Head<L>) -> Result<(Framing, ContentCodings), (HeadErrorKind, usize)> {
        L::check(head)?;
        let framing = L::framing(head, self.request)?;
        let is_decoded =
            self.decodes_content && framing != Framing::Length(0) && !head.line().is_partial();
        let most = self.limits.body.content_codings_max;
        let codings = is_decoded.then(|| ContentCodings::from_fields(head.lines(), most));
        Ok((framing, codings.transpose()?.unwrap_or_default()))
    }

    /// Keeps an error, unless the same call may go on. What is there of a head that was refused is
    /// not for the user.
    fn fail(&mut self, error: MessageError) -> MessageError {
        if error.kind().out_of_memory().is_none() {
            self.state = State::Failed(error);
            self.head = self.head.take().filter(|_| self.framing.is_some());
        }
        error
    }
}

impl MessageReader<StatusLine> {
    /// Makes the reader ready for the answer to another request, forgetting what was not taken and
    /// any error.
    pub fn expect_answer_to(&mut self, request: RequestMethod) {
        self.reset();
        self.request = request;
    }
}
