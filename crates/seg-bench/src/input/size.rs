//! A number of bytes as the user writes it.

use core::{fmt, str::FromStr};

/// A whole number of bytes, at least 1, that fits in memory's address range.
///
/// Written in decimal digits, alone or followed by `KiB` or `MiB`; no sign, no space, no fraction.
///
/// # Examples
///
/// ```
/// use seg_bench::input::Size;
///
/// # fn main() -> Result<(), seg_bench::input::SizeError> {
/// assert_eq!("65536".parse::<Size>()?, "64KiB".parse::<Size>()?);
/// assert!("-1".parse::<Size>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(usize);

impl Size {
    /// 64 MiB.
    pub const DEFAULT: Self = Self(64 << 20);

    /// Returns the number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0 as u64
    }

    /// Returns the number of bytes as a length in memory; at most `isize::MAX`.
    #[must_use]
    pub const fn len_in_memory(self) -> usize {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a size of {} bytes", self.0)
    }
}

/// Why some text is no [`Size`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SizeError {
    /// It is not of the form that [`Size`] documents.
    Malformed,
    /// It says 0.
    Zero,
    /// No memory could hold that many bytes.
    TooLarge,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "a size is a whole number of bytes such as 65536, 64KiB or 16MiB",
            Self::Zero => "a size is at least 1 byte",
            Self::TooLarge => "this size is too large to hold",
        })
    }
}

impl core::error::Error for SizeError {}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit: usize = match &text[digits.len()..] {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            _ => return Err(SizeError::Malformed),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SizeError::Malformed);
        }
        // Digits alone can only fail to parse by being too many.
        let number: usize = digits.parse().map_err(|_| SizeError::TooLarge)?;
        match number.checked_mul(unit) {
            Some(0) => Err(SizeError::Zero),
            Some(bytes) if bytes <= isize::MAX.cast_unsigned() => Ok(Self(bytes)),
            _ => Err(SizeError::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_bytes_are_a_size() {
        let cases = [
            ("1", Ok(1)),
            ("007", Ok(7)),
            ("16777216", Ok(16_777_216)),
            ("3KiB", Ok(3_072)),
            ("64MiB", Ok(67_108_864)),
            ("9223372036854775807", Ok(9_223_372_036_854_775_807)),
            ("0", Err(SizeError::Zero)),
            ("0MiB", Err(SizeError::Zero)),
            ("9223372036854775808", Err(SizeError::TooLarge)),
            ("18446744073709551616", Err(SizeError::TooLarge)),
            ("99999999999999999999999999", Err(SizeError::TooLarge)),
            ("17592186044416MiB", Err(SizeError::TooLarge)),
            ("", Err(SizeError::Malformed)),
            ("-1", Err(SizeError::Malformed)),
            ("-0", Err(SizeError::Malformed)),
            ("+1", Err(SizeError::Malformed)),
            ("1.5", Err(SizeError::Malformed)),
            ("1e6", Err(SizeError::Malformed)),
            ("0x10", Err(SizeError::Malformed)),
            ("1_000", Err(SizeError::Malformed)),
            ("1,000", Err(SizeError::Malformed)),
            (" 1", Err(SizeError::Malformed)),
            ("1 ", Err(SizeError::Malformed)),
            ("1 MiB", Err(SizeError::Malformed)),
            ("1mib", Err(SizeError::Malformed)),
            ("1MB", Err(SizeError::Malformed)),
            ("MiB", Err(SizeError::Malformed)),
            ("ten", Err(SizeError::Malformed)),
            ("\u{661}", Err(SizeError::Malformed)),
        ];
        for (text, want) in cases {
            assert_eq!(text.parse::<Size>().map(Size::bytes), want, "{text:?}");
        }
    }
}
