//! Masking with AVX2.

/// From here on, blocks of four vectors are worth it.
const LONG_BYTES_MIN: usize = 1024;

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
///
/// # Safety
///
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn mask_avx2<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    // Four vectors at a time do not wait for each other.
    if bytes.len() >= LONG_BYTES_MIN {
        super::xor::<128, SEE>(bytes, key)
    } else {
        super::xor::<32, SEE>(bytes, key)
    }
}
