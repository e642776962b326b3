//! Masking: XOR with a key of four bytes, over and over (RFC 6455 section 5.3).

#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
mod x86;

/// Below this, choosing an implementation costs more than it gains.
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
const DISPATCH_BYTES_MIN: usize = 128;

/// Masks or unmasks `bytes` in place.
///
/// `phase` is how many bytes of the frame's payload came before, modulo 4: the payload may come in
/// pieces. Uses AVX2 where the processor has it, unless the feature `portable` is on.
///
/// # Examples
///
/// ```
/// let mut bytes = *b"hello";
/// ws_assemble::mask(&mut bytes, [1, 2, 3, 4], 0);
/// let (head, tail) = bytes.split_at_mut(3);
/// ws_assemble::mask(head, [1, 2, 3, 4], 0);
/// ws_assemble::mask(tail, [1, 2, 3, 4], 3);
/// assert_eq!(&bytes, b"hello");
/// ```
pub fn mask(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    let key = rotate(key, phase);
    #[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
    if bytes.len() >= DISPATCH_BYTES_MIN && x86::mask(bytes, key) {
        return;
    }
    xor(bytes, key);
}

/// Returns the key as it applies from `phase` on.
fn rotate(key: [u8; 4], phase: usize) -> [u8; 4] {
    core::array::from_fn(|index| key[(phase + index) % 4])
}

/// XORs in blocks of 64 bytes, then of 8, then byte by byte. The compiler makes vectors of it, as
/// wide as the caller's target features allow.
#[inline(always)]
fn xor(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let word = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut blocks = bytes.chunks_exact_mut(64);
    for block in &mut blocks {
        xor_words(block, word);
    }
    let rest = blocks.into_remainder();
    let words = rest.len() / 8 * 8;
    let (rest, tail) = rest.split_at_mut(words);
    xor_words(rest, word);
    for (byte, key) in tail.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

#[inline(always)]
fn xor_words(bytes: &mut [u8], word: u64) {
    for eight in bytes.chunks_exact_mut(8) {
        if let Ok(eight) = <&mut [u8; 8]>::try_from(eight) {
            *eight = (u64::from_ne_bytes(*eight) ^ word).to_ne_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_alignment_and_phase_agrees_with_the_byte_loop() {
        const LEN_MAX: usize = if cfg!(miri) { 70 } else { 400 };
        const KEY: [u8; 4] = [0x12, 0xff, 0x00, 0xa5];
        let original: Vec<u8> = (0..=u8::MAX).cycle().take(LEN_MAX + 64).collect();
        for start in [0, 1, 3, 8, 13, 31] {
            for len in 0..LEN_MAX {
                for phase in 0..4 {
                    let mut bytes = original.clone();
                    mask(&mut bytes[start..start + len], KEY, phase);
                    for (index, (byte, was)) in bytes.iter().zip(&original).enumerate() {
                        let inside = (start..start + len).contains(&index);
                        let key = if inside { KEY[(phase + index - start) % 4] } else { 0 };
                        assert_eq!(*byte, was ^ key, "{start}, {len}, {phase}, {index}");
                    }
                }
            }
        }
    }
}
