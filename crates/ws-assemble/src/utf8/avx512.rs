//! UTF-8 checked 64 bytes at a time.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::arch::x86_64::{
    __m512i, _mm512_gf2p8affine_epi64_epi8, _mm512_loadu_si512, _mm512_maskz_loadu_epi8,
    _mm512_maskz_permutexvar_epi8, _mm512_movepi8_mask, _mm512_or_si512, _mm512_permutexvar_epi8,
    _mm512_set1_epi8, _mm512_set1_epi64, _mm512_sub_epi8, _mm512_subs_epu8,
    _mm512_ternarylogic_epi64, _mm512_test_epi8_mask, _mm512_xor_si512,
};

use super::pairs::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, TWO_CONTINUATIONS};

/// A vector.
const BLOCK: usize = 64;

/// Blocks of which the first alone is checked when all of them are ASCII.
const GROUP: usize = 4 * BLOCK;

/// The bytes before a block that a character in it may begin with.
const BEFORE: usize = 3;

/// Says that the processor has what this is compiled for.
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        let is_there = std::arch::is_x86_feature_detected!("avx512vbmi")
            && std::arch::is_x86_feature_detected!("gfni");
        is_there.then_some(Self(()))
    }

    #[inline]
    pub(super) fn is_utf8(self, bytes: &[u8]) -> bool {
        // SAFETY: the processor has both, as `self` was made only then; avx512vbmi implies avx512bw
        // and avx512f.
        unsafe { check(bytes) }
    }

    #[inline]
    pub(super) fn to_str(self, bytes: &[u8]) -> Option<&str> {
        // SAFETY: called for UTF-8 alone.
        self.is_utf8(bytes).then(|| unsafe { str::from_utf8_unchecked(bytes) })
    }
}

/// Looks at each byte together with the three before it, wherever they are loaded from: blocks may
/// overlap, and their order is free.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn check(bytes: &[u8]) -> bool {
    let bytes = &bytes[ascii_prefix(bytes)..];
    if bytes.is_empty() {
        return true;
    }
    let first = load_part(bytes);
    if bytes.len() <= BLOCK && _mm512_movepi8_mask(first) == 0 {
        return true;
    }
    let rules = Rules::new();
    let mut broken = rules.broken_at_start(first);
    let mut at = aligned(bytes);
    let mut was_ascii = false;
    while let Some(group) = window::<{ BEFORE + GROUP }>(bytes, at) {
        let is_ascii = group.last_chunk().is_some_and(|group| is_ascii(group));
        // A character may be cut by the start of a group.
        let checked = if !is_ascii {
            GROUP
        } else if !was_ascii {
            BLOCK
        } else {
            0
        };
        for start in (0..checked).step_by(BLOCK) {
            if let Some(block) = window(group, BEFORE + start) {
                broken = _mm512_or_si512(broken, rules.broken_in_block(block));
            }
        }
        was_ascii = is_ascii;
        at += GROUP;
    }
    while let Some(block) = window(bytes, at) {
        broken = _mm512_or_si512(broken, rules.broken_in_block(block));
        at += BLOCK;
    }
    if at < bytes.len() {
        let back = |by: usize| &bytes[at - by..bytes.len() - by];
        let [bytes, first, second, third] = [back(0), back(1), back(2), back(3)];
        let last =
            rules.broken(load_part(bytes), load_part(first), load_part(second), load_part(third));
        broken = _mm512_or_si512(broken, last);
    }
    _mm512_test_epi8_mask(broken, broken) == 0 && !ends_inside(bytes)
}

/// Returns whether the last bytes are the start of a longer character, or of none.
fn ends_inside(bytes: &[u8]) -> bool {
    let leads = [0xc0, 0xe0, 0xf0];
    bytes.iter().rev().zip(leads).any(|(&byte, lead)| byte >= lead)
}

/// Returns how many bytes at the front are seen to be ASCII, in large steps.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn ascii_prefix(bytes: &[u8]) -> usize {
    let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else { return 0 };
    if !is_ascii(first) {
        return 0;
    }
    let start = aligned(bytes);
    let (groups, rest) = bytes[start..].as_chunks::<GROUP>();
    let count = groups.iter().take_while(|group| is_ascii(group)).count();
    if count == groups.len() && !rest.is_empty() && is_ascii(last) {
        return bytes.len();
    }
    start + count * GROUP
}

/// Returns where the second block is to begin, so that few loads touch two lines of the cache.
#[inline]
fn aligned(bytes: &[u8]) -> usize {
    let start = bytes.as_ptr().align_offset(BLOCK);
    if (BEFORE..=BLOCK).contains(&start) { start } else { BLOCK }
}

/// Returns `LEN` bytes from [`BEFORE`] bytes before `at` on, if there are so many.
#[inline(always)]
fn window<const LEN: usize>(bytes: &[u8], at: usize) -> Option<&[u8; LEN]> {
    bytes.get(at - BEFORE..)?.first_chunk()
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn is_ascii(group: &[u8; GROUP]) -> bool {
    let seen = _mm512_or_si512(
        _mm512_or_si512(load::<0, _>(group), load::<BLOCK, _>(group)),
        _mm512_or_si512(load::<{ 2 * BLOCK }, _>(group), load::<{ 3 * BLOCK }, _>(group)),
    );
    _mm512_movepi8_mask(seen) == 0
}

/// The tables of [`pairs`](super::pairs), and what else all blocks share.
#[derive(Clone, Copy)]
struct Rules {
    first_high: __m512i,
    first_low: __m512i,
    second_high: __m512i,
    /// The matrix that moves the high half of a byte to its low one.
    high_half: __m512i,
}

impl Rules {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new() -> Self {
        // From the last byte up: which bits make bit 0, bit 1, bit 2, bit 3.
        const HIGH_HALF: i64 = 0x1020_4080_0000_0000;
        Self {
            first_high: load::<0, _>(&FIRST_HIGH),
            first_low: load::<0, _>(&FIRST_LOW),
            second_high: load::<0, _>(&SECOND_HIGH),
            high_half: _mm512_set1_epi64(HIGH_HALF),
        }
    }

    /// Checks the last 64 bytes; the result is zero when they break no rule.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
    fn broken_in_block(&self, block: &[u8; BEFORE + BLOCK]) -> __m512i {
        self.broken(
            load::<3, _>(block),
            load::<2, _>(block),
            load::<1, _>(block),
            load::<0, _>(block),
        )
    }

    /// Checks the first bytes of a text.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
    fn broken_at_start(&self, bytes: __m512i) -> __m512i {
        let places = load::<0, _>(&PLACES);
        let back = |by: i8| {
            let from = _mm512_sub_epi8(places, _mm512_set1_epi8(by));
            _mm512_maskz_permutexvar_epi8(u64::MAX << by, from, bytes)
        };
        self.broken(bytes, back(1), back(2), back(3))
    }

    /// Checks bytes of which each has the one before it in `one`, at the same place, and so on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
    fn broken(&self, bytes: __m512i, one: __m512i, two: __m512i, three: __m512i) -> __m512i {
        const ALL_THREE: i32 = 0b1000_0000;
        const EITHER_AND: i32 = 0b1010_1000;
        let high_half = |bytes| _mm512_gf2p8affine_epi64_epi8::<0>(bytes, self.high_half);
        let pair = _mm512_ternarylogic_epi64::<ALL_THREE>(
            _mm512_permutexvar_epi8(high_half(one), self.first_high),
            _mm512_permutexvar_epi8(one, self.first_low),
            _mm512_permutexvar_epi8(high_half(bytes), self.second_high),
        );
        // Their top bit is left where a lead of three or four bytes, or of four, stands.
        let third =
            _mm512_subs_epu8(two, _mm512_set1_epi8(0xe0_u8.wrapping_sub(0x80).cast_signed()));
        let fourth =
            _mm512_subs_epu8(three, _mm512_set1_epi8(0xf0_u8.wrapping_sub(0x80).cast_signed()));
        let continued = _mm512_ternarylogic_epi64::<EITHER_AND>(
            third,
            fourth,
            _mm512_set1_epi8(TWO_CONTINUATIONS.cast_signed()),
        );
        _mm512_xor_si512(pair, continued)
    }
}

/// The number of each byte.
const PLACES: [u8; BLOCK] = {
    let mut places = [0; BLOCK];
    let mut place = 0_u8;
    while (place as usize) < BLOCK {
        places[place as usize] = place;
        place += 1;
    }
    places
};

#[inline(always)]
fn load<const START: usize, const LEN: usize>(bytes: &[u8; LEN]) -> __m512i {
    const { assert!(START + BLOCK <= LEN, "a block from there on is in the array") };
    // SAFETY: so many bytes are there, as asserted, and they need not be aligned.
    unsafe { _mm512_loadu_si512(bytes[START..].as_ptr().cast()) }
}

/// Loads the first 64 bytes; what is not there is zero.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load_part(bytes: &[u8]) -> __m512i {
    let len = bytes.len().min(BLOCK);
    let there = if len == 0 { 0 } else { u64::MAX >> (BLOCK - len) };
    // SAFETY: no byte is loaded but those that are there: the mask has a bit for each of them.
    unsafe { _mm512_maskz_loadu_epi8(there, bytes.as_ptr().cast()) }
}
