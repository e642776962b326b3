//! The checksum of a frame: XXH64 (<https://github.com/Cyan4973/xxHash>, doc/xxhash_spec.md).

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// Bytes that are counted at once.
const STRIPE: usize = 32;

/// An XXH64 with the seed 0 over bytes that come in pieces.
#[derive(Clone, Debug)]
pub(super) struct Xxh64 {
    lanes: [u64; 4],
    /// The last `len % STRIPE` bytes.
    rest: [u8; STRIPE],
    len: u64,
}

impl Xxh64 {
    pub(super) const fn new() -> Self {
        let lanes =
            [PRIMES[0].wrapping_add(PRIMES[1]), PRIMES[1], 0, 0_u64.wrapping_sub(PRIMES[0])];
        Self { lanes, rest: [0; STRIPE], len: 0 }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        let held = self.held();
        self.len += bytes.len() as u64;
        if held > 0 {
            let (front, behind) = bytes.split_at(bytes.len().min(STRIPE - held));
            self.rest[held..][..front.len()].copy_from_slice(front);
            bytes = behind;
            if held + front.len() < STRIPE {
                return;
            }
            let rest = self.rest;
            self.stripe(&rest);
        }
        let (stripes, rest) = bytes.as_chunks::<STRIPE>();
        stripes.iter().for_each(|stripe| self.stripe(stripe));
        self.rest[..rest.len()].copy_from_slice(rest);
    }

    /// How many bytes wait for others to make a stripe.
    #[expect(clippy::cast_possible_truncation, reason = "fewer than a stripe")]
    const fn held(&self) -> usize {
        (self.len % STRIPE as u64) as usize
    }

    fn stripe(&mut self, stripe: &[u8; STRIPE]) {
        for (lane, &bytes) in self.lanes.iter_mut().zip(stripe.as_chunks().0) {
            *lane = round(*lane, u64::from_le_bytes(bytes));
        }
    }

    pub(super) fn finish(&self) -> u64 {
        let mut hash = if self.len < STRIPE as u64 {
            PRIMES[4]
        } else {
            let [a, b, c, d] = self.lanes;
            let sum = [(b, 7), (c, 12), (d, 18)]
                .iter()
                .fold(a.rotate_left(1), |sum, (lane, by)| sum.wrapping_add(lane.rotate_left(*by)));
            self.lanes.iter().fold(sum, |hash, &lane| {
                (hash ^ round(0, lane)).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3])
            })
        };
        hash = hash.wrapping_add(self.len);
        let (words, rest) = self.rest[..self.held()].as_chunks();
        for &word in words {
            hash = (hash ^ round(0, u64::from_le_bytes(word))).rotate_left(27);
            hash = hash.wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
        }
        let (halves, rest) = rest.as_chunks();
        for &half in halves {
            hash ^= u64::from(u32::from_le_bytes(half)).wrapping_mul(PRIMES[0]);
            hash = hash.rotate_left(23).wrapping_mul(PRIMES[1]).wrapping_add(PRIMES[2]);
        }
        for &byte in rest {
            hash ^= u64::from(byte).wrapping_mul(PRIMES[4]);
            hash = hash.rotate_left(11).wrapping_mul(PRIMES[0]);
        }
        hash = (hash ^ hash >> 33).wrapping_mul(PRIMES[1]);
        hash = (hash ^ hash >> 29).wrapping_mul(PRIMES[2]);
        hash ^ hash >> 32
    }
}

fn round(lane: u64, word: u64) -> u64 {
    let sum = lane.wrapping_add(word.wrapping_mul(PRIMES[1]));
    sum.rotate_left(31).wrapping_mul(PRIMES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(pieces: &[&[u8]]) -> u64 {
        let mut hash = Xxh64::new();
        pieces.iter().for_each(|piece| hash.update(piece));
        hash.finish()
    }

    #[test]
    fn known_strings_have_known_sums() {
        for (text, sum) in [
            ("", 0xef46_db37_51d8_e999),
            ("a", 0xd24e_c4f1_a98c_6e5b),
            ("abc", 0x44bc_2cf5_ad77_0999),
            ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
        ] {
            assert_eq!(hash(&[text.as_bytes()]), sum, "{text}");
        }
    }

    #[test]
    fn the_cut_changes_no_sum() {
        let bytes: Vec<u8> = (0..if cfg!(miri) { 40 } else { 150 }).collect();
        let whole = hash(&[&bytes]);
        for first in 0..bytes.len() {
            let (head, rest) = bytes.split_at(first);
            for second in 0..rest.len() {
                let (middle, tail) = rest.split_at(second);
                assert_eq!(hash(&[head, middle, tail]), whole, "{first} {second}");
            }
        }
    }
}
