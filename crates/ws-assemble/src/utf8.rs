//! UTF-8 that comes in pieces.

use core::str;

#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
mod avx512;
#[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
mod pairs;

/// Validates text slice by slice, without a copy.
///
/// A character may be cut anywhere: at most 3 bytes of it are kept. A byte that no text can have at
/// its place is refused at once, not only when its character is complete.
///
/// # Examples
///
/// ```
/// use ws_assemble::Utf8Validator;
///
/// let mut validator = Utf8Validator::new();
/// let text = "h\u{e9}".as_bytes();
/// assert_eq!(validator.push(&text[..2]), Ok(()));
/// assert!(!validator.is_complete());
/// assert_eq!(validator.push(&text[2..]), Ok(()));
/// assert!(validator.is_complete());
/// assert_eq!(validator.push(b"ok\xff"), Err(2));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Utf8Validator {
    /// The bytes of a character that has begun.
    carry: [u8; 3],
    carry_len: u8,
}

/// What one more byte makes of a character that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Complete,
    Partial,
    Invalid,
}

impl Utf8Validator {
    /// Creates a validator at the start of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { carry: [0; 3], carry_len: 0 }
    }

    /// Validates the next piece.
    ///
    /// # Errors
    ///
    /// The index of the first byte that no text can have there. Where a text is cut changes neither
    /// whether nor which byte is refused.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut start = 0;
        while self.carry_len > 0 {
            let Some(&byte) = bytes.get(start) else { return Ok(()) };
            self.step(byte).map_err(|()| start)?;
            start += 1;
        }
        let rest = &bytes[start..];
        // A character cut by the end is set aside, so that the fast pass sees whole ones only.
        let whole = rest.len() - begun_len(rest);
        if !is_utf8(&rest[..whole]) {
            return Err(start + self.find(&rest[..whole]));
        }
        for (index, &byte) in rest.iter().enumerate().skip(whole) {
            self.step(byte).map_err(|()| start + index)?;
        }
        Ok(())
    }

    /// Validates the last piece: [`push`](Self::push), and the text must be complete then.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); the length of `bytes` when the text ends within a character.
    #[inline]
    pub fn push_last(&mut self, bytes: &[u8]) -> Result<(), usize> {
        if !bytes.is_empty() {
            self.push(bytes)?;
        }
        if self.is_complete() { Ok(()) } else { Err(bytes.len()) }
    }

    /// Returns whether the text may end here: no character is cut.
    #[must_use]
    #[inline]
    pub const fn is_complete(&self) -> bool {
        self.carry_len == 0
    }

    /// Returns the index of the refused byte in bytes that are not UTF-8.
    fn find(&mut self, bytes: &[u8]) -> usize {
        let valid = str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        for (index, &byte) in bytes.iter().enumerate().skip(valid) {
            if self.step(byte).is_err() {
                return index;
            }
        }
        // Unreachable for bytes that are not UTF-8 and end with a whole character.
        bytes.len()
    }

    fn step(&mut self, byte: u8) -> Result<(), ()> {
        let len = usize::from(self.carry_len);
        match step(&self.carry[..len], byte) {
            Step::Complete => self.carry_len = 0,
            Step::Partial => {
                self.carry[len] = byte;
                self.carry_len += 1;
            }
            Step::Invalid => return Err(()),
        }
        Ok(())
    }
}

#[inline]
fn is_utf8(bytes: &[u8]) -> bool {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
    if let Some(avx512) = avx512::Avx512::detect() {
        return avx512.is_utf8(bytes);
    }
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// Returns the bytes as text; `None` when they are none.
#[inline]
pub(crate) fn to_str(bytes: &[u8]) -> Option<&str> {
    #[cfg(all(target_arch = "x86_64", not(feature = "portable"), not(miri)))]
    if let Some(avx512) = avx512::Avx512::detect() {
        return avx512.to_str(bytes);
    }
    simdutf8::basic::from_utf8(bytes).ok()
}

/// Follows the table of well-formed sequences (Unicode 16.0, table 3-7).
fn step(begun: &[u8], byte: u8) -> Step {
    let continues = matches!(byte, 0x80..=0xbf);
    match (begun, byte) {
        ([], 0x00..=0x7f) => Step::Complete,
        ([], 0xc2..=0xf4) => Step::Partial,
        ([0xe0], 0x80..=0x9f)
        | ([0xed], 0xa0..=0xbf)
        | ([0xf0], 0x80..=0x8f)
        | ([0xf4], 0x90..=0xbf) => Step::Invalid,
        ([0xc2..=0xdf] | [0xe0..=0xef, _] | [_, _, _], _) if continues => Step::Complete,
        ([0xe0..=0xf4] | [0xf0..=0xf4, _], _) if continues => Step::Partial,
        _ => Step::Invalid,
    }
}

/// Returns how many of the last bytes may be the start of a character that is not whole.
fn begun_len(bytes: &[u8]) -> usize {
    let last = |back: usize| bytes.len().checked_sub(back).and_then(|index| bytes.get(index));
    for (back, lead) in [(1, 0xc2..=0xf4), (2, 0xe0..=0xf4), (3, 0xf0..=0xf4)] {
        match last(back) {
            Some(byte) if lead.contains(byte) => return back,
            Some(0x80..=0xbf) => {}
            _ => return 0,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index of the first byte that ends every hope, by std's validator alone.
    fn oracle(bytes: &[u8]) -> Result<bool, usize> {
        for end in 1..=bytes.len() {
            if str::from_utf8(&bytes[..end]).is_err_and(|error| error.error_len().is_some()) {
                return Err(end - 1);
            }
        }
        Ok(str::from_utf8(bytes).is_ok())
    }

    fn check(bytes: &[u8]) {
        let expected = oracle(bytes);
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let mut validator = Utf8Validator::new();
            let result =
                validator.push(head).and_then(|()| validator.push(tail).map_err(|at| cut + at));
            assert_eq!(
                result.map(|()| validator.is_complete()),
                expected,
                "{bytes:x?} cut at {cut}"
            );
        }
    }

    #[test]
    fn every_sequence_of_interesting_bytes_agrees_with_std_in_every_cut() {
        const EDGES: [u8; 22] = [
            0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
            0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
        ];
        let step = if cfg!(miri) { 7 } else { 1 };
        for a in EDGES.into_iter().step_by(step) {
            for b in EDGES.into_iter().step_by(step) {
                for c in EDGES.into_iter().step_by(step) {
                    check(&[a, b, c]);
                    for d in EDGES.into_iter().step_by(step) {
                        check(&[a, b, c, d]);
                    }
                }
            }
        }
    }

    #[test]
    fn every_character_is_valid_in_every_cut() {
        let step = if cfg!(miri) { 50_021 } else { 11 };
        for code in
            (0..=0x10_ffff_u32).step_by(step).chain([0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x1_0000])
        {
            if let Some(character) = char::from_u32(code) {
                check(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }

    #[test]
    fn long_text_with_one_bad_byte_is_refused_there() {
        let text = "añ€𐍈 ".repeat(if cfg!(miri) { 4 } else { 40 }).into_bytes();
        check(&text);
        for index in 0..text.len() {
            let mut broken = text.clone();
            broken[index] = 0xff;
            let mut validator = Utf8Validator::new();
            assert_eq!(validator.push(&broken), Err(index));
        }
    }

    #[test]
    fn one_other_byte_among_runs_of_ascii_is_judged_as_by_std() {
        const OTHERS: [u8; 10] = [b'a', 0x80, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf8];
        let (wide, ascii, step) = if cfg!(miri) { (2, 40, 17) } else { (30, 300, 1) };
        let text = ["añ€𐍈".repeat(wide), "a".repeat(ascii), "ñ𐍈€".repeat(wide)].concat();
        // Once from a place that divides by 64, once from another.
        for skipped in ["", "añ"] {
            let text = [&text[skipped.len()..], &text[..ascii]].concat();
            for index in (0..text.len()).step_by(step) {
                for other in OTHERS {
                    let mut bytes = text.clone().into_bytes();
                    bytes[index] = other;
                    let mut validator = Utf8Validator::new();
                    let expected = oracle_at(&bytes, index);
                    assert_eq!(validator.push(&bytes).map(|()| validator.is_complete()), expected);
                }
            }
        }
    }

    /// As [`oracle`], but knows that nothing is wrong long before `index`.
    fn oracle_at(bytes: &[u8], index: usize) -> Result<bool, usize> {
        let start = (0..index.saturating_sub(8)).rev().find(|&at| bytes[at] < 0x80 || at == 0);
        let start = start.unwrap_or(0);
        assert!(str::from_utf8(&bytes[..start]).is_ok());
        let mut end = (index + 8).min(bytes.len());
        while end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
            end += 1;
        }
        assert!(str::from_utf8(&bytes[end..]).is_ok());
        oracle(&bytes[start..end]).map_err(|at| start + at)
    }
}
