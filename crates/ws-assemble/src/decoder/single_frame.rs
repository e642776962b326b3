//! The frames that most messages are.

use core::ops::Range;

use seg_pool::SegmentMut;

use crate::{
    message::{Message, MessageKind},
    role::Role,
};

/// A message of one frame whose header lies at the start of the input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SingleFrame {
    pub(super) kind: MessageKind,
    /// Zeroes in a frame without a mask.
    pub(super) key: [u8; 4],
    pub(super) header_len: usize,
    pub(super) payload_len: usize,
}

impl SingleFrame {
    /// Finds one at the start of `input`; `None` for whatever is special in any way.
    #[inline]
    pub(super) fn find(input: &[u8], role: Role) -> Option<Self> {
        if let (true, Some(&[first, second, ref key @ ..])) =
            (role.receives_masked(), input.first_chunk::<6>())
        {
            // Most messages are short and come from a client.
            let payload_len = usize::from(second ^ 0x80);
            if payload_len < 126 {
                let kind = Self::kind(first)?;
                return Some(Self { kind, key: *key, header_len: 6, payload_len });
            }
        }
        Self::find_other(input, role)
    }

    const fn kind(first: u8) -> Option<MessageKind> {
        match first {
            0x81 => Some(MessageKind::Text),
            0x82 => Some(MessageKind::Binary),
            _ => None,
        }
    }

    fn find_other(input: &[u8], role: Role) -> Option<Self> {
        let &[first, second, ref rest @ ..] = input else { return None };
        let kind = Self::kind(first)?;
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
        Some(Self { kind, key, header_len, payload_len })
    }

    /// Returns whether all of the message is in `input`.
    #[inline]
    pub(super) const fn is_whole(&self, input: &SegmentMut) -> bool {
        self.header_len + self.payload_len <= input.len()
    }

    /// Returns where in the input the payload lies.
    #[inline]
    pub(super) const fn range(&self) -> Range<usize> {
        self.header_len..self.header_len + self.payload_len
    }

    /// Takes the message, once it is unmasked, and its header from the front of `input`.
    #[inline]
    pub(crate) fn take(self, input: &mut SegmentMut) -> Message {
        Message::of_segment(self.kind, input.freeze_range(self.range()))
    }
}
