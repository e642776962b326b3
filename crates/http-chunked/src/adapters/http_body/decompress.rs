//! A body that is decompressed as it comes.

use core::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use ::http_body::{Body, Frame, SizeHint};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use seg_flate::Contexts;
use seg_pool::{Pool, Segment};
use seg_seq::Sequence;

use super::bytes_body::first_chunk;
use crate::{
    body::{BodyAssembler, BodyError, BodyLimits},
    content_coding::ContentCodings,
    framing::Framing,
};

/// Data that is decoded at once, and handed on before there is more.
const PIECE_BYTES: u64 = 64 << 10;

/// Decodes another `http_body::Body` as it comes, under limits that are checked before memory is
/// taken. Trailers are handed on.
///
/// Decodes 64 KiB at a time, or a little more, and nothing while decoded data waits: so a body
/// that becomes very long is never in memory as a whole, in whatever pieces it came. An error of out of memory is the end of the
/// body, as errors of an `http_body::Body` are.
///
/// # Examples
///
/// ```
/// use http_body_util::{BodyExt, Full};
/// use http_chunked::{BodyLimits, ContentCoding, Contexts, Decompress};
/// use seg_pool::Pool;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// // `hello`, stored in a zlib stream.
/// let coded = &b"\x78\x01\x01\x05\x00\xfa\xffhello\x06\x2c\x02\x15"[..];
/// let (coding, limits) = (ContentCoding::Deflate, BodyLimits::new().with_body_bytes_max(1 << 30));
/// let contexts = Contexts::new(1 << 20);
/// let body = Decompress::new(Full::new(coded), coding, limits, &contexts, &Pool::new());
/// assert_eq!(body.collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct Decompress<B> {
    body: B,
    assembler: BodyAssembler,
    is_identity: bool,
    /// Received, and not decoded.
    received: Segment,
    /// Decoded, and not handed on.
    data: Sequence,
    trailers: Option<HeaderMap>,
    /// Comes after the data before it.
    error: Option<BodyError>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The inner body has ended.
    Closed,
    /// The end or an error was handed on.
    End,
}

impl<B> Decompress<B> {
    /// Creates a body that decodes another one, which has these codings, as
    /// [`from_headers`](ContentCodings::from_headers) reads them. Decoded data lies in segments of
    /// `pool`; `contexts` keep the states of decoders once the body ended, so that the next one allocates none.
    pub fn new(
        body: B,
        codings: impl Into<ContentCodings>,
        limits: BodyLimits,
        contexts: &Contexts,
        pool: &Pool,
    ) -> Self {
        let codings = codings.into();
        let assembler = BodyAssembler::new(pool, Framing::UntilClose);
        let mut assembler =
            assembler.with_limits(limits).with_contexts(contexts).with_content_coding(codings);
        assembler.set_pause_bytes(PIECE_BYTES);
        Self {
            body,
            assembler,
            is_identity: codings.is_identity(),
            received: Segment::new(),
            data: Sequence::new(),
            trailers: None,
            error: None,
            state: State::Open,
        }
    }

    /// Decodes some of what was received; returns whether there is any data, or why there is no more.
    fn decode(&mut self) -> bool {
        self.error = self.assembler.push(&mut self.received).err();
        self.data = self.assembler.take_data();
        if self.received.is_empty() {
            // An empty part of a segment would keep it.
            self.received = Segment::new();
        }
        self.error.is_some() || !self.data.is_empty()
    }
}

impl<B: Body + Unpin> Body for Decompress<B> {
    type Data = Bytes;
    type Error = DecompressError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = first_chunk(&mut this.data) {
                return Poll::Ready(Some(Ok(Frame::data(chunk.into()))));
            }
            if let Some(error) = this.error.take() {
                (this.received, this.state) = (Segment::new(), State::End);
                return Poll::Ready(Some(Err(DecompressError::Refused(error))));
            }
            if this.state != State::End && this.decode() {
                continue;
            }
            match this.state {
                State::Open => {}
                State::Closed => {
                    this.state = State::End;
                    return Poll::Ready(match this.assembler.finish() {
                        Err(error) => Some(Err(DecompressError::Refused(error))),
                        Ok(()) => this.trailers.take().map(|map| Ok(Frame::trailers(map))),
                    });
                }
                State::End => return Poll::Ready(None),
            }
            let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => {
                    this.state = State::Closed;
                    continue;
                }
                Some(Err(error)) => {
                    this.state = State::End;
                    return Poll::Ready(Some(Err(DecompressError::Body(error))));
                }
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(mut data) => this.received = data.copy_to_bytes(data.remaining()).into(),
                Err(frame) => this.trailers = frame.into_trailers().ok(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.state == State::End && self.data.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_identity { self.body.size_hint() } else { SizeHint::new() }
    }
}

/// Why a body could not be decoded. More variants may come.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecompressError<E> {
    /// The body inside failed.
    Body(E),
    /// It was above a limit, or cannot be decoded.
    Refused(BodyError),
}

impl<E> fmt::Display for DecompressError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body(_) => "the body failed",
            Self::Refused(_) => "the body is above a limit or cannot be decoded",
        })
    }
}

impl<E: Error + 'static> Error for DecompressError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Refused(error) => Some(error),
        }
    }
}
