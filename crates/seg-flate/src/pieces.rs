//! A sequence in pieces that are worth a call of the engine.

use core::iter::Peekable;

use bytes::Buf;
use seg_pool::{Pool, Segment, SegmentMut, SegmentSize};
use seg_seq::Sequence;

/// Pushes the first chunk of a sequence, and consumes what is taken of it.
pub(crate) fn push_chunk<R>(input: &mut Sequence, push: impl FnOnce(&mut &[u8]) -> R) -> R {
    let mut rest = input.chunk();
    let len = rest.len();
    let result = push(&mut rest);
    let taken = len - rest.len();
    input.advance(taken);
    result
}

/// Chunks of a sequence, short ones copied together.
pub(crate) struct Pieces<I: Iterator> {
    chunks: Peekable<I>,
    /// Where they are copied to.
    gathered: Option<SegmentMut>,
}

impl<'a> Pieces<seg_seq::Chunks<'a>> {
    pub(crate) fn new(sequence: &'a Sequence) -> Self {
        Self { chunks: sequence.chunks().peekable(), gathered: None }
    }
}

impl<'a, I: Iterator<Item = &'a Segment>> Pieces<I> {
    /// Returns the next piece; chunks of `whole_bytes_min` and more are pieces of their own. Takes a segment when it is to copy;
    /// without one, chunks are pieces as they are.
    pub(crate) fn next<'b>(&'b mut self, whole_bytes_min: usize, pool: &Pool) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let first = self.chunks.next()?;
        let fits = |before: usize, next: &Segment| {
            next.len() < whole_bytes_min && before + next.len() <= SegmentSize::K64.bytes()
        };
        let is_followed = self.chunks.peek().is_some_and(|next| fits(first.len(), next));
        if first.len() >= whole_bytes_min || !is_followed {
            return Some(first);
        }
        if self.gathered.is_none() {
            self.gathered = pool.try_take_size(SegmentSize::K64).ok();
        }
        let Some(gathered) = &mut self.gathered else { return Some(first) };
        gathered.clear();
        gathered.extend_from_slice(first);
        while let Some(next) = self.chunks.next_if(|next| fits(gathered.len(), next)) {
            gathered.extend_from_slice(next);
        }
        Some(gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const K: usize = 1 << 10;

    fn lengths(chunks: &[usize], whole_bytes_min: usize, pool: &Pool) -> Vec<usize> {
        // Segments of their own, so that neighbours do not join.
        let source = Pool::new();
        let mut sequence = Sequence::new();
        for (at, &len) in (0_u8..).zip(chunks) {
            let mut segment = source.take(len);
            segment.extend_from_slice(&vec![at; len]);
            sequence.push(segment.freeze());
        }
        let mut pieces = Pieces::new(&sequence);
        let (mut lengths, mut bytes) = (Vec::new(), Vec::new());
        while let Some(piece) = pieces.next(whole_bytes_min, pool) {
            lengths.push(piece.len());
            bytes.extend_from_slice(piece);
        }
        assert!(sequence == bytes);
        lengths
    }

    #[test]
    fn short_chunks_are_gathered_and_long_ones_left_alone() {
        let pool = Pool::new();
        assert_eq!(lengths(&[], 32 * K, &pool), []);
        assert_eq!(lengths(&[5], 32 * K, &pool), [5]);
        assert_eq!(lengths(&[5, 6, 7], 32 * K, &pool), [18]);
        assert_eq!(lengths(&[5, 6, 7], 0, &pool), [5, 6, 7]);
        assert_eq!(lengths(&[16 * K; 9], 32 * K, &pool), [64 * K, 64 * K, 16 * K]);
        assert_eq!(
            lengths(&[1, 32 * K, 2, 3, 64 * K, 4], 32 * K, &pool),
            [1, 32 * K, 5, 64 * K, 4]
        );
        assert_eq!(lengths(&[32 * K - 1, 32 * K - 1, 2, 1], 32 * K, &pool), [64 * K, 1]);
    }

    #[test]
    fn without_a_segment_chunks_are_pieces_as_they_are() {
        let pool = Pool::builder().bytes_max(64 << 10).build();
        let all = pool.take(64 << 10);
        assert_eq!(lengths(&[5, 6, 7], 32 * K, &pool), [5, 6, 7]);
        drop(all);
        assert_eq!(lengths(&[5, 6, 7], 32 * K, &pool), [18]);
    }
}
