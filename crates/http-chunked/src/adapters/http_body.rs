//! `http_body::Body`.

use core::{
    convert::Infallible,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use ::http_body::{Frame, SizeHint};
use http::{HeaderMap, HeaderName, HeaderValue};
use seg_pool::Segment;
use seg_seq::{Flatten, Sequence};

use crate::{
    body::{Body, BodyErrorKind, BodyLimits},
    trailers::Trailers,
};

/// A body that lies in memory as an `http_body::Body`, for hyper and what is built on it: a frame
/// for every chunk, without a copy, and the trailers behind.
///
/// # Examples
///
/// ```
/// use http_body_util::BodyExt;
/// use http_chunked::SegmentBody;
/// use seg_pool::Segment;
/// use seg_seq::Sequence;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let body = SegmentBody::from(Sequence::from(Segment::from_static(b"hello")));
/// assert_eq!(body.collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SegmentBody {
    data: Sequence,
    trailers: Trailers,
}

impl SegmentBody {
    /// Creates a body with trailers. They are sent only where the body is, chunked.
    #[must_use]
    pub const fn new(data: Sequence, trailers: Trailers) -> Self {
        Self { data, trailers }
    }
}

impl From<Sequence> for SegmentBody {
    fn from(data: Sequence) -> Self {
        Self::new(data, Trailers::new())
    }
}

impl From<Body> for SegmentBody {
    /// Keeps the trailers, which were [checked](crate::is_forbidden_trailer) when they came.
    fn from(body: Body) -> Self {
        let trailers = body.trailers().clone();
        Self::new(body.into_sequence(), trailers)
    }
}

impl ::http_body::Body for SegmentBody {
    type Data = Segment;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Segment>, Infallible>>> {
        if let Some(len) = self.data.chunks().next().map(|chunk| chunk.len() as u64) {
            let chunk = self.data.split_to(len).chunks().next().cloned();
            return Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))));
        }
        if self.trailers.is_empty() {
            return Poll::Ready(None);
        }
        let trailers = header_map(&core::mem::take(&mut self.trailers));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.trailers.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        // An exact size would make a sender write a length instead of chunks, and drop the trailers.
        let mut hint = SizeHint::new();
        if self.trailers.is_empty() {
            hint.set_exact(self.data.len());
        } else {
            hint.set_lower(self.data.len());
        }
        hint
    }
}

/// Turns trailers into `http`'s map; what that one does not hold is left out.
pub(crate) fn header_map(trailers: &Trailers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in trailers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

/// Why a body could not be collected.
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectError<E> {
    /// The body that was collected failed.
    Body(E),
    /// It was above [`BodyLimits::body_bytes_max`], or had a trailer that must not come.
    Refused(BodyErrorKind),
}

impl<E: core::fmt::Display> core::fmt::Display for CollectError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::Refused(kind) => kind.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for CollectError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Body(error) => Some(error),
            Self::Refused(_) => None,
        }
    }
}

impl Body {
    /// Collects another `http_body::Body`, hyper's for example, by linking its pieces: none of them
    /// is copied. The size limit is checked before a piece is kept.
    ///
    /// # Errors
    ///
    /// The body's own error, or that it is too long.
    pub async fn collect<B>(body: B, limits: BodyLimits) -> Result<Self, CollectError<B::Error>>
    where
        B: ::http_body::Body<Data = bytes::Bytes>,
    {
        let mut body = pin!(body);
        let (mut data, mut trailers) = (Sequence::new(), Trailers::new());
        loop {
            let frame = core::future::poll_fn(|context| body.as_mut().poll_frame(context)).await;
            let Some(frame) = frame else { break };
            match frame.map_err(CollectError::Body)?.into_data() {
                Ok(piece) => {
                    if piece.len() as u64 > limits.body_bytes_max - data.len() {
                        return Err(CollectError::Refused(BodyErrorKind::TooLong));
                    }
                    data.push(Segment::from(piece));
                }
                Err(frame) => {
                    let fields = frame.into_trailers().unwrap_or_default();
                    for (name, value) in &fields {
                        let added = trailers.push(name.as_str(), value.as_bytes());
                        added.map_err(|_| {
                            let kind = crate::decoder::DecodeErrorKind::TrailerForbidden;
                            CollectError::Refused(BodyErrorKind::Chunked(kind))
                        })?;
                    }
                }
            }
        }
        Ok(Self::new(Flatten::new(data), trailers))
    }
}
