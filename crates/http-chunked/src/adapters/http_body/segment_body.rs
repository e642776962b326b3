//! A body in memory, of segments.

use core::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use ::http_body::{Frame, SizeHint};
use seg_pool::Segment;
use seg_seq::Sequence;

use super::bytes_body::first_chunk;
use crate::{body::Body, trailers::Trailers};

/// A body that lies in memory as an `http_body::Body`, for hyper and what is built on it: a frame
/// for every chunk, without a copy, and then the trailers.
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
        if let Some(chunk) = first_chunk(&mut self.data) {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        if self.trailers.is_empty() {
            return Poll::Ready(None);
        }
        let trailers = core::mem::take(&mut self.trailers);
        Poll::Ready(Some(Ok(Frame::trailers((&trailers).into()))))
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
