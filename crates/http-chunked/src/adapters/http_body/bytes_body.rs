//! A body of `Bytes`, which is what most users of `http_body` ask for.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use ::http_body::{Body, Frame, SizeHint};
use bytes::Bytes;
use seg_pool::Segment;
use seg_seq::Sequence;

/// A body with `Data = Bytes` over one of segments: a [`SegmentBody`](crate::SegmentBody) or an
/// [`Incoming`](crate::Incoming). For axum, reqwest and tonic, which take no other data.
///
/// A frame for every chunk; copies nothing, and allocates the count of references that `Bytes` needs
/// for each of them.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::BodyExt;
/// use http_chunked::{BytesBody, SegmentBody};
/// use seg_pool::Segment;
/// use seg_seq::Sequence;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let body = SegmentBody::from(Sequence::from(Segment::from_static(b"hello")));
/// let mut body = BytesBody::new(body);
/// let frame = body.frame().await.expect("a frame")?;
/// assert_eq!(frame.into_data().expect("data"), Bytes::from("hello"));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct BytesBody<B> {
    body: B,
    /// Of the last frame, and not handed on.
    data: Sequence,
}

impl<B> BytesBody<B> {
    /// Creates a body of `Bytes` over another one.
    pub fn new(body: B) -> Self {
        Self { body, data: Sequence::new() }
    }
}

/// Takes the first chunk of a sequence; `None` when it has none. Needs no memory: one chunk needs no list.
pub(super) fn first_chunk(data: &mut Sequence) -> Option<Segment> {
    let len = data.chunks().next()?.len();
    data.split_to(len as u64).into_iter().next()
}

impl<B> Body for BytesBody<B>
where
    B: Body<Data: Into<Sequence>> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        loop {
            if let Some(chunk) = first_chunk(&mut self.data) {
                return Poll::Ready(Some(Ok(Frame::data(chunk.into()))));
            }
            let frame = match core::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            match frame.into_data() {
                Ok(data) => self.data = data.into(),
                // A frame that is neither is of a kind that is not known here.
                Err(frame) => {
                    let trailers = frame.into_trailers().ok().map(|map| Ok(Frame::trailers(map)));
                    return Poll::Ready(trailers);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, len) = (self.body.size_hint(), self.data.len());
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + len);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + len);
        }
        hint
    }
}
