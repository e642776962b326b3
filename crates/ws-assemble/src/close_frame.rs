//! Why a connection is closed (RFC 6455 sections 5.5.1 and 7.4).

use core::{fmt, str};

use crate::{
    control::ControlPayload, decode_error::DecodeErrorKind, header::CONTROL_BYTES_MAX,
    utf8::Utf8Validator,
};

/// Bytes of a reason at most: what a control frame holds beside the code.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// A code that may stand in a close frame.
///
/// 1000 to 1003, 1007 to 1014 and 3000 to 4999; 1005, 1006 and 1015 describe a connection and are
/// never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that this end does not take.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1007: data that do not match their type, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a policy that no other code names.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message too big to process.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the server did not negotiate an extension that the client needs.
    pub const EXTENSION_MISSING: Self = Self(1010);
    /// 1011: something unexpected on this end.
    pub const INTERNAL: Self = Self(1011);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// Returns the code with this number; `None` when it must not be sent.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The body of a close frame. Copies and allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    pub fn payload(&self) -> &[u8] {
        &self.body
    }
}

/// How a peer closed the connection: the body of its close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
