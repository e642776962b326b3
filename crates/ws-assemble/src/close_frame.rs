//! The body of a close frame, as sent and as received (RFC 6455 section 5.5.1).

use core::str;

use crate::{
    close_code::CloseCode, control::ControlPayload, decode_error::DecodeErrorKind,
    header::CONTROL_BYTES_MAX, utf8::Utf8Validator,
};

/// Bytes of a reason at most: what a control frame holds beside the code.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// The body of a close frame. A reason of more than 20 bytes is allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    code: CloseCode,
    /// Code and reason as they stand in the frame.
    body: ControlPayload,
}

impl CloseFrame {
    /// Creates a body. Reasons are cut at a character's end to at most 123 bytes.
    #[must_use]
    pub fn new(code: CloseCode, reason: &str) -> Self {
        let mut end = reason.len().min(REASON_BYTES_MAX);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let mut body = ControlPayload::EMPTY;
        body.extend_from_slice(&code.get().to_be_bytes());
        body.extend_from_slice(&reason.as_bytes()[..end]);
        Self { code, body }
    }

    /// Reads a body; `None` when it is empty, which is legal.
    ///
    /// # Errors
    ///
    /// What is wrong, and the index of the refused byte.
    pub(crate) fn parse(body: ControlPayload) -> Result<Option<Self>, (DecodeErrorKind, usize)> {
        let &[high, low, ref reason @ ..] = &*body else {
            return match body.len() {
                0 => Ok(None),
                _ => Err((DecodeErrorKind::CloseTooShort, 0)),
            };
        };
        let code = CloseCode::new(u16::from_be_bytes([high, low]))
            .ok_or((DecodeErrorKind::CloseCodeInvalid, 0))?;
        let mut utf8 = Utf8Validator::new();
        utf8.push(reason).map_err(|index| (DecodeErrorKind::Utf8Invalid, 2 + index))?;
        if !utf8.is_complete() {
            return Err((DecodeErrorKind::Utf8Invalid, body.len()));
        }
        Ok(Some(Self { code, body }))
    }

    /// Returns the code.
    #[must_use]
    pub const fn code(&self) -> CloseCode {
        self.code
    }

    /// Returns the reason, which may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        // UTF-8 by construction.
        str::from_utf8(&self.body[2..]).unwrap_or_default()
    }

    /// Returns the payload of a close frame with this body.
    #[must_use]
    pub const fn payload(&self) -> &ControlPayload {
        &self.body
    }
}

/// How a peer closed the connection: the body of its close frame. No other will come: the body has a code or is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerClose {
    /// The close frame was empty, which is legal.
    WithoutCode,
    /// The close frame had a code and perhaps a reason.
    Frame(CloseFrame),
}

impl PeerClose {
    /// Returns the code as RFC 6455 section 7.1.5 has it: 1005 when the frame was empty.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::WithoutCode => 1005,
            Self::Frame(close) => close.code().get(),
        }
    }

    /// Returns the code; `None` when the frame was empty.
    #[must_use]
    pub const fn code(&self) -> Option<CloseCode> {
        match self {
            Self::WithoutCode => None,
            Self::Frame(close) => Some(close.code()),
        }
    }

    /// Returns the reason, which is for logs (RFC 6455 section 7.1.6); empty when there was none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::WithoutCode => "",
            Self::Frame(close) => close.reason(),
        }
    }
}
