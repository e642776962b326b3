//! What the machine needs for one pass over bytes in place.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

/// XORs in place with AVX2 where the processor has it, in words otherwise. The length's last
/// `len % 4` bytes are left alone: a floor need not be right, only as fast as the bytes allow.
pub(super) fn xor(bytes: &mut [u8], key: [u8; 4]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as checked above.
        unsafe { xor_avx2(bytes, key) };
        return;
    }
    xor_words(bytes, key);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn xor_avx2(bytes: &mut [u8], key: [u8; 4]) {
    xor_words(bytes, key);
}

#[inline(always)]
fn xor_words(bytes: &mut [u8], key: [u8; 4]) {
    for word in bytes.as_chunks_mut::<4>().0 {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
}
