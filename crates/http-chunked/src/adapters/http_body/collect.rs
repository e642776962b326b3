//! A body out of one that is still coming.

use core::{error::Error, fmt, future::poll_fn, pin::pin};

use ::http_body::Body as HttpBody;
use bytes::Buf as _;
use seg_pool::{Pool, Segment};

use crate::{
    body::{Body, BodyAssembler, BodyError, BodyLimits},
    content_coding::ContentCodings,
    framing::Framing,
    trailers::{TrailerError, Trailers},
};

/// Why a body could not be collected. More variants may come.
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectError<E> {
    /// The body that was collected failed.
    Body(E),
    /// It was above a limit, or cannot be decoded.
    Refused(BodyError),
    /// It has a trailer that must not come.
    Trailer(TrailerError),
}

impl<E> fmt::Display for CollectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body(_) => "the body failed",
            Self::Refused(_) => "the body is above a limit or cannot be decoded",
            Self::Trailer(_) => "the body has a trailer that must not come",
        })
    }
}

impl<E: Error + 'static> Error for CollectError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Refused(error) => Some(error),
            Self::Trailer(error) => Some(error),
        }
    }
}

impl Body {
    /// Collects another `http_body::Body`, that of hyper, axum or reqwest for example, and decodes it:
    /// `codings` are those of its `Content-Encoding`, as
    /// [`from_headers`](ContentCodings::from_headers) reads them. Long pieces are linked, short ones
    /// copied into segments of `pool`. Limits are checked before a piece is kept. Cancelling the future
    /// drops what was collected.
    ///
    /// # Errors
    ///
    /// The body's own error, or why it was refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use http_body_util::Full;
    /// use http_chunked::{Body, BodyLimits, ContentCoding};
    /// use seg_pool::Pool;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// // `hello`, stored in a zlib stream.
    /// let coded = &b"\x78\x01\x01\x05\x00\xfa\xffhello\x06\x2c\x02\x15"[..];
    /// let (coding, limits) = (ContentCoding::Deflate, BodyLimits::new().with_body_bytes_max(1 << 20));
    /// let body = Body::collect(Full::new(coded), coding, limits, &Pool::new()).await?;
    /// assert_eq!(body.text()?, "hello");
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn collect<B: HttpBody>(
        body: B,
        codings: impl Into<ContentCodings>,
        limits: BodyLimits,
        pool: &Pool,
    ) -> Result<Self, CollectError<B::Error>> {
        let mut body = pin!(body);
        let assembler = BodyAssembler::new(pool, Framing::UntilClose);
        let mut assembler = assembler.with_limits(limits).with_content_coding(codings);
        let mut trailers = Trailers::new();
        while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
            match frame.map_err(CollectError::Body)?.into_data() {
                Ok(mut data) => {
                    while data.has_remaining() {
                        let len = data.chunk().len();
                        let mut received = Segment::from(data.copy_to_bytes(len));
                        assembler.push(&mut received).map_err(CollectError::Refused)?;
                    }
                }
                Err(frame) => {
                    let map = frame.into_trailers().unwrap_or_default();
                    trailers = Trailers::try_from(&map).map_err(CollectError::Trailer)?;
                }
            }
        }
        assembler.finish().map_err(CollectError::Refused)?;
        Ok(assembler.take_body().with_trailers(trailers))
    }
}
