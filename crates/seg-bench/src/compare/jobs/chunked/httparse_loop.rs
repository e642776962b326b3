//! The loop that one writes around `httparse::parse_chunk_size`.

use core::marker::PhantomData;

use bytes::{Buf, Bytes};
use httparse::{Status, parse_chunk_size};

use super::RECEIVE_BYTES;
use crate::compare::jobs::way::Way;

/// Where the data goes.
pub(super) trait Target: Default + 'static {
    fn keep(&mut self, data: Bytes);
    fn len(&self) -> u64;
}

/// Split off the received buffer and kept.
#[derive(Default)]
pub(super) struct Splitting(Vec<Bytes>);

impl Target for Splitting {
    fn keep(&mut self, data: Bytes) {
        self.0.push(data);
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|data| data.len() as u64).sum()
    }
}

/// Copied into a vector that grows.
#[derive(Default)]
pub(super) struct Copying(Vec<u8>);

impl Target for Copying {
    fn keep(&mut self, data: Bytes) {
        self.0.extend_from_slice(&data);
    }

    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

pub(super) struct HttparseLoop<T> {
    wire: &'static [u8],
    target: PhantomData<T>,
}

impl<T> HttparseLoop<T> {
    pub(super) const fn new(wire: &'static [u8]) -> Self {
        Self { wire, target: PhantomData }
    }
}

impl<T: Target> Way for HttparseLoop<T> {
    type Input = Vec<Bytes>;
    type Output = T;

    fn input(&mut self) -> Vec<Bytes> {
        self.wire.chunks(RECEIVE_BYTES).map(Bytes::copy_from_slice).collect()
    }

    fn run(&mut self, received: Vec<Bytes>) -> T {
        let mut state = State { left: 0, line_end: 0, carry: Vec::new(), target: T::default() };
        received.into_iter().for_each(|piece| state.feed(piece));
        state.target
    }

    fn output_len(target: &T) -> u64 {
        target.len()
    }
}

struct State<T> {
    /// Data of the chunk that is still to come.
    left: usize,
    /// Octets of the line end after it that are still to come.
    line_end: usize,
    /// The front of a size line that is cut.
    carry: Vec<u8>,
    target: T,
}

impl<T: Target> State<T> {
    fn feed(&mut self, mut piece: Bytes) {
        while !piece.is_empty() {
            if self.left > 0 {
                let count = self.left.min(piece.len());
                self.target.keep(piece.split_to(count));
                self.left -= count;
                continue;
            }
            if self.line_end > 0 {
                let count = self.line_end.min(piece.len());
                piece.advance(count);
                self.line_end -= count;
                continue;
            }
            if !self.carry.is_empty() {
                self.carry.push(piece.get_u8());
                if let Status::Complete((_, size)) = parse_chunk_size(&self.carry).expect("valid") {
                    self.carry.clear();
                    self.begin(size);
                }
                continue;
            }
            match parse_chunk_size(&piece).expect("a valid body") {
                Status::Complete((len, size)) => {
                    piece.advance(len);
                    self.begin(size);
                }
                Status::Partial => {
                    self.carry.extend_from_slice(&piece);
                    return;
                }
            }
        }
    }

    fn begin(&mut self, size: u64) {
        self.left = usize::try_from(size).expect("it fits in memory");
        self.line_end = 2;
    }
}
