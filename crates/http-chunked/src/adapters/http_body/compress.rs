//! A body that is compressed as it goes.

use core::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use ::http_body::{Body, Frame, SizeHint};
use bytes::{Buf, Bytes};
use http::HeaderMap;
use seg_flate::{Contexts, DeflateError, Encode, Flush, Level};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

use super::bytes_body::first_chunk;
use crate::content_coding::{ContentCoding, ContentEncoder};

/// Input that is encoded at once, so that what it becomes is handed on before there is more.
const PIECE_BYTES: usize = 64 << 10;

/// Encodes another `http_body::Body` as it goes. Trailers are handed on.
///
/// When the body inside has nothing for now, the encoder is flushed: nothing that was sent waits for what comes
/// next, and no segment is held meanwhile. An error of out of memory is the end of the body, as errors of an
/// `http_body::Body` are.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "zlib-rs")] {
/// use http_body_util::{BodyExt, Full};
/// use http_chunked::{BodyLimits, Compress, ContentCoding, Decompress};
/// use seg_flate::{Contexts, Level};
/// use seg_pool::Pool;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let (pool, coding) = (Pool::new(), ContentCoding::Gzip);
/// let body = Full::new(&b"hello"[..]);
/// let coded = Compress::new(body, coding, Level::DEFAULT, &Contexts::default(), &pool);
/// let plain = Decompress::new(coded, coding, BodyLimits::new(), &Contexts::default(), &pool);
/// assert_eq!(plain.collect().await?.to_bytes(), "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Compress<B> {
    body: B,
    /// `None` when the body is handed on as it is, and once it has ended.
    encoder: Option<ContentEncoder>,
    is_identity: bool,
    /// Came from the body inside, and is not encoded.
    received: Bytes,
    output: SegmentedBuf,
    /// Encoded, and not handed on.
    data: Sequence,
    /// Whether the encoder was given bytes since it was flushed.
    is_dirty: bool,
    trailers: Option<HeaderMap>,
    /// Whether the body inside has ended, or failed.
    is_closed: bool,
}

impl<B> Compress<B> {
    /// Creates a body that encodes another one, or hands it on as it is when `coding` is
    /// [`Identity`](ContentCoding::Identity) or cannot be encoded with the features that are compiled in.
    /// Encoded data lies in segments of `pool`; `contexts` keep the encoder's state once the body ended.
    pub fn new(
        body: B,
        coding: ContentCoding,
        level: Level,
        contexts: &Contexts,
        pool: &Pool,
    ) -> Self {
        let encoder = coding.encoder(level, contexts);
        Self {
            body,
            is_identity: encoder.is_none(),
            encoder,
            received: Bytes::new(),
            output: SegmentedBuf::new(pool),
            data: Sequence::new(),
            is_dirty: false,
            trailers: None,
            is_closed: false,
        }
    }

    /// Encodes a piece of what came, or nothing, and flushes.
    fn encode(&mut self, flush: Flush) -> Result<(), DeflateError> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let piece = self.received.split_to(self.received.len().min(PIECE_BYTES));
        let result = encoder.push(&mut &piece[..], flush, &mut self.output);
        self.is_dirty = flush == Flush::None;
        self.data = self.output.split();
        if flush != Flush::None {
            self.output.clear();
        }
        result
    }

    /// Encodes, and ends the body when that fails.
    fn encode_or_close<E>(&mut self, flush: Flush) -> Result<(), CompressError<E>> {
        let result = self.encode(flush);
        if result.is_err() || flush == Flush::Finish {
            self.encoder = None;
        }
        result.map_err(|error| {
            (self.received, self.trailers, self.is_closed) = (Bytes::new(), None, true);
            CompressError::Encode(error)
        })
    }
}

impl<B: Body + Unpin> Body for Compress<B> {
    type Data = Bytes;
    type Error = CompressError<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        loop {
            if let Some(chunk) = first_chunk(&mut this.data) {
                return Poll::Ready(Some(Ok(Frame::data(chunk.into()))));
            }
            if !this.received.is_empty() {
                if this.is_identity {
                    let data = core::mem::take(&mut this.received);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                let is_last = this.is_closed && this.received.len() <= PIECE_BYTES;
                this.encode_or_close(if is_last { Flush::Finish } else { Flush::None })?;
                continue;
            }
            if this.is_closed {
                if this.encoder.is_some() {
                    this.encode_or_close(Flush::Finish)?;
                    continue;
                }
                let trailers = this.trailers.take();
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            let frame = match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(frame) => frame,
                // Its waker is kept, so the next poll finds it as it is now.
                Poll::Pending if this.is_dirty => {
                    this.encode_or_close(Flush::Sync)?;
                    continue;
                }
                Poll::Pending => return Poll::Pending,
            };
            match frame {
                None => this.is_closed = true,
                Some(Err(error)) => {
                    (this.encoder, this.is_closed) = (None, true);
                    return Poll::Ready(Some(Err(CompressError::Body(error))));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(mut data) => {
                        this.received = data.copy_to_bytes(data.remaining());
                        // Then the end of the encoding goes out with its last bytes.
                        this.is_closed = this.body.is_end_stream();
                    }
                    Err(frame) => {
                        this.trailers = frame.into_trailers().ok();
                        this.is_closed = this.trailers.is_some();
                    }
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_handed_on = self.received.is_empty() && self.data.is_empty();
        let is_ended = self.is_closed || (self.is_identity && self.body.is_end_stream());
        is_handed_on && is_ended && self.encoder.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let is_as_inside = self.is_identity && self.received.is_empty();
        if is_as_inside { self.body.size_hint() } else { SizeHint::new() }
    }
}

impl<B: fmt::Debug> fmt::Debug for Compress<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compress")
            .field("body", &self.body)
            .field("is_identity", &self.is_identity)
            .field("is_closed", &self.is_closed)
            .finish_non_exhaustive()
    }
}

/// Why a body could not be encoded. More variants may come.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompressError<E> {
    /// The body inside failed.
    Body(E),
    /// There was no memory.
    Encode(DeflateError),
}

impl<E> fmt::Display for CompressError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body(_) => "the body failed",
            Self::Encode(_) => "the body cannot be encoded",
        })
    }
}

impl<E: Error + 'static> Error for CompressError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Encode(error) => Some(error),
        }
    }
}
