//! The libraries themselves, streamed and in one shot.

use std::io::Read;

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status, crc32::crc32};

use super::INPUT_BYTES;
use crate::compare::jobs::way::Way;

/// Framing that seg-flate and these streams have: a header without fields, CRC-32 and length.
const HEADER_BYTES: usize = 10;
const TRAILER_BYTES: usize = 8;

/// zlib-rs from 16 KiB pieces into 16 KiB buffers, which are kept; state new for each stream, as
/// its gzip mode cannot be reset.
pub(super) struct Streamed {
    pub(super) wire: &'static [u8],
}

impl Way for Streamed {
    type Input = ();
    type Output = Vec<Vec<u8>>;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Vec<Vec<u8>> {
        let mut inflate = Inflate::new(true, 16 + 15);
        let (mut buffers, mut buffer, mut filled) = (Vec::new(), vec![0; INPUT_BYTES], 0);
        for piece in self.wire.chunks(INPUT_BYTES) {
            let mut rest = piece;
            loop {
                let before = (inflate.total_in(), inflate.total_out());
                let status = inflate.decompress(rest, &mut buffer[filled..], InflateFlush::NoFlush);
                let status = status.expect("a valid stream");
                rest = &rest[moved(inflate.total_in() - before.0)..];
                filled += moved(inflate.total_out() - before.1);
                let is_full = filled == buffer.len();
                if is_full {
                    buffers.push(core::mem::replace(&mut buffer, vec![0; INPUT_BYTES]));
                    filled = 0;
                }
                if status == Status::StreamEnd || (rest.is_empty() && !is_full) {
                    break;
                }
            }
        }
        buffer.truncate(filled);
        buffers.push(buffer);
        buffers
    }

    fn output_len(buffers: &Vec<Vec<u8>>) -> u64 {
        buffers.iter().map(|buffer| buffer.len() as u64).sum()
    }
}

/// Converts a count of bytes that lay in one slice.
fn moved(count: u64) -> usize {
    usize::try_from(count).expect("it was in memory")
}

/// flate2, read to the end through std's trait.
pub(super) struct Flate2 {
    pub(super) wire: &'static [u8],
}

impl Way for Flate2 {
    type Input = ();
    type Output = Vec<u8>;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Vec<u8> {
        let mut body = Vec::new();
        let mut decoder = flate2::bufread::GzDecoder::new(self.wire);
        decoder.read_to_end(&mut body).expect("a valid stream");
        body
    }

    fn output_len(body: &Vec<u8>) -> u64 {
        body.len() as u64
    }
}

/// zlib-rs with a state used again, from one slice into one buffer of the right size.
pub(super) struct OneShot {
    wire: &'static [u8],
    inflate: Inflate,
    output: Vec<u8>,
}

impl OneShot {
    pub(super) fn new(wire: &'static [u8], len: usize) -> Self {
        Self { wire, inflate: Inflate::new(false, 15), output: vec![0; len] }
    }
}

impl Way for OneShot {
    type Input = ();
    type Output = u64;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> u64 {
        self.inflate.reset(false);
        let data = &self.wire[HEADER_BYTES..self.wire.len() - TRAILER_BYTES];
        let status = self.inflate.decompress(data, &mut self.output, InflateFlush::Finish);
        assert_eq!(status, Ok(Status::StreamEnd));
        let sum = crc32(0, &self.output).to_le_bytes();
        let trailer = &self.wire[self.wire.len() - TRAILER_BYTES..];
        assert_eq!(sum, trailer[..4]);
        self.inflate.total_out()
    }

    fn output_len(len: &u64) -> u64 {
        *len
    }
}

/// libdeflate, which reads and writes whole buffers alone.
pub(super) struct Libdeflate {
    wire: &'static [u8],
    decompressor: libdeflater::Decompressor,
    output: Vec<u8>,
}

impl Libdeflate {
    pub(super) fn new(wire: &'static [u8], len: usize) -> Self {
        let decompressor = libdeflater::Decompressor::new();
        Self { wire, decompressor, output: vec![0; len] }
    }
}

impl Way for Libdeflate {
    type Input = ();
    type Output = u64;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> u64 {
        let len = self.decompressor.gzip_decompress(self.wire, &mut self.output);
        len.expect("a valid stream") as u64
    }

    fn output_len(len: &u64) -> u64 {
        *len
    }
}

/// zlib-rs with a state used again, from one slice into one buffer that is large enough.
pub(super) struct Packed {
    body: &'static [u8],
    deflate: Deflate,
    output: Vec<u8>,
}

impl Packed {
    pub(super) fn new(body: &'static [u8]) -> Self {
        let output = vec![0; body.len() * 2 + 100];
        Self { body, deflate: Deflate::new(6, false, 15), output }
    }
}

impl Way for Packed {
    type Input = ();
    type Output = u64;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> u64 {
        self.deflate.reset();
        let status = self.deflate.compress(self.body, &mut self.output, DeflateFlush::Finish);
        assert_eq!(status, Ok(Status::StreamEnd));
        core::hint::black_box(crc32(0, self.body));
        self.deflate.total_out() + (HEADER_BYTES + TRAILER_BYTES) as u64
    }

    fn output_len(len: &u64) -> u64 {
        *len
    }
}
