//! `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1, §7.1.1).

use super::{
    CRLF,
    DecodeErrorKind::{self, *},
    Limits,
};
use crate::octet::{NOT_HEX, hex_value, is_blank, is_quoted, is_text, is_token};

/// A size line as far as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeLine {
    place: Place,
    digits: usize,
    /// Octets of the line, without its CRLF.
    len: usize,
    size: u64,
}

/// What was read last, or what has to come.
///
/// ```text
///  Size ──BWS──▶ Gap ──;──▶ BeforeName ──▶ Name ──BWS──▶ AfterName ──=──▶ BeforeValue
///                 ▲                                                        │        │
///                 └────────────BWS──────────── Token, AfterQuoted ◀─────────┴─ Quoted
/// ```
///
/// The line may end after `Size`, `Name`, `Token` and `AfterQuoted` and nowhere else: the grammar
/// has whitespace only where a `;` or a `=` follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Size,
    Gap,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Token,
    Quoted,
    Pair,
    AfterQuoted,
    Lf,
    End,
}

impl SizeLine {
    pub(super) const fn new() -> Self {
        Self { place: Place::Size, digits: 0, len: 0, size: 0 }
    }

    /// Reads on from the front of `input`; returns the number of octets that belong to the line, and
    /// whether it ended or what is wrong with the octet after them.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> (usize, Result<bool, DecodeErrorKind>) {
        let mut count = 0;
        if self.place == Place::Size {
            let (digits, end) = self.take_digits(input, limits);
            if let Err(kind) = end {
                return (digits, Err(kind));
            }
            count = digits;
        }
        while let Some(&octet) = input.get(count) {
            match self.take(octet, limits) {
                Ok(()) => count += 1,
                Err(kind) => return (count, Err(kind)),
            }
            if self.place == Place::End {
                return (count, Ok(true));
            }
            count += self.take_run(&input[count..], limits);
        }
        (count, Ok(false))
    }

    /// Takes the digits at the front of `input`, and returns their number, and what is wrong with the one
    /// after them.
    #[inline]
    fn take_digits(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> (usize, Result<(), DecodeErrorKind>) {
        let digits_max = usize::from(limits.size_digits_max);
        let (before, mut digits, mut size) = (self.len, self.len, self.size);
        let mut end = Ok(());
        for &octet in input {
            let value = hex_value(octet);
            if value == NOT_HEX {
                break;
            }
            // At most 16 digits of 4 bits: nothing is shifted out.
            let longer = size << 4 | u64::from(value);
            if digits >= digits_max.min(limits.size_line_bytes_max) {
                let is_line = digits >= limits.size_line_bytes_max;
                end = Err(if is_line { SizeLineTooLong } else { SizeTooLong });
                break;
            }
            if longer > limits.chunk_bytes_max {
                end = Err(SizeTooLarge);
                break;
            }
            (digits, size) = (digits + 1, longer);
        }
        (self.digits, self.len, self.size) = (digits, digits, size);
        (digits - before, end)
    }

    /// Takes the octets at the front of `input` that stay inside the name or value which is being
    /// read, and returns their number. What it takes, [`take`](Self::take) takes as well.
    fn take_run(&mut self, input: &[u8], limits: &Limits) -> usize {
        let belongs = match self.place {
            Place::Name | Place::Token => is_token,
            Place::Quoted => is_quoted,
            _ => return 0,
        };
        let left = limits.size_line_bytes_max.saturating_sub(self.len);
        let count = input.iter().take(left).take_while(|octet| belongs(**octet)).count();
        self.len += count;
        count
    }

    /// Takes the next octet of the line, which is no digit of the size.
    #[inline]
    fn take(&mut self, octet: u8, limits: &Limits) -> Result<(), DecodeErrorKind> {
        match (self.place, octet) {
            (Place::Lf, b'\n') => {
                self.place = Place::End;
                return Ok(());
            }
            (Place::Lf, _) => return Err(BareCr),
            (_, b'\r') => {
                self.place = self.end()?;
                return Ok(());
            }
            (_, b'\n') if self.len > 0 => return Err(BareLf),
            _ => {}
        }
        let next = self.next(octet)?;
        if self.len >= limits.size_line_bytes_max {
            return Err(SizeLineTooLong);
        }
        self.len += 1;
        self.place = next;
        Ok(())
    }

    /// Returns the size; final once the line ended.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the octets of the line so far, without its CRLF.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Returns the digits of the size so far.
    pub(super) const fn digits(&self) -> usize {
        self.digits
    }

    /// Where a carriage return leads.
    const fn end(&self) -> Result<Place, DecodeErrorKind> {
        match self.place {
            Place::Size if self.digits == 0 => Err(SizeMissing),
            Place::Size | Place::Name | Place::Token | Place::AfterQuoted => Ok(Place::Lf),
            Place::Gap | Place::AfterName => Err(StrayWhitespace),
            Place::BeforeName => Err(ExtensionName),
            Place::BeforeValue | Place::Quoted | Place::Pair => Err(ExtensionValue),
            Place::Lf | Place::End => Err(BareCr),
        }
    }

    /// Where any other octet leads that is no digit of the size.
    const fn next(&self, octet: u8) -> Result<Place, DecodeErrorKind> {
        match (self.place, octet) {
            (Place::Size, _) if self.digits == 0 => Err(SizeMissing),
            (Place::Size | Place::Token | Place::AfterQuoted, b' ' | b'\t') => Ok(Place::Gap),
            (Place::Name, b' ' | b'\t') => Ok(Place::AfterName),
            (Place::Gap | Place::AfterName | Place::BeforeName | Place::BeforeValue, _)
                if is_blank(octet) =>
            {
                Ok(self.place)
            }
            (Place::Quoted, b'"') => Ok(Place::AfterQuoted),
            (Place::Quoted, b'\\') => Ok(Place::Pair),
            (Place::Quoted, _) if is_quoted(octet) => Ok(Place::Quoted),
            (Place::Pair, _) if is_text(octet) => Ok(Place::Quoted),
            (Place::BeforeName | Place::BeforeValue | Place::Quoted | Place::Pair, b';') => {
                Err(self.refusal())
            }
            (_, b';') => Ok(Place::BeforeName),
            (Place::Name | Place::AfterName, b'=') => Ok(Place::BeforeValue),
            (Place::BeforeName | Place::Name, _) if is_token(octet) => Ok(Place::Name),
            (Place::BeforeValue, b'"') => Ok(Place::Quoted),
            (Place::BeforeValue | Place::Token, _) if is_token(octet) => Ok(Place::Token),
            _ => Err(self.refusal()),
        }
    }

    /// What an octet that leads nowhere breaks.
    const fn refusal(&self) -> DecodeErrorKind {
        match self.place {
            Place::Size => SizeInvalid,
            Place::Gap | Place::AfterName => StrayWhitespace,
            Place::BeforeName | Place::Name => ExtensionName,
            Place::BeforeValue
            | Place::Token
            | Place::Quoted
            | Place::Pair
            | Place::AfterQuoted => ExtensionValue,
            Place::Lf | Place::End => BareCr,
        }
    }
}

/// A size line of up to six digits and its CRLF, kept to know the next one by its octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownLine {
    /// The octets of the line, the first the lowest, and zeros above them.
    octets: u64,
    mask: u64,
    len: usize,
    size: u64,
}

impl KnownLine {
    /// Octets of the longest line.
    pub(super) const BYTES_MAX: usize = 8;

    /// Is no line.
    pub(super) const NONE: Self = Self { octets: 1, mask: 0, len: 0, size: 0 };

    /// Reads a line of some data, without extensions, from the front of `octets`; `None` when there is
    /// none.
    #[inline]
    pub(super) fn read(octets: &[u8; Self::BYTES_MAX], limits: &Limits) -> Option<Self> {
        let mut line = SizeLine::new();
        line.take_digits(octets, limits).1.ok()?;
        let len = line.len + CRLF.len();
        if line.size == 0 || octets.get(line.len..len)? != CRLF {
            return None;
        }
        let mask = u64::MAX >> (64 - 8 * len);
        Some(Self { octets: u64::from_le_bytes(*octets) & mask, mask, len, size: line.size })
    }

    #[inline]
    pub(super) fn is(&self, octets: &[u8; Self::BYTES_MAX]) -> bool {
        u64::from_le_bytes(*octets) & self.mask == self.octets
    }

    /// Returns the octets of the line, with its CRLF.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) const fn size(&self) -> u64 {
        self.size
    }
}
