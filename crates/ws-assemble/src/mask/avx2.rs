//! Masking with AVX2.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

/// From here on, blocks of four vectors are worth it.
const LONG_BYTES_MIN: usize = 1024;

/// A line of the cache.
const LINE_BYTES: usize = 64;

/// Masks with AVX2 and returns what [`xor`](super::xor) does; does nothing and returns `None` where
/// the processor lacks it.
#[inline]
pub(super) fn mask<const SEE: bool>(bytes: &mut [u8], key: u32) -> Option<bool> {
    if !std::arch::is_x86_feature_detected!("avx2") {
        return None;
    }
    // SAFETY: the processor has AVX2, as checked above.
    Some(unsafe { mask_avx2::<SEE>(bytes, key) })
}

/// The portable code, compiled for AVX2.
#[target_feature(enable = "avx2")]
fn mask_avx2<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    if bytes.len() < LONG_BYTES_MIN {
        return super::xor::<32, SEE>(bytes, key);
    }
    // After a header, payload starts at any address: each second vector would be in two lines of the cache.
    let start = bytes.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
    let (head, lines) = bytes.split_at_mut(start);
    let head_is_ascii = super::xor_words::<SEE>(head, key);
    // Four vectors at a time do not wait for each other.
    super::xor::<128, SEE>(lines, super::rotate(key, start)) && head_is_ascii
}
