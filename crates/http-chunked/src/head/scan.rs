//! The grammar of a head, an octet at a time (RFC 9112 §2.1, §5).

use super::{FIELDS_MAX, HeadErrorKind, Refusal, StartLine};
use crate::octet::{is_blank, is_text, is_token};

/// A head as far as it was seen.
#[derive(Debug)]
pub(super) struct HeadScan<L: StartLine> {
    place: Place<L::Place>,
    /// Octets that were seen.
    len: usize,
    /// Fields that began.
    fields: usize,
    is_folded: bool,
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

impl<L: StartLine> Clone for HeadScan<L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L: StartLine> Copy for HeadScan<L> {}

impl<L: StartLine> HeadScan<L> {
    pub(super) fn new() -> Self {
        let place = Place::StartLine(L::Place::default());
        Self { place, len: 0, fields: 0, is_folded: false }
    }

    /// Looks at the octets after those seen before. Returns how many of them the head has when it
    /// ends in them. On an error, the second part is the offset in the head.
    pub(super) fn read(&mut self, octets: &[u8]) -> Result<Option<usize>, Refusal> {
        for (index, &octet) in octets.iter().enumerate() {
            self.place = self.next(octet).map_err(|kind| (kind, self.len))?;
            self.len += 1;
            if matches!(self.place, Place::End) {
                return Ok(Some(index + 1));
            }
        }
        Ok(None)
    }

    /// Returns whether a field line goes on in the next one.
    pub(super) const fn is_folded(&self) -> bool {
        self.is_folded
    }

    /// Says what is too long when the head may have no more octets.
    pub(super) fn too_long(&self) -> HeadErrorKind {
        match self.place {
            Place::StartLine(place) => L::too_long(place),
            _ => HeadErrorKind::TooLong,
        }
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
            // Not right after the start line: there is nothing that goes on (RFC 9112 §2.2).
            (Place::LineStart, _) if is_blank(octet) && self.fields > 0 && !L::IS_REQUEST => {
                self.is_folded = true;
                Ok(Place::Value)
            }
            (Place::Name, b':') => Ok(Place::Value),
            (Place::Name, _) if is_token(octet) => Ok(Place::Name),
            (Place::Value, b'\r') => Ok(Place::Lf),
            (Place::Value, _) if is_text(octet) => Ok(Place::Value),
            _ => Err(HeadErrorKind::FieldLine),
        }
    }
}
