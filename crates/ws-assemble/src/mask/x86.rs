//! Masking with AVX2.

/// Masks with AVX2 and returns `true`; does nothing where the processor lacks it.
pub(super) fn mask(bytes: &mut [u8], key: [u8; 4]) -> bool {
    let has_avx2 = std::arch::is_x86_feature_detected!("avx2");
    if has_avx2 {
        // SAFETY: the processor has AVX2, as checked above.
        unsafe { mask_avx2(bytes, key) };
    }
    has_avx2
}

/// The portable code, compiled for AVX2.
///
/// # Safety
///
/// The processor has AVX2.
#[target_feature(enable = "avx2")]
unsafe fn mask_avx2(bytes: &mut [u8], key: [u8; 4]) {
    super::xor(bytes, key);
}
