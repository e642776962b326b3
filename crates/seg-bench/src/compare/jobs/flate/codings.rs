//! Zstandard and Brotli, against their libraries used by hand.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use seg_flate::{
    BrotliDecoder, BrotliEncoder, Decode, Encode, Flush, Level, Limits, ZstdDecoder, ZstdEncoder,
};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};
use zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective};

use super::{INPUT_BYTES, data};
use crate::compare::{
    Job, Kind,
    jobs::way::{Way, contender},
};

/// The buffers that the libraries fill, which are kept.
const OUTPUT_BYTES: usize = 64 << 10;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for (kind, make) in &data::KINDS[..2] {
        for (size, bytes) in [("64k", 64 << 10), ("64m", 64 << 20)] {
            let (body, len) = (make(bytes), bytes as u64);
            let wire = encoded(ZstdEncoder::new(Level::FAST), &body);
            let job = Job::new(format!("flate/zstd_{kind}_{size}"), len)
                .with(contender(Kind::Ours, "seg-flate", len, move || {
                    Ours::new(wire, ZstdDecoder::new(Limits::default()), ZstdDecoder::reset)
                }))
                .with(contender(Kind::Peer, "zstd-safe by hand", len, move || Zstd {
                    wire,
                    context: DCtx::create(),
                }));
            jobs.push(job);
            let wire = encoded(BrotliEncoder::new(Level::DEFAULT), &body);
            let job = Job::new(format!("flate/br_{kind}_{size}"), len)
                .with(contender(Kind::Ours, "seg-flate", len, move || {
                    Ours::new(wire, BrotliDecoder::new(Limits::default()), BrotliDecoder::reset)
                }))
                .with(contender(Kind::Peer, "brotli-decompressor by hand", len, move || Brotli {
                    wire,
                }));
            jobs.push(job);
        }
    }
    jobs
}

/// A whole stream of `body`.
fn encoded(mut encoder: impl Encode, body: &[u8]) -> &'static [u8] {
    let mut output = SegmentedBuf::new(&Pool::new());
    let pushed = encoder.push(&mut &body[..], Flush::Finish, &mut output);
    pushed.expect("the pool has no cap");
    Vec::leak(output.freeze().to_vec())
}

/// A decoder of ours, from 16 KiB segments into segments.
struct Ours<D> {
    input: Sequence,
    decoder: D,
    reset: fn(&mut D),
    output: SegmentedBuf,
}

impl<D> Ours<D> {
    fn new(wire: &[u8], decoder: D, reset: fn(&mut D)) -> Self {
        let pool = Pool::new();
        let segment = |piece: &[u8]| {
            let mut segment = pool.take(INPUT_BYTES);
            segment.extend_from_slice(piece);
            segment.freeze()
        };
        let input = wire.chunks(INPUT_BYTES).map(segment).collect();
        Self { input, decoder, reset, output: SegmentedBuf::new(&pool) }
    }
}

impl<D: Decode + 'static> Way for Ours<D> {
    type Input = ();
    type Output = Sequence;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Sequence {
        (self.reset)(&mut self.decoder);
        self.decoder
            .push_sequence(&mut self.input.clone(), &mut self.output)
            .expect("a valid stream");
        self.decoder.finish().expect("a whole stream");
        self.output.split()
    }

    fn output_len(output: &Sequence) -> u64 {
        output.len()
    }
}

/// Buffers of which the last one is being filled.
struct Buffers(Vec<Vec<u8>>);

impl Buffers {
    const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns the spare part of the last buffer, or of a new one.
    fn spare(&mut self) -> &mut Vec<u8> {
        if self.0.last().is_none_or(|last| last.len() == last.capacity()) {
            self.0.push(Vec::with_capacity(OUTPUT_BYTES));
        }
        self.0.last_mut().expect("there is one")
    }

    fn len(&self) -> u64 {
        self.0.iter().map(|buffer| buffer.len() as u64).sum()
    }
}

/// The library with its context used again.
struct Zstd {
    wire: &'static [u8],
    context: DCtx<'static>,
}

impl Way for Zstd {
    type Input = ();
    type Output = Buffers;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Buffers {
        self.context.reset(ResetDirective::SessionOnly).expect("between frames");
        let mut buffers = Buffers::new();
        for piece in self.wire.chunks(INPUT_BYTES) {
            let mut input = InBuffer::around(piece);
            loop {
                let spare = buffers.spare();
                let filled = spare.len();
                let mut output = OutBuffer::around_pos(spare, filled);
                self.context.decompress_stream(&mut output, &mut input).expect("a valid stream");
                let is_full = output.pos() == output.capacity();
                if input.pos() == piece.len() && !is_full {
                    break;
                }
            }
        }
        buffers
    }

    fn output_len(buffers: &Buffers) -> u64 {
        buffers.len()
    }
}

/// The library with a state for each stream, as it cannot be reset.
struct Brotli {
    wire: &'static [u8],
}

impl Way for Brotli {
    type Input = ();
    type Output = Buffers;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Buffers {
        let alloc = StandardAlloc::default();
        let mut state = BrotliState::new(alloc, StandardAlloc::default(), StandardAlloc::default());
        let mut buffers = Buffers::new();
        for piece in self.wire.chunks(INPUT_BYTES) {
            let (mut available, mut consumed) = (piece.len(), 0);
            loop {
                let spare = buffers.spare();
                let filled = spare.len();
                spare.resize(spare.capacity(), 0);
                let (mut free, mut produced) = (spare.len() - filled, 0);
                let result = BrotliDecompressStream(
                    &mut available,
                    &mut consumed,
                    piece,
                    &mut free,
                    &mut produced,
                    &mut spare[filled..],
                    &mut 0,
                    &mut state,
                );
                spare.truncate(filled + produced);
                match result {
                    BrotliResult::ResultFailure => panic!("a valid stream"),
                    BrotliResult::NeedsMoreOutput => {}
                    BrotliResult::NeedsMoreInput | BrotliResult::ResultSuccess => break,
                }
            }
        }
        buffers
    }

    fn output_len(buffers: &Buffers) -> u64 {
        buffers.len()
    }
}
