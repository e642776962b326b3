//! Received segments in, a body out.

use core::ops::Range;

use bytes::Buf;
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use crate::{
    assembly::Assembly,
    body::Body,
    body_error::{BodyError, BodyErrorKind},
    body_limits::BodyLimits,
    content::Content,
    content_coding::ContentCodings,
    decoder::{Decoder, Step},
    framing::Framing,
    gather::Gather,
    trailers::Trailers,
};

/// What one [`BodyAssembler::push`] came to.
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
/// use seg_pool::{Pool, Segment};
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
    gather: Gather,
    limits: BodyLimits,
    decoder: Decoder,
    framing: Framing,
    /// Octets taken since the start of the body; not kept up to date while the decoder counts.
    offset: u64,
    state: State,
    content: Content,
    /// Bytes of data that were taken out already.
    taken: u64,
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
        let mut gather = Gather::new(pool, Assembly::default());
        gather.set_held_bytes_max(limits.held_bytes());
        Self {
            gather,
            limits,
            decoder: Decoder::new(),
            framing,
            offset: 0,
            state: State::Open,
            content: Content::default(),
            taken: 0,
        }
    }

    /// Chooses how the body is kept. For a new assembler: data that came in already is dropped.
    #[must_use]
    pub fn assembly(mut self, assembly: Assembly) -> Self {
        self.gather = Gather::new(self.gather.pool(), assembly);
        self.gather.set_held_bytes_max(self.limits.held_bytes());
        self
    }

    /// Sets the limits. For a new assembler.
    #[must_use]
    pub fn limits(mut self, limits: BodyLimits) -> Self {
        self.limits = limits;
        self.gather.set_held_bytes_max(limits.held_bytes());
        self.decoder = Decoder::with_limits(limits.chunked);
        self
    }

    /// Decompresses the data as it comes. For a new assembler, after its limits are set.
    #[must_use]
    pub fn content_coding(mut self, codings: impl Into<ContentCodings>) -> Self {
        self.content.reset(codings.into(), &self.gather, &self.limits);
        self
    }

    /// Starts another body, forgetting this one and any error. Keeps assembly, limits and memory.
    pub fn reset(&mut self, framing: Framing, codings: impl Into<ContentCodings>) {
        drop(self.gather.take());
        self.taken = 0;
        self.decoder.reset();
        self.framing = framing;
        self.offset = 0;
        self.state = State::Open;
        self.content.reset(codings.into(), &self.gather, &self.limits);
    }

    /// Takes what belongs to the body from the front of `received`.
    ///
    /// Leaves in it what belongs to the next message after [`Progress::End`], nothing after
    /// [`Progress::NeedMore`], and everything from the refused octet on after an error.
    ///
    /// # Errors
    ///
    /// A [`BodyError`] for the first octet that cannot be accepted; the same one until the
    /// assembler is [reset](Self::reset).
    pub fn push(&mut self, received: &mut Segment) -> Result<Progress, BodyError> {
        match self.state {
            State::Failed(error) => return Err(error),
            State::End => return Ok(Progress::End),
            State::Open => {}
        }
        self.gather.receive(received);
        let (count, result) = match self.framing {
            Framing::Chunked => self.push_chunked(received),
            Framing::Length(length) => self.push_plain(received, length),
            Framing::UntilClose => self.push_plain(received, u64::MAX),
        };
        if count == received.len() {
            *received = Segment::new();
        } else {
            received.advance(count);
        }
        match result {
            Ok(Progress::End) => self.end()?,
            Ok(Progress::NeedMore) => {}
            Err(error) => return Err(self.fail(error)),
        }
        result
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
            (State::Open, Framing::UntilClose) => self.end(),
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
        Body::new(self.gather.take(), trailers)
    }

    /// Takes out the data that was received since it was taken last, where it lies; the body goes
    /// on. With [`Assembly::Contiguous`] it is one chunk.
    ///
    /// This is how a body is streamed: nothing of it stays here, so memory does not grow with it.
    #[must_use]
    pub fn take_data(&mut self) -> Sequence {
        self.taken += self.gather.len();
        self.gather.take().into_sequence()
    }

    /// Returns the bytes of the body so far, decompressed, those [taken](Self::take_data) included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.taken + self.gather.len()
    }

    /// Returns the memory that the data here keeps from reuse, in bytes: segments with their whole
    /// size. See [`BodyLimits::held_bytes_max`].
    #[must_use]
    pub const fn held_bytes(&self) -> u64 {
        self.gather.held_bytes()
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
            // The decoder took the run that was refused in the middle.
            (State::Failed(error), _) => error.offset(),
            (_, Framing::Chunked) => self.decoder.offset(),
            (_, Framing::Length(_) | Framing::UntilClose) => self.offset,
        }
    }

    /// Feeds the decoder with one segment; returns the octets taken and what came of it.
    fn push_chunked(&mut self, received: &mut Segment) -> (usize, Result<Progress, BodyError>) {
        let (taken, result) = self.read_chunks(received);
        if taken == received.len() {
            self.gather.link_all(core::mem::take(received));
            return (0, result);
        }
        self.gather.link_runs(received);
        (taken, result)
    }

    /// As [`push_chunked`](Self::push_chunked), but leaves the last runs to be linked.
    fn read_chunks(&mut self, received: &Segment) -> (usize, Result<Progress, BodyError>) {
        let is_plain = !self.content.is_active();
        let mut taken = 0;
        loop {
            let mut rest = &received[taken..];
            if is_plain {
                let left = self.left();
                self.gather.keep_chunks(received, &mut self.decoder, &mut rest, left);
                // Most segments end inside a chunk. The end of the body is not found here.
                if rest.is_empty() && taken < received.len() {
                    return (received.len(), Ok(Progress::NeedMore));
                }
            }
            let step = self.decoder.step(&mut rest);
            taken = received.len() - rest.len();
            match step {
                Ok(Step::Data(data)) => {
                    let offset = self.decoder.offset() - data.len() as u64;
                    let run = taken - data.len()..taken;
                    if let (kept, Some(kind)) = self.keep(received, run.clone()) {
                        let error = BodyError::new(kind, offset + kept as u64);
                        return (run.start + kept, Err(error));
                    }
                }
                Ok(Step::Extensions) => {}
                Ok(Step::End) => return (taken, Ok(Progress::End)),
                Ok(Step::NeedMore) => return (taken, Ok(Progress::NeedMore)),
                Err(error) => return (taken, Err(error.into())),
            }
        }
    }

    /// Takes a segment of a body without framing of its own, up to `length` octets in all.
    fn push_plain(
        &mut self,
        received: &mut Segment,
        length: u64,
    ) -> (usize, Result<Progress, BodyError>) {
        let left = usize::try_from(length - self.offset).unwrap_or(usize::MAX);
        let is_whole = received.len() < left && received.len() <= self.left();
        let len = received.len() as u64;
        if is_whole && !self.content.is_active() && self.gather.link_whole(received) {
            self.offset += len;
            return (0, Ok(Progress::NeedMore));
        }
        let (taken, refused) = self.keep(received, 0..received.len().min(left));
        self.offset += taken as u64;
        if taken == received.len() {
            self.gather.link_all(core::mem::take(received));
        } else {
            self.gather.link_runs(received);
        }
        let result = match refused {
            Some(kind) => Err(BodyError::new(kind, self.offset)),
            None if taken == left => Ok(Progress::End),
            None => Ok(Progress::NeedMore),
        };
        (if received.is_empty() { 0 } else { taken }, result)
    }

    /// The bytes that the body may still have.
    fn left(&self) -> usize {
        usize::try_from(self.limits.body_bytes_max - self.len()).unwrap_or(usize::MAX)
    }

    /// Keeps a run of data. Returns how much of it was acceptable and why not more.
    fn keep(&mut self, received: &Segment, run: Range<usize>) -> (usize, Option<BodyErrorKind>) {
        if let Some(outcome) = self.content.keep_run(&mut self.gather, received, &run) {
            return outcome;
        }
        let before = self.gather.len();
        let count = run.len().min(self.left());
        let refused = match self.gather.keep_run(received, run.start..run.start + count) {
            Err(kind) => Some(kind),
            Ok(()) if count < run.len() => Some(BodyErrorKind::TooLong),
            Ok(()) => None,
        };
        // What runs out in the middle of a copy leaves the part that was copied.
        (usize::try_from(self.gather.len() - before).unwrap_or(usize::MAX), refused)
    }

    fn end(&mut self) -> Result<(), BodyError> {
        match self.content.finish() {
            Ok(()) => self.state = State::End,
            Err(kind) => return Err(self.fail(BodyError::new(kind, self.offset()))),
        }
        Ok(())
    }

    fn fail(&mut self, error: BodyError) -> BodyError {
        self.state = State::Failed(error);
        error
    }
}
