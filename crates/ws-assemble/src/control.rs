//! The payload of a control frame.

use core::{fmt, ops::Deref};

use crate::header::CONTROL_BYTES_MAX;

/// At most 125 bytes, in place: a control frame allocates nothing and keeps no segment.
#[derive(Clone, Copy)]
pub struct ControlPayload {
    bytes: [u8; CONTROL_BYTES_MAX],
    len: u8,
}

impl ControlPayload {
    /// No bytes.
    pub const EMPTY: Self = Self { bytes: [0; CONTROL_BYTES_MAX], len: 0 };

    /// Copies bytes; `None` when there are more than 125.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > CONTROL_BYTES_MAX {
            return None;
        }
        let mut payload = Self::EMPTY;
        payload.extend_from_slice(bytes);
        Some(payload)
    }

    /// Appends as many bytes as fit.
    pub(crate) fn extend_from_slice(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        let count = bytes.len().min(CONTROL_BYTES_MAX - start);
        self.bytes[start..start + count].copy_from_slice(&bytes[..count]);
        // At most 125.
        #[expect(clippy::cast_possible_truncation)]
        let len = (start + count) as u8;
        self.len = len;
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..usize::from(self.len)]
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for ControlPayload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ControlPayload {}

impl fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}
