//! Masking: XOR with a key of four bytes, over and over (RFC 6455 section 5.3).

use crate::utf8::Utf8Validator;

#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
mod avx512;

/// Below this, choosing an implementation costs more than it gains.
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
const DISPATCH_BYTES_MIN: usize = 64;

/// Bytes that are unmasked and then validated while they are in the nearest cache.
const TEXT_BLOCK_BYTES: usize = 4096;

/// Masks or unmasks `bytes` in place.
///
/// `phase` is how many bytes of the frame's payload came before, modulo 4: the payload may come in
/// pieces. Uses AVX-512 or AVX2 where the processor has it, unless the feature
/// `portable` is on.
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
#[inline]
pub fn mask(bytes: &mut [u8], key: [u8; 4], phase: usize) {
    xor_best::<false>(bytes, rotate(u32::from_le_bytes(key), phase));
}

#[inline]
fn xor_best<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
    if bytes.len() >= DISPATCH_BYTES_MIN {
        return avx512::mask::<SEE>(bytes, key).unwrap_or_else(|| xor_narrow::<SEE>(bytes, key));
    }
    xor_words::<SEE>(bytes, key)
}

/// Masks where AVX-512 is not. Apart, so that the code around masks short payload without a call.
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
#[inline(never)]
fn xor_narrow<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    avx2::mask::<SEE>(bytes, key).unwrap_or_else(|| xor_words::<SEE>(bytes, key))
}

/// Unmasks the next piece of a text in place and validates it, block by block, so that each block
/// is read from memory once.
///
/// `phase` is as in [`mask`].
///
/// # Errors
///
/// As [`Utf8Validator::push`]: the index of the refused byte. Bytes in blocks after it are still
/// masked then.
///
/// # Examples
///
/// ```
/// use ws_assemble::{Utf8Validator, unmask_text};
///
/// let mut validator = Utf8Validator::new();
/// let mut bytes = *b"igohn";
/// assert_eq!(unmask_text(&mut bytes, [1, 2, 3, 4], 0, &mut validator), Ok(()));
/// assert_eq!(&bytes, b"hello");
/// ```
#[inline]
pub fn unmask_text(
    bytes: &mut [u8],
    key: [u8; 4],
    phase: usize,
    validator: &mut Utf8Validator,
) -> Result<(), usize> {
    let key = rotate(u32::from_le_bytes(key), phase);
    let mut start = 0;
    let mut may_be_ascii = validator.is_complete();
    for block in bytes.chunks_mut(TEXT_BLOCK_BYTES) {
        // Blocks before are multiples of 4 bytes.
        if may_be_ascii {
            // A text that is plain so far often stays so: masking sees every byte anyway.
            may_be_ascii = xor_best::<true>(block, key);
        } else {
            xor_best::<false>(block, key);
        }
        if !may_be_ascii {
            validator.push(block).map_err(|index| start + index)?;
        }
        start += block.len();
    }
    Ok(())
}

/// Unmasks and validates a text that is all here.
///
/// # Errors
///
/// The index of the refused byte; the length when the text ends within a character.
#[inline]
pub(crate) fn unmask_whole_text(bytes: &mut [u8], key: [u8; 4]) -> Result<(), usize> {
    let mut validator = Utf8Validator::new();
    if bytes.len() > TEXT_BLOCK_BYTES {
        unmask_text(bytes, key, 0, &mut validator)?;
    } else if !xor_best::<true>(bytes, u32::from_le_bytes(key)) {
        validator.push(bytes)?;
    }
    validator.push_last(&[]).map_err(|_| bytes.len())
}

/// Returns the key as it applies from `phase` on, in little-endian order.
#[inline]
const fn rotate(key: u32, phase: usize) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 3 bytes")]
    let bits = (phase % 4 * 8) as u32;
    key.rotate_right(bits)
}

/// XORs in blocks of `WIDTH` bytes, of which the compiler makes vectors as wide as the caller's
/// target features allow. `WIDTH` is a multiple of 8. Returns whether all is ASCII then, if it is to
/// `SEE` that.
///
/// What is left at the end is part of a whole block that overlaps the one before. It is read before
/// that is written.
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
#[inline(always)]
fn xor<const WIDTH: usize, const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    let Some(last) = bytes.last_chunk::<WIDTH>() else {
        return xor_short::<SEE>(bytes, key);
    };
    let start = bytes.len() - WIDTH;
    let mut last = *last;
    let mut seen = [0; WIDTH];
    xor_block::<WIDTH, SEE>(&mut last, rotate(key, start), &mut seen);
    let mut blocks = bytes.chunks_exact_mut(WIDTH);
    for block in &mut blocks {
        if let Ok(block) = block.try_into() {
            xor_block::<WIDTH, SEE>(block, key, &mut seen);
        }
    }
    if let Some(end) = bytes.last_chunk_mut::<WIDTH>() {
        *end = last;
    }
    SEE && seen.is_ascii()
}

/// XORs one block, and gathers all bits that are set then.
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
#[inline(always)]
fn xor_block<const WIDTH: usize, const SEE: bool>(
    block: &mut [u8; WIDTH],
    key: u32,
    seen: &mut [u8; WIDTH],
) {
    let word = u64::from(key) << 32 | u64::from(key);
    for (eight, seen) in block.chunks_exact_mut(8).zip(seen.chunks_exact_mut(8)) {
        let Ok(eight) = <&mut [u8; 8]>::try_from(eight) else { continue };
        let plain = u64::from_le_bytes(*eight) ^ word;
        *eight = plain.to_le_bytes();
        if SEE && let Ok(seen) = <&mut [u8; 8]>::try_from(seen) {
            *seen = (u64::from_le_bytes(*seen) | plain).to_le_bytes();
        }
    }
}

/// XORs in words. What is left at the end overlaps the word before. Returns whether all is ASCII
/// then, if it is to `SEE` that.
#[inline]
fn xor_words<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let Some(last) = bytes.last_chunk::<8>() else {
        return xor_short::<SEE>(bytes, key);
    };
    let start = bytes.len() - 8;
    let double = |key: u32| u64::from(key) << 32 | u64::from(key);
    let last = u64::from_le_bytes(*last) ^ double(rotate(key, start));
    let (word, mut seen) = (double(key), last);
    for eight in bytes.chunks_exact_mut(8) {
        let Ok(eight) = <&mut [u8; 8]>::try_from(eight) else { continue };
        let plain = u64::from_le_bytes(*eight) ^ word;
        *eight = plain.to_le_bytes();
        seen |= plain;
    }
    if let Some(end) = bytes.last_chunk_mut::<8>() {
        *end = last.to_le_bytes();
    }
    SEE && seen & HIGH_BITS == 0
}

#[inline(always)]
fn xor_short<const SEE: bool>(bytes: &mut [u8], key: u32) -> bool {
    let mut seen = 0;
    for (byte, key) in bytes.iter_mut().zip(key.to_le_bytes().iter().cycle()) {
        *byte ^= key;
        seen |= *byte;
    }
    SEE && seen.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_alignment_and_phase_agrees_with_the_byte_loop() {
        const LEN_MAX: usize = if cfg!(miri) { 70 } else { 400 };
        /// Around the shortest length that is aligned first.
        const LONG: core::ops::Range<usize> = if cfg!(miri) { 0..0 } else { 1020..1100 };
        const KEY: [u8; 4] = [0x12, 0xff, 0x00, 0xa5];
        let original: Vec<u8> = (0..=u8::MAX).cycle().take(LEN_MAX.max(LONG.end) + 64).collect();
        for start in [0, 1, 3, 8, 13, 31] {
            for len in (0..LEN_MAX).chain(LONG) {
                for phase in 0..4 {
                    let mut bytes = original.clone();
                    mask(&mut bytes[start..start + len], KEY, phase);
                    let mut seen = original.clone();
                    let key = rotate(u32::from_le_bytes(KEY), phase);
                    let is_ascii = xor_best::<true>(&mut seen[start..start + len], key);
                    assert_eq!(seen, bytes);
                    assert_eq!(is_ascii, bytes[start..start + len].is_ascii());
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
