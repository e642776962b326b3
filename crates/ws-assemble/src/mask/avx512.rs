//! Masking with AVX-512.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::arch::x86_64::{
    __m512i, _mm512_loadu_si512, _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi32,
    _mm512_storeu_si512, _mm512_xor_si512,
};

/// A vector, and a line of the cache.
pub(super) const BLOCK: usize = 64;

/// Masks at least [`BLOCK`] bytes and returns whether all of them are ASCII then, if it is to `SEE`
/// that; does nothing and returns `None` where there are fewer, or the processor lacks AVX-512.
#[inline]
pub(super) fn mask<const SEE: bool>(bytes: &mut [u8], key: u32) -> Option<bool> {
    if bytes.len() < BLOCK || !std::arch::is_x86_feature_detected!("avx512bw") {
        return None;
    }
    // SAFETY: the processor has avx512bw, as checked, and that implies avx512f.
    Some(unsafe { mask_blocks::<SEE>(bytes, key) })
}

/// Masks the whole blocks that are aligned, as after a header payload starts at any address; and, over
/// them, the first block and the last one, which were read before.
#[target_feature(enable = "avx512f,avx512bw")]
fn mask_blocks<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    let keys = |phase| _mm512_set1_epi32(super::rotate(key, phase).cast_signed());
    let last_start = bytes.len() - BLOCK;
    let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) else {
        return false;
    };
    let first = _mm512_xor_si512(load(first), keys(0));
    let last = _mm512_xor_si512(load(last), keys(last_start));
    let mut seen = _mm512_or_si512(first, last);
    let start = bytes.as_ptr().align_offset(BLOCK).min(BLOCK);
    let middle_keys = keys(start);
    for block in bytes[start..].as_chunks_mut().0 {
        let plain = _mm512_xor_si512(load(block), middle_keys);
        if SEE {
            seen = _mm512_or_si512(seen, plain);
        }
        store(block, plain);
    }
    if let Some(block) = bytes.first_chunk_mut() {
        store(block, first);
    }
    if let Some(block) = bytes.last_chunk_mut() {
        store(block, last);
    }
    SEE && _mm512_movepi8_mask(seen) == 0
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; BLOCK]) -> __m512i {
    // SAFETY: the block is as long as a vector, which need not be aligned.
    unsafe { _mm512_loadu_si512(block.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(block: &mut [u8; BLOCK], bytes: __m512i) {
    // SAFETY: the block is as long as a vector, which need not be aligned, and it is borrowed alone.
    unsafe { _mm512_storeu_si512(block.as_mut_ptr().cast(), bytes) }
}
