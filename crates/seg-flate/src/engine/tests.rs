use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags},
};
use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

use super::{Engine, Outcome, Progress};

/// Streams of each kind.
const ROUNDS: usize = if cfg!(miri) { 1 } else { 12 };
const BODY_BYTES_MAX: usize = if cfg!(miri) { 600 } else { 150_000 };

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn byte(&mut self, end: usize) -> u8 {
        u8::try_from(self.below(end)).expect("below 256")
    }

    /// Noise, few symbols, runs, and repetitions from near and far.
    fn body(&mut self, kind: usize) -> Vec<u8> {
        let len = self.below(BODY_BYTES_MAX);
        let mut body = Vec::with_capacity(len + 400);
        while body.len() < len {
            let distance = 1 + self.below([1, 1, 1, 40, 3_000, 32_768][kind]);
            match kind {
                0 => body.push(self.byte(256)),
                1 => body.push(self.byte(5)),
                2 => {
                    let byte = self.byte(256);
                    body.extend(core::iter::repeat_n(byte, 1 + self.below(400)));
                }
                _ if body.len() > distance => {
                    for _ in 0..3 + self.below(300) {
                        body.push(body[body.len() - distance]);
                    }
                    body.extend_from_slice(&self.0.to_le_bytes()[..kind - 2]);
                }
                _ => body.push(self.byte(64)),
            }
        }
        body
    }

    fn stream(&mut self, body: &[u8]) -> Vec<u8> {
        let (level, window) = (self.byte(10), 9 + self.byte(7));
        let mut deflate = Deflate::new(level.into(), false, window);
        let mut stream = vec![0; 2 * body.len() + 2_000];
        let (head, tail) = body.split_at(self.below(body.len() + 1));
        for (part, flush) in [(head, DeflateFlush::SyncFlush), (tail, DeflateFlush::Finish)] {
            let produced = usize::try_from(deflate.total_out()).expect("in memory");
            deflate.compress(part, &mut stream[produced..], flush).expect("it has the space");
        }
        stream.truncate(usize::try_from(deflate.total_out()).expect("in memory"));
        stream
    }
}

/// Bytes that every stream here decodes to less than.
const DECODED_BYTES_MAX: usize = 1 << 20;

/// What zlib-rs makes of a stream: output, bytes consumed, and how it ended.
fn zlib_rs(stream: &[u8]) -> (Vec<u8>, usize, Outcome) {
    let (mut inflate, mut decoded) = (Inflate::new(false, 15), vec![0; DECODED_BYTES_MAX]);
    let outcome = match inflate.decompress(stream, &mut decoded, InflateFlush::NoFlush) {
        Ok(Status::StreamEnd) => Outcome::End,
        Ok(_) => Outcome::More,
        Err(_) => Outcome::Corrupt,
    };
    decoded.truncate(usize::try_from(inflate.total_out()).expect("in memory"));
    (decoded, usize::try_from(inflate.total_in()).expect("in memory"), outcome)
}

/// What miniz_oxide makes of it.
fn miniz_oxide(stream: &[u8]) -> (Vec<u8>, usize, Outcome) {
    let (mut decoder, mut decoded) = (DecompressorOxide::new(), vec![0; DECODED_BYTES_MAX]);
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
    let (status, consumed, produced) = decompress(&mut decoder, stream, &mut decoded, 0, flags);
    decoded.truncate(produced);
    let outcome = match status {
        TINFLStatus::Done => Outcome::End,
        TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => Outcome::More,
        _ => Outcome::Corrupt,
    };
    (decoded, consumed, outcome)
}

/// What comes of a stream whose pieces and outputs are at most so long.
fn decode(
    engine: &mut Engine,
    stream: &[u8],
    mut piece_len: impl FnMut() -> usize,
    mut output_len: impl FnMut() -> usize,
) -> (Vec<u8>, usize, Outcome) {
    engine.reset();
    let (mut decoded, mut at, mut seen) = (Vec::new(), 0, 0);
    let (mut output, mut len) = (vec![0xaa; output_len()], 0);
    loop {
        if at == seen {
            seen = stream.len().min(seen + piece_len());
        }
        let Progress { consumed, produced, outcome } =
            engine.inflate(&stream[at..seen], &mut output, len);
        (at, len) = (at + consumed, len + produced);
        let is_last = outcome != Outcome::More || (at == stream.len() && len < output.len());
        if is_last || len == output.len() {
            decoded.extend_from_slice(&output[..len]);
            engine.keep(&output[..len]);
            (output, len) = (vec![0xaa; output_len()], 0);
        }
        if is_last {
            return (decoded, at, outcome);
        }
    }
}

/// Asserts that a stream decodes to the same in every way, and returns what.
fn check(random: &Random, stream: &[u8]) -> (Vec<u8>, usize, Outcome) {
    let mut engine = Engine::new();
    let whole = decode(&mut engine, stream, || usize::MAX / 2, || 1 << 20);
    let (mut a, mut b) = (Random(random.0), Random(!random.0));
    // In outputs so short, no symbol is decoded in the fast way.
    let slow = decode(&mut engine, stream, || 1 + a.below(20), || 1 + b.below(280));
    assert!(slow == whole, "{:?} {:?}", (slow.1, slow.2), (whole.1, whole.2));
    for (piece, output) in [(3_000, 5_000), (100_000, 70_000), (40, 65_536)] {
        let cut = decode(&mut engine, stream, || 1 + a.below(piece), || 1 + b.below(output));
        assert!(cut == whole, "{:?} {:?}", (cut.1, cut.2), (whole.1, whole.2));
    }
    for (name, decode) in [("zlib-rs", zlib_rs as fn(&[u8]) -> _), ("miniz_oxide", miniz_oxide)] {
        let theirs = decode(stream);
        assert_eq!(theirs.2, whole.2, "{name}");
        // How much is decoded before a broken rule is noticed may differ.
        if whole.2 != Outcome::Corrupt {
            assert!(theirs == whole, "{name} {:?} {:?}", theirs.1, whole.1);
        }
    }
    whole
}

#[test]
fn streams_come_back_in_every_way() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for kind in 0..6 {
        for _ in 0..ROUNDS {
            let body = random.body(kind);
            let mut stream = random.stream(&body);
            let len = stream.len();
            stream.extend_from_slice(b"what follows");
            assert!(check(&random, &stream) == (body, len, Outcome::End));
        }
    }
}

#[test]
fn broken_streams_end_the_same_in_every_way() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut corrupt = 0;
    for kind in 0..6 {
        for round in 0..ROUNDS {
            let body = random.body(kind);
            let mut stream = random.stream(&body);
            // Every other one in its first header.
            let end = if round % 2 == 0 { stream.len().min(80) } else { stream.len() };
            let at = random.below(end);
            stream[at] ^= 1 << random.below(8);
            corrupt += usize::from(check(&random, &stream).2 == Outcome::Corrupt);
        }
    }
    assert!(corrupt > 0, "nothing was noticed");
}
