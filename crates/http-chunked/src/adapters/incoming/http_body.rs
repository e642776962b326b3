//! `http_body::Body`, of a message that is still coming.

use core::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use std::io;

use ::http_body::Frame;
use seg_seq::Sequence;
use tokio::io::AsyncRead;

use super::{Incoming, Receive, State};

impl<S: AsyncRead + Unpin, R: Receive + Unpin> ::http_body::Body for Incoming<S, R> {
    type Data = Sequence;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Sequence>>>> {
        if let Some(data) = ready!(self.poll_data(context))? {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        if self.state == State::End && !self.trailers().is_empty() {
            self.state = State::Closed;
            return Poll::Ready(Some(Ok(Frame::trailers(self.trailers().into()))));
        }
        Poll::Ready(None)
    }
}
