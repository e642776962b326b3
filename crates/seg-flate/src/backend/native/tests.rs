use super::super::{Backend, Compressor, Engine, Outcome, Progress};
use crate::{flush::Flush, level::Level, window_bits::WindowBits};

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
        let level = Level::new(self.byte(10)).expect("up to 9");
        let window = WindowBits::new(9 + self.byte(7)).expect("from 9 to 15");
        let mut compressor = Compressor::new(Backend::Native, level, window);
        let mut stream = vec![0; 2 * body.len() + 2_000];
        let mut produced = 0;
        let (head, tail) = body.split_at(self.below(body.len() + 1));
        for (part, flush) in [(head, Flush::Sync), (tail, Flush::Finish)] {
            produced += compressor.deflate(part, &mut stream[produced..], flush).produced;
        }
        stream.truncate(produced);
        stream
    }
}

/// What comes of a stream whose pieces and rooms are at most so long.
fn decode(
    engine: &mut Engine,
    stream: &[u8],
    mut piece_len: impl FnMut() -> usize,
    mut room_len: impl FnMut() -> usize,
) -> (Vec<u8>, usize, Outcome) {
    engine.reset();
    let (mut decoded, mut at, mut seen) = (Vec::new(), 0, 0);
    let (mut room, mut len) = (vec![0xaa; room_len()], 0);
    loop {
        if at == seen {
            seen = stream.len().min(seen + piece_len());
        }
        let Progress { consumed, produced, outcome } =
            engine.inflate(&stream[at..seen], &mut room, len);
        (at, len) = (at + consumed, len + produced);
        let is_last = outcome != Outcome::More || (at == stream.len() && len < room.len());
        if is_last || len == room.len() {
            decoded.extend_from_slice(&room[..len]);
            engine.keep(&room[..len]);
            (room, len) = (vec![0xaa; room_len()], 0);
        }
        if is_last {
            return (decoded, at, outcome);
        }
    }
}

/// Asserts that a stream decodes to the same in every way, and returns what.
fn check(random: &Random, stream: &[u8]) -> (Vec<u8>, usize, Outcome) {
    let mut engine = Engine::new(Backend::Native);
    let whole = decode(&mut engine, stream, || usize::MAX / 2, || 1 << 20);
    let (mut a, mut b) = (Random(random.0), Random(!random.0));
    // In rooms so short, no symbol is decoded in the fast way.
    let slow = decode(&mut engine, stream, || 1 + a.below(20), || 1 + b.below(280));
    assert!(slow == whole, "{:?} {:?}", (slow.1, slow.2), (whole.1, whole.2));
    for (piece, room) in [(3_000, 5_000), (100_000, 70_000), (40, 65_536)] {
        let cut = decode(&mut engine, stream, || 1 + a.below(piece), || 1 + b.below(room));
        assert!(cut == whole, "{:?} {:?}", (cut.1, cut.2), (whole.1, whole.2));
    }
    for &backend in &Backend::ALL[1..] {
        let mut other = Engine::new(backend);
        let theirs = decode(&mut other, stream, || usize::MAX / 2, || 1 << 20);
        assert_eq!(theirs.2, whole.2, "{backend:?}");
        // How much is decoded before a broken rule is noticed may differ.
        if whole.2 != Outcome::Corrupt {
            assert!(
                theirs == whole,
                "{backend:?} {:?} {:?}",
                (theirs.1, theirs.2),
                (whole.1, whole.2)
            );
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
