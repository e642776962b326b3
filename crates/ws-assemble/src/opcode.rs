//! What a frame is (RFC 6455 section 5.2).

/// The kind of a frame. No other will come: the reserved opcodes of RFC 6455 are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the open message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The start of the closing handshake.
    Close = 0x8,
    /// A request for a pong.
    Ping = 0x9,
    /// The answer to a ping, or a heartbeat on its own.
    Pong = 0xa,
}

impl Opcode {
    /// Returns the opcode with this number; `None` for the reserved ones, 3 to 7 and 11 to 15.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Returns whether this is a control frame: short, never fragmented, allowed between fragments.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}
