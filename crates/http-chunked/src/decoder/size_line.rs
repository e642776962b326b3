//! `chunk-size [ chunk-ext ] CRLF`, an octet at a time (RFC 9112 §7.1, §7.1.1).

use super::{
    DecodeErrorKind::{self, *},
    Limits,
};
use crate::octet::{NOT_HEX, hex_value, is_blank, is_quoted, is_text, is_token};

/// A size line as far as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct SizeLine {
    place: Place,
    digits: u8,
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
/// The line may end behind `Size`, `Name`, `Token` and `AfterQuoted` and nowhere else: the grammar
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
}

impl SizeLine {
    pub(super) const fn new() -> Self {
        Self { place: Place::Size, digits: 0, len: 0, size: 0 }
    }

    /// Reads a line without extensions from the front of `input` and returns the number of its
    /// octets; `None` when it is not wholly there or not that simple, with nothing changed. What
    /// it reads, [`take`](Self::take) reads as well.
    pub(super) fn take_simple(&mut self, input: &[u8], limits: &Limits) -> Option<usize> {
        let (mut size, mut digits) = (0_u64, 0_u8);
        for &octet in input.iter().take(usize::from(limits.size_digits_max)) {
            let value = hex_value(octet);
            if value == NOT_HEX {
                break;
            }
            size = size << 4 | u64::from(value);
            digits += 1;
        }
        let len = usize::from(digits);
        let ended = input.get(len..).is_some_and(|rest| rest.starts_with(b"\r\n"));
        let allowed = size <= limits.chunk_bytes_max && len <= limits.size_line_bytes_max;
        if self.len > 0 || digits == 0 || !ended || !allowed {
            return None;
        }
        *self = Self { place: Place::Lf, digits, len, size };
        Some(len + 2)
    }

    /// Takes the octets at the front of `input` that stay inside the name or value which is being
    /// read, and returns their number. What it takes, [`take`](Self::take) takes as well.
    pub(super) fn take_run(&mut self, input: &[u8], limits: &Limits) -> usize {
        let belongs = match self.place {
            Place::Name | Place::Token => is_token,
            Place::Quoted => is_quoted,
            _ => return 0,
        };
        let room = limits.size_line_bytes_max.saturating_sub(self.len);
        let count = input.iter().take(room).take_while(|octet| belongs(**octet)).count();
        self.len += count;
        count
    }

    /// Takes the next octet of the line; returns whether it was the last.
    pub(super) fn take(&mut self, octet: u8, limits: &Limits) -> Result<bool, DecodeErrorKind> {
        if self.place == Place::Lf {
            return if octet == b'\n' { Ok(true) } else { Err(BareCr) };
        }
        if octet == b'\r' {
            self.place = self.end()?;
            return Ok(false);
        }
        if octet == b'\n' && self.len > 0 {
            return Err(BareLf);
        }
        let next = self.next(octet)?;
        if self.len >= limits.size_line_bytes_max {
            return Err(SizeLineTooLong);
        }
        if self.place == Place::Size && next == Place::Size {
            self.take_digit(hex_value(octet), limits)?;
        }
        self.len += 1;
        self.place = next;
        Ok(false)
    }

    /// Returns the size; final once the line ended.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the octets of the line so far, without its CRLF.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the octet taken last belongs to the extensions.
    pub(super) fn in_extensions(&self) -> bool {
        !matches!(self.place, Place::Size | Place::Lf)
    }

    /// Where a carriage return leads.
    const fn end(&self) -> Result<Place, DecodeErrorKind> {
        match self.place {
            Place::Size if self.digits == 0 => Err(SizeMissing),
            Place::Size | Place::Name | Place::Token | Place::AfterQuoted => Ok(Place::Lf),
            Place::Gap | Place::AfterName => Err(StrayWhitespace),
            Place::BeforeName => Err(ExtensionName),
            Place::BeforeValue | Place::Quoted | Place::Pair => Err(ExtensionValue),
            Place::Lf => Err(BareCr),
        }
    }

    /// Where any other octet leads.
    const fn next(&self, octet: u8) -> Result<Place, DecodeErrorKind> {
        match (self.place, octet) {
            (Place::Size, _) if hex_value(octet) != NOT_HEX => Ok(Place::Size),
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
            Place::Lf => BareCr,
        }
    }

    fn take_digit(&mut self, value: u8, limits: &Limits) -> Result<(), DecodeErrorKind> {
        if self.digits >= limits.size_digits_max {
            return Err(SizeTooLong);
        }
        // At most 16 digits of 4 bits: nothing is shifted out.
        let size = self.size << 4 | u64::from(value);
        if size > limits.chunk_bytes_max {
            return Err(SizeTooLarge);
        }
        self.size = size;
        self.digits += 1;
        Ok(())
    }
}
