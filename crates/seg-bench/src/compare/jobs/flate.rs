//! seg-flate against other decoders of gzip.

mod codings;
mod data;
mod peers;

use seg_flate::{
    Backend, Decode, Deflater, Encode, Flush, Format, Inflater, Level, Limits, WindowBits,
};
use seg_pool::{Pool, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

use self::peers::{Flate2, Libdeflate, OneShot, Streamed};
use super::{
    super::{Job, Kind},
    way::{Way, contender},
};

/// What every piece of compressed input holds.
const INPUT_BYTES: usize = 16 << 10;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for (kind, make) in data::KINDS {
        for (size, bytes) in [("4k", 4 << 10), ("1m", 1 << 20), ("64m", 64 << 20)] {
            jobs.push(gunzip(&format!("flate/gzip_{kind}_{size}"), make(bytes)));
        }
        jobs.push(gzip(&format!("flate/deflate_{kind}_1m"), make(1 << 20)));
    }
    jobs.extend(codings::jobs());
    jobs
}

/// A whole gzip stream of `body`, at the level that most servers use.
fn compressed(body: &[u8]) -> &'static [u8] {
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut deflater = Deflater::new(Format::Gzip, Level::DEFAULT);
    let pushed = deflater.push(&mut &body[..], Flush::Finish, &mut output);
    pushed.expect("the pool has no cap");
    Vec::leak(output.freeze().to_vec())
}

fn gunzip(name: &str, body: Vec<u8>) -> Job {
    let (wire, len) = (compressed(&body), body.len());
    let expected = len as u64;
    Job::new(name, expected)
        .with(contender(Kind::Ours, "seg-flate", expected, move || {
            Ours::new(wire, SegmentSize::K64)
        }))
        .with(contender(Kind::Ours, "seg-flate, 16 KiB segments", expected, move || {
            Ours::new(wire, SegmentSize::K16)
        }))
        .with(contender(Kind::Peer, "zlib-rs, 16 KiB buffers", expected, move || Streamed { wire }))
        .with(contender(Kind::Peer, "flate2 read::GzDecoder", expected, move || Flate2 { wire }))
        .with(contender(Kind::Floor, "zlib-rs, one shot", expected, move || {
            OneShot::new(wire, len)
        }))
        .with(contender(Kind::Floor, "libdeflate (C), one shot", expected, move || {
            Libdeflate::new(wire, len)
        }))
}

/// Our inflater, its state used again, from 16 KiB segments into segments.
struct Ours {
    input: Sequence,
    inflater: Inflater,
    output: SegmentedBuf,
}

impl Ours {
    fn new(wire: &[u8], size: SegmentSize) -> Self {
        let pool = Pool::new();
        let segment = |piece: &[u8]| {
            let mut segment = pool.take(INPUT_BYTES);
            segment.extend_from_slice(piece);
            segment.freeze()
        };
        Self {
            input: wire.chunks(INPUT_BYTES).map(segment).collect(),
            inflater: Inflater::new(Format::Gzip, Limits::default()).with_output_segments(size),
            output: SegmentedBuf::new(&pool),
        }
    }
}

impl Way for Ours {
    type Input = ();
    type Output = Sequence;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Sequence {
        self.inflater.reset(Format::Gzip);
        self.inflater
            .push_sequence(&mut self.input.clone(), &mut self.output)
            .expect("a valid stream");
        self.inflater.finish().expect("a whole stream");
        self.output.split()
    }

    fn output_len(output: &Sequence) -> u64 {
        output.len()
    }
}

fn gzip(name: &str, body: Vec<u8>) -> Job {
    let body: &'static [u8] = Vec::leak(body);
    let expected = compressed(body).len() as u64;
    // With output space for all of it, zlib-rs makes other blocks.
    let one_shot = peers::Packed::new(body).run(());
    Job::new(name, body.len() as u64)
        .with(contender(Kind::Ours, "seg-flate", expected, move || Packed {
            body,
            deflater: Deflater::with_window(
                Backend::default(),
                Format::Gzip,
                Level::DEFAULT,
                WindowBits::MAX,
            ),
            output: SegmentedBuf::new(&Pool::new()),
        }))
        .with(contender(Kind::Floor, "zlib-rs, one shot", one_shot, move || {
            peers::Packed::new(body)
        }))
}

/// Our deflater, its state used again.
struct Packed {
    body: &'static [u8],
    deflater: Deflater,
    output: SegmentedBuf,
}

impl Way for Packed {
    type Input = ();
    type Output = Sequence;

    fn input(&mut self) {}

    fn run(&mut self, (): ()) -> Sequence {
        self.deflater.reset(Format::Gzip);
        let pushed = self.deflater.push(&mut &self.body[..], Flush::Finish, &mut self.output);
        pushed.expect("the pool has no cap");
        self.output.split()
    }

    fn output_len(output: &Sequence) -> u64 {
        output.len()
    }
}
