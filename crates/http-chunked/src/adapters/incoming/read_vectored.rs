//! Reads into several segments at once.

use std::io::{self, ErrorKind, IoSliceMut};

use seg_pool::SegmentMut;

use super::{Incoming, Receive, read_size::SEGMENTS_MAX};

/// Reads from a socket into several buffers.
pub(super) type ReadVectored<S> = fn(&S, &mut [IoSliceMut<'_>]) -> io::Result<usize>;

impl<S, R: Receive> Incoming<S, R> {
    /// Reads into several segments, the first of them `spare`, which is the last one that something came into after that. Returns
    /// how much is left of all of them; `None` when one is enough for what comes, or when the socket says that it has nothing for now.
    pub(super) fn read_vectored(&mut self, spare: &mut SegmentMut) -> Option<io::Result<usize>> {
        let read = self.read_vectored.filter(|_| self.read_size.segments() > 1)?;
        self.ahead.try_reserve(SEGMENTS_MAX, &self.pool).ok()?;
        let mut more = [const { None }; SEGMENTS_MAX - 1];
        for slot in &mut more[..self.read_size.segments() - 1] {
            *slot = self.read_size.take(&self.pool).ok();
        }
        let mut segments = core::iter::once(&mut *spare).chain(more.iter_mut().flatten());
        let mut slices: [_; SEGMENTS_MAX] = core::array::from_fn(|_| {
            let segment = segments.next();
            IoSliceMut::new(segment.map_or(&mut [], SegmentMut::spare_initialized_mut))
        });
        let mut rest = match read(&self.socket, &mut slices) {
            Ok(count) => count,
            Err(error) => {
                self.ahead.clear();
                let is_nothing =
                    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
                return (!is_nothing).then_some(Err(error));
            }
        };
        rest -= fill(spare, rest);
        let mut left = spare.spare_len();
        for mut segment in more.into_iter().flatten() {
            if rest > 0 {
                rest -= fill(&mut segment, rest);
                self.ahead.push(core::mem::replace(spare, segment).freeze());
                left = spare.spare_len();
            } else {
                left += segment.spare_len();
            }
        }
        assert!(rest == 0, "more bytes were read than the segments hold");
        Some(Ok(left))
    }
}

/// Counts what was read into a segment, and returns how much that is.
fn fill(segment: &mut SegmentMut, read: usize) -> usize {
    let count = read.min(segment.spare_len());
    segment.advance_initialized(count);
    count
}
