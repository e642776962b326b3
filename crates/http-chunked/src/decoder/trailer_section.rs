//! `trailer-section CRLF` (RFC 9112 §7.1.2).

use super::{
    DecodeErrorKind::{self, *},
    Limits,
};
use crate::{
    octet::{is_blank, is_text, is_token},
    trailers::{Trailers, is_forbidden_trailer},
};

/// A trailer section as far as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct TrailerSection {
    place: Place,
    /// Octets of all field lines with their CRLFs.
    len: usize,
    pub(super) fields: Trailers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    Name,
    Value,
    Lf,
    FinalLf,
}

impl TrailerSection {
    /// Becomes the section of the next body; keeps its memory.
    pub(super) fn clear(&mut self) {
        (self.place, self.len) = (Place::LineStart, 0);
        self.fields.clear();
    }

    /// Reads on from the front of `input`; returns the number of octets that belong to the section, and
    /// whether it ended or what is wrong with the octet after them.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> (usize, Result<bool, DecodeErrorKind>) {
        let mut count = 0;
        while let Some(&octet) = input.get(count) {
            match self.take(octet, limits) {
                Ok(is_end) => {
                    count += 1;
                    if is_end {
                        return (count, Ok(true));
                    }
                }
                Err(kind) => return (count, Err(kind)),
            }
            count += self.take_run(&input[count..], limits);
        }
        (count, Ok(false))
    }

    /// Takes the octets at the front of `input` that stay inside the value which is being read, and
    /// returns their number. What it takes, [`take`](Self::take) takes as well.
    fn take_run(&mut self, input: &[u8], limits: &Limits) -> usize {
        if self.place != Place::Value || self.fields.open_is_bare() {
            return 0;
        }
        let left = limits.trailer_bytes_max.saturating_sub(self.len);
        let count = input.iter().take(left).take_while(|octet| is_text(**octet)).count();
        self.fields.extend_value(&input[..count]);
        self.len += count;
        count
    }

    /// Takes the next octet; returns whether it was the last of the body.
    fn take(&mut self, octet: u8, limits: &Limits) -> Result<bool, DecodeErrorKind> {
        match (self.place, octet) {
            (Place::FinalLf, b'\n') => return Ok(true),
            (Place::FinalLf | Place::Lf, _) if octet != b'\n' => return Err(BareCr),
            (Place::LineStart, b'\r') => {
                self.place = Place::FinalLf;
                return Ok(false);
            }
            (Place::LineStart, b' ' | b'\t') => return Err(TrailerFold),
            (Place::LineStart | Place::Name | Place::Value, b'\n') => return Err(BareLf),
            (Place::LineStart, _)
                if is_token(octet) && self.fields.len() >= limits.trailer_fields_max =>
            {
                return Err(TooManyTrailers);
            }
            _ => {}
        }
        let next = self.next(octet)?;
        if self.len >= limits.trailer_bytes_max {
            return Err(TrailersTooLong);
        }
        self.keep(octet, next);
        self.len += 1;
        self.place = next;
        Ok(false)
    }

    fn next(&self, octet: u8) -> Result<Place, DecodeErrorKind> {
        match (self.place, octet) {
            (Place::Name, b':') if is_forbidden_trailer(self.fields.open_name()) => {
                Err(TrailerForbidden)
            }
            (Place::Name, b':') => Ok(Place::Value),
            (Place::LineStart | Place::Name, _) if is_token(octet) => Ok(Place::Name),
            (Place::LineStart | Place::Name, _) => Err(TrailerName),
            (Place::Value, b'\r') => Ok(Place::Lf),
            (Place::Value, _) if is_text(octet) => Ok(Place::Value),
            (Place::Value, _) => Err(TrailerValue),
            (Place::Lf | Place::FinalLf, _) => Ok(Place::LineStart),
        }
    }

    fn keep(&mut self, octet: u8, next: Place) {
        match (self.place, next) {
            (_, Place::Name) => self.fields.push_name(octet),
            (Place::Value, Place::Value) if !(is_blank(octet) && self.fields.open_is_bare()) => {
                self.fields.push_value(octet);
            }
            (Place::Lf, _) => self.fields.end_field(),
            _ => {}
        }
    }
}
