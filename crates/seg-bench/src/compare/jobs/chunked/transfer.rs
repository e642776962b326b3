//! The `chunked_transfer` crate, which reads through `std::io::Read`.

use std::io::Read;

use super::RECEIVE_BYTES;
use crate::compare::jobs::way::Way;

pub(super) struct ChunkedTransfer(pub(super) &'static [u8]);

impl Way for ChunkedTransfer {
    type Input = Vec<Vec<u8>>;
    type Output = Vec<u8>;

    fn input(&mut self) -> Vec<Vec<u8>> {
        self.0.chunks(RECEIVE_BYTES).map(<[u8]>::to_vec).collect()
    }

    fn run(&mut self, received: Vec<Vec<u8>>) -> Vec<u8> {
        let pieces = Pieces { received: &received, index: 0, at: 0 };
        let mut body = Vec::new();
        chunked_transfer::Decoder::new(pieces).read_to_end(&mut body).expect("a valid body");
        body
    }

    fn output_len(body: &Vec<u8>) -> u64 {
        body.len() as u64
    }
}

/// Received buffers, read one after another.
struct Pieces<'a> {
    received: &'a [Vec<u8>],
    index: usize,
    at: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, target: &mut [u8]) -> std::io::Result<usize> {
        let Some(piece) = self.received.get(self.index) else { return Ok(0) };
        let count = target.len().min(piece.len() - self.at);
        target[..count].copy_from_slice(&piece[self.at..self.at + count]);
        self.at += count;
        if self.at == piece.len() {
            (self.index, self.at) = (self.index + 1, 0);
        }
        Ok(count)
    }
}
