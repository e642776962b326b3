//! The grammar of a head, an octet at a time (RFC 9112 §2.1, §5).

use super::StartLine;
use crate::{
    fields::FIELDS_MAX,
    head_error::HeadErrorKind,
    octet::{is_text, is_token},
};

/// A head as far as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadScan<L: StartLine> {
    place: Place<L::Place>,
    /// Octets that were seen.
    len: usize,
    /// Fields that began.
    fields: usize,
}

#[derive(Clone, Copy, Debug)]
enum Place<S> {
    StartLine(S),
    LineStart,
    Name,
    Value,
    Lf,
    FinalLf,
    End,
}

impl<L: StartLine> HeadScan<L> {
    pub(super) fn new() -> Self {
        Self { place: Place::StartLine(L::Place::default()), len: 0, fields: 0 }
    }

    /// Looks at the octets behind those seen before. Returns how many of them the head has when it
    /// ends in them. On an error, the second part is the offset in the head.
    pub(super) fn read(&mut self, octets: &[u8]) -> Result<Option<usize>, (HeadErrorKind, usize)> {
        for (index, &octet) in octets.iter().enumerate() {
            self.place = self.next(octet).map_err(|kind| (kind, self.len))?;
            self.len += 1;
            if matches!(self.place, Place::End) {
                return Ok(Some(index + 1));
            }
        }
        Ok(None)
    }

    fn next(&mut self, octet: u8) -> Result<Place<L::Place>, HeadErrorKind> {
        match (self.place, octet) {
            (Place::StartLine(place), _) => {
                let next = L::next(place, octet)?;
                Ok(next.map_or(Place::LineStart, Place::StartLine))
            }
            (Place::Lf, b'\n') => Ok(Place::LineStart),
            (Place::FinalLf, b'\n') => Ok(Place::End),
            (Place::LineStart | Place::Name | Place::Value, b'\n') => Err(HeadErrorKind::BareLf),
            (Place::LineStart, b'\r') => Ok(Place::FinalLf),
            (Place::LineStart, _) if is_token(octet) => {
                self.fields += 1;
                let is_allowed = self.fields <= FIELDS_MAX;
                is_allowed.then_some(Place::Name).ok_or(HeadErrorKind::TooManyFields)
            }
            (Place::Name, b':') => Ok(Place::Value),
            (Place::Name, _) if is_token(octet) => Ok(Place::Name),
            (Place::Value, b'\r') => Ok(Place::Lf),
            (Place::Value, _) if is_text(octet) => Ok(Place::Value),
            _ => Err(HeadErrorKind::FieldLine),
        }
    }
}
