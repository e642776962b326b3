//! Received segments in, a body out.

use bytes::Buf as _;
use seg_flate::Contexts;
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::{Assembly, Sequence};

use super::{Body, BodyError, BodyErrorKind, BodyLimits, Data};
use crate::{
    content::Content, content_coding::ContentCodings, decoder::Decoder, framing::Framing,
    trailers::Trailers,
};

/// What one [`BodyAssembler::push`] came to. No other will come: a caller has to handle each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The segment is used up; push the next one.
    NeedMore,
    /// The body is complete; what is left of the segment belongs to the next message.
    End,
}

/// Puts a body together from received segments.
///
/// Runs of data stay where they were received and are linked; short ones are copied into a shared
/// segment, so that they do not keep a received one from reuse. All chunks of a segment are
/// handled in one call. With [`ContentCodings`] the data is decompressed as it comes. Does no I/O;
/// how the stream was cut into segments changes nothing but the chunks of the sequence.
///
/// # Examples
///
/// ```
/// use http_chunked::{BodyAssembler, Framing, Progress};
/// use seg_pool::{Pool, Segment, SegmentMut};
///
/// # fn main() -> Result<(), http_chunked::BodyError> {
/// let pool = Pool::new();
/// let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
/// let mut received = Segment::from_static(b"5\r\nhello\r\n6\r\n wor");
/// assert_eq!(assembler.push(&mut received)?, Progress::NeedMore);
/// let mut received = Segment::from_static(b"ld\r\n0\r\nETag: \"a\"\r\n\r\nHTTP/1.1 200");
/// assert_eq!(assembler.push(&mut received)?, Progress::End);
/// assert_eq!(&*received, b"HTTP/1.1 200");
///
/// let body = assembler.take_body();
/// assert_eq!(body.bytes(), b"hello world");
/// assert_eq!(body.trailers().find("etag"), Some(&b"\"a\""[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BodyAssembler {
    data: Data,
    limits: BodyLimits,
    decoder: Decoder,
    framing: Framing,
    /// Octets taken since the start of the body; not kept up to date while the decoder counts.
    offset: u64,
    state: State,
    /// How the body is encoded, for the decoders in `content`.
    codings: ContentCodings,
    content: Content,
    /// Bytes of the body so far, those included that were taken out.
    len: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    End,
    Failed(BodyError),
}

impl BodyAssembler {
    /// Creates an assembler that links, has the default limits and decompresses nothing. It takes
    /// a segment from `pool` when it has to copy.
    #[must_use]
    pub fn new(pool: &Pool, framing: Framing) -> Self {
        let limits = BodyLimits::new();
        Self {
            data: Data::new(pool, Assembly::default(), limits.held_bytes_max()),
            limits,
            decoder: Decoder::new(),
            framing,
            offset: 0,
            state: State::Open,
            codings: ContentCodings::default(),
            content: Content::default(),
            len: 0,
        }
    }

    /// Chooses how the body is kept. For a new assembler: data that came in already is dropped.
    #[must_use]
    pub fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.data = Data::new(self.data.pool(), assembly, self.limits.held_bytes_max());
        self
    }

    /// Sets the limits. For a new assembler.
    #[must_use]
    pub fn with_limits(mut self, limits: BodyLimits) -> Self {
        self.limits = limits;
        self.data.set_held_bytes_max(limits.held_bytes_max());
        self.decoder = Decoder::with_limits(limits.chunked);
        self.start_content();
        self
    }

    /// Decompresses the data as it comes. For a new assembler.
    #[must_use]
    pub fn with_content_coding(mut self, codings: impl Into<ContentCodings>) -> Self {
        self.codings = codings.into();
        self.start_content();
        self
    }

    /// Sets who keeps the states of decoders between bodies, 12 KiB and more each: one owner for many connections. By default each
    /// body allocates them and frees them at its end.
    #[must_use]
    pub fn with_contexts(mut self, contexts: &Contexts) -> Self {
        self.content.set_contexts(contexts);
        self.start_content();
        self
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> BodyLimits {
        self.limits
    }

    /// Makes [`push`](Self::push) stop once it has decoded so much, or a little more: it returns [`Progress::NeedMore`] then, with data to
    /// [take](Self::take_data), and what is left waits for the next call, which may be one without input. So what a
    /// few bytes become is never in memory as a whole.
    pub(crate) const fn set_pause_bytes(&mut self, bytes: u64) {
        self.content.set_pause_bytes(bytes);
    }

    /// Starts another body, forgetting this one and any error. Keeps assembly, limits and memory.
    pub fn reset(&mut self, framing: Framing, codings: impl Into<ContentCodings>) {
        self.data.clear();
        self.len = 0;
        self.decoder.reset();
        self.framing = framing;
        self.offset = 0;
        self.state = State::Open;
        self.codings = codings.into();
        self.start_content();
    }

    /// Makes the decoders of the codings, within the limits.
    fn start_content(&mut self) {
        self.content.reset(self.codings, self.data.pool(), &self.limits);
    }

    /// Takes what belongs to the body from the front of `received`.
    ///
    /// Leaves in it what belongs to the next message after [`Progress::End`], nothing after
    /// [`Progress::NeedMore`], and everything from the refused octet on after an error.
    ///
    /// # Errors
    ///
    /// A [`BodyError`] for the first octet that cannot be accepted; the same one until the
    /// assembler is [reset](Self::reset). When it is [memory that is
    /// missing](BodyErrorKind::out_of_memory), the same call goes on when there is some.
    pub fn push(&mut self, received: &mut Segment) -> Result<Progress, BodyError> {
        match self.state {
            State::Failed(error) => return Err(error),
            State::End => return Ok(Progress::End),
            State::Open => {}
        }
        if self.resume()? {
            return Ok(Progress::NeedMore);
        }
        self.data.receive(received);
        let result = match self.framing {
            Framing::Chunked => self.push_chunked(received),
            Framing::Length(length) => self.push_plain(received, length),
            Framing::UntilClose => self.push_plain(received, u64::MAX),
        };
        match result {
            Ok(Progress::End) => self.end()?,
            Ok(Progress::NeedMore) => {}
            Err(error) => return Err(self.fail(error)),
        }
        result
    }

    /// Gives a segment that the next copy, or what is decoded next, goes into, before one is taken from the pool. For those who
    /// wait for memory, with [`take_async`](Pool::take_async): after an error that is [out of
    /// memory](BodyErrorKind::out_of_memory), of as many bytes as it asked for.
    pub fn supply(&mut self, memory: SegmentMut) {
        if self.content.is_active() {
            self.content.supply(memory, &mut self.data);
        } else {
            self.data.supply(memory);
        }
    }

    /// Says that no more input comes. Ends a body that goes until the connection closes.
    ///
    /// # Errors
    ///
    /// [`Truncated`](BodyErrorKind::Truncated) when the body is not complete, and the earlier
    /// error when there was one.
    pub fn finish(&mut self) -> Result<(), BodyError> {
        match (self.state, self.framing) {
            (State::Failed(error), _) => Err(error),
            (State::End, _) | (State::Open, Framing::Length(0)) => Ok(()),
            (State::Open, Framing::UntilClose) => {
                while self.resume()? {}
                self.end()
            }
            (State::Open, _) => {
                Err(self.fail(BodyError::new(BodyErrorKind::Truncated, self.offset())))
            }
        }
    }

    /// Takes out what was received so far: the whole body after [`Progress::End`], and after an
    /// error what came before it.
    #[must_use]
    pub fn take_body(&mut self) -> Body {
        let trailers = match self.state {
            State::End => self.decoder.take_trailers(),
            _ => Trailers::new(),
        };
        self.content.release();
        Body::new(self.data.take(), trailers)
    }

    /// Takes out the data that was received since it was taken last, where it lies; the body goes
    /// on. With [`Assembly::Contiguous`] it is one chunk.
    ///
    /// This is how a body is streamed: nothing of it stays here, so memory does not grow with it.
    #[must_use]
    pub fn take_data(&mut self) -> Sequence {
        self.data.take().into_sequence()
    }

    /// Puts data back that was [taken](Self::take_data), when none was received since.
    pub(crate) fn put_back(&mut self, data: Sequence) {
        self.data.put_back(data);
    }

    /// Returns the bytes of the body so far, decompressed, those [taken](Self::take_data) included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns the memory that the data here keeps from reuse, in bytes: segments with their whole
    /// size. See [`BodyLimits::held_bytes_max`].
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.data.held_bytes()
    }

    /// Returns whether the body is complete.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Returns the trailer fields; all of them once the body is complete.
    #[must_use]
    pub const fn trailers(&self) -> &Trailers {
        self.decoder.trailers()
    }

    /// Returns whether no byte of the body came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the octets taken since the start of the body, as they came over the wire.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        match (self.state, self.framing) {
            (State::Failed(error), _) => error.offset(),
            (_, Framing::Chunked) => self.decoder.offset(),
            (_, Framing::Length(_) | Framing::UntilClose) => self.offset,
        }
    }

    /// Takes a segment of a chunked body.
    fn push_chunked(&mut self, received: &mut Segment) -> Result<Progress, BodyError> {
        let is_plain = !self.content.is_active();
        let mut is_first = true;
        loop {
            let run = self.decoder.next_run(received)?;
            received.advance(run.skip);
            let mut len = run.data;
            if len > 0 && is_plain && !is_first {
                len = self.keep_runs(received, len)?;
            }
            if len > 0 {
                let next_len = if self.data.depends_on_next(len) {
                    self.decoder.next_len(&received[len..])
                } else {
                    0
                };
                let before = received.len();
                let kept = self.keep(received, len, next_len);
                self.decoder.take_data(before - received.len());
                kept.map_err(|kind| BodyError::new(kind, self.decoder.offset()))?;
                if self.content.is_pending() {
                    return Ok(Progress::NeedMore);
                }
                is_first = false;
            } else if self.decoder.is_ended() {
                return Ok(Progress::End);
            } else if received.is_empty() {
                return Ok(Progress::NeedMore);
            }
        }
    }

    /// Keeps runs of data, the first of `len` bytes at the front of a received segment, as the run before
    /// them was kept. Returns the length of the first run that is to be kept in another way, 0 for none.
    fn keep_runs(&mut self, received: &mut Segment, len: usize) -> Result<usize, BodyError> {
        let (before, left) = (self.data.len(), self.limits.body_bytes_max - self.len);
        let next = self.data.keep_runs(received, len, &mut self.decoder, left);
        self.len += self.data.len() - before;
        Ok(next?)
    }

    /// Takes a segment of a body without framing of its own, up to `length` octets in all.
    fn push_plain(&mut self, received: &mut Segment, length: u64) -> Result<Progress, BodyError> {
        let left = length - self.offset;
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(received.len());
        let before = received.len();
        let kept = self.keep(received, count, 0);
        self.offset += (before - received.len()) as u64;
        kept.map_err(|kind| BodyError::new(kind, self.offset))?;
        let is_end = count as u64 == left && !self.content.is_pending();
        Ok(if is_end { Progress::End } else { Progress::NeedMore })
    }

    /// Keeps the first `len` bytes of a received segment. Takes what is acceptable off. After them comes a run
    /// of `next_len` bytes, or 0 where that is not known.
    #[inline]
    fn keep(
        &mut self,
        received: &mut Segment,
        len: usize,
        next_len: usize,
    ) -> Result<(), BodyErrorKind> {
        if self.content.is_active() {
            return self.decode(received, len);
        }
        let left = self.limits.body_bytes_max - self.len;
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(len);
        let before = received.len();
        let kept = self.data.keep(received, count, next_len);
        self.len += (before - received.len()) as u64;
        kept?;
        if count < len { Err(BodyErrorKind::TooLong) } else { Ok(()) }
    }

    /// Decodes the first `len` bytes of a received segment and keeps what comes out.
    #[inline(never)]
    fn decode(&mut self, received: &mut Segment, len: usize) -> Result<(), BodyErrorKind> {
        let before = self.data.len();
        let (count, result) = self.content.keep(&mut self.data, &received[..len]);
        received.advance(count);
        self.len += self.data.len() - before;
        result
    }

    /// Decodes what was taken when there was no memory, or enough decoded data; returns whether there is enough of it again.
    #[inline]
    fn resume(&mut self) -> Result<bool, BodyError> {
        if !self.content.is_pending() {
            return Ok(false);
        }
        let resumed = self.decode(&mut Segment::new(), 0);
        resumed.map_err(|kind| self.fail(BodyError::new(kind, self.offset())))?;
        Ok(self.content.is_pending())
    }

    fn end(&mut self) -> Result<(), BodyError> {
        match self.content.finish() {
            Ok(()) => self.state = State::End,
            Err(kind) => return Err(self.fail(BodyError::new(kind, self.offset()))),
        }
        Ok(())
    }

    /// Keeps an error, unless the same call may go on.
    fn fail(&mut self, error: BodyError) -> BodyError {
        if error.kind().out_of_memory().is_none() {
            self.state = State::Failed(error);
        }
        error
    }
}
