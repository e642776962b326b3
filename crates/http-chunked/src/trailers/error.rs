//! Why a trailer field was refused.

use core::{error::Error, fmt};

/// A trailer field that must not be sent, and where it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailerError {
    kind: TrailerErrorKind,
    offset: u64,
}

/// The reason in a [`TrailerError`]. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrailerErrorKind {
    /// The name is no token (RFC 9110 §5.1).
    Name,
    /// The value has an octet that no field value may hold (RFC 9110 §5.5).
    Value,
    /// The field must not come as a trailer (RFC 9110 §6.5.1); see
    /// [`is_forbidden_trailer`](crate::is_forbidden_trailer).
    Forbidden,
}

impl TrailerError {
    pub(crate) const fn new(kind: TrailerErrorKind, offset: usize) -> Self {
        Self { kind, offset: offset as u64 }
    }

    /// Returns what was wrong.
    #[must_use]
    pub const fn kind(&self) -> TrailerErrorKind {
        self.kind
    }

    /// Returns the octets of the name, or of the value, before the one that was refused.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for TrailerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TrailerErrorKind::Name => {
                write!(f, "trailer field name is no token at byte {}", self.offset)
            }
            TrailerErrorKind::Value => {
                write!(f, "trailer field value holds a control character at byte {}", self.offset)
            }
            TrailerErrorKind::Forbidden => f.write_str("field is not allowed as a trailer"),
        }
    }
}

impl Error for TrailerError {}
