//! The frames that most messages are.

use crate::{message::MessageKind, opcode::Role};

/// A message of one frame that lies in the input from its first byte to its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeFrame {
    pub(super) kind: MessageKind,
    pub(super) key: [u8; 4],
    pub(super) header_len: usize,
    pub(super) payload_len: usize,
}

impl WholeFrame {
    /// Finds one at the start of `input`; `None` for whatever is special in any way.
    #[inline]
    pub(super) fn find(input: &[u8], role: Role) -> Option<Self> {
        let &[first, second, ref rest @ ..] = input else { return None };
        let kind = match first {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        let is_masked = second & 0x80 != 0;
        if is_masked != role.receives_masked() {
            return None;
        }
        let (mut header_len, payload_len) = match (second & 0x7f, rest) {
            (len @ ..=125, _) => (2, usize::from(len)),
            (126, &[high, low, ..]) => (4, usize::from(u16::from_be_bytes([high, low]))),
            _ => return None,
        };
        // Lengths in a longer form than they need are refused elsewhere.
        if header_len == 4 && payload_len < 126 {
            return None;
        }
        let mut key = [0; 4];
        if is_masked {
            key = *input[header_len..].first_chunk()?;
            header_len += 4;
        }
        let is_whole = header_len + payload_len <= input.len();
        is_whole.then_some(Self { kind, key, header_len, payload_len })
    }
}
