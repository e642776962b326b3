//! The payload of a control frame.

use core::{fmt, ops::Deref};

use crate::header::CONTROL_BYTES_MAX;

/// What lies in place. Pings, pongs and close frames without a long reason are no longer.
const INLINE_BYTES_MAX: usize = 22;

/// At most 125 bytes. Up to 22 lie in place, more in one allocation; no segment is kept.
#[derive(Clone)]
pub struct ControlPayload(Bytes);

#[derive(Clone)]
enum Bytes {
    Inline(Array<INLINE_BYTES_MAX>),
    Allocated(Box<Array<CONTROL_BYTES_MAX>>),
}

/// The first bytes of an array.
#[derive(Clone)]
struct Array<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Array<N> {
    const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    fn filled(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn filled_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..usize::from(self.len)]
    }

    /// Appends bytes, for which there is space.
    fn append(&mut self, bytes: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "at most 125")]
        let len = (start + bytes.len()) as u8;
        self.len = len;
    }
}

impl ControlPayload {
    /// No bytes.
    pub const EMPTY: Self = Self(Bytes::Inline(Array::EMPTY));

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
        let len = self.len();
        let bytes = &bytes[..bytes.len().min(CONTROL_BYTES_MAX - len)];
        match &mut self.0 {
            Bytes::Inline(inline) if len + bytes.len() <= INLINE_BYTES_MAX => inline.append(bytes),
            Bytes::Inline(inline) => {
                let mut array = Box::new(Array::EMPTY);
                array.append(inline.filled());
                array.append(bytes);
                self.0 = Bytes::Allocated(array);
            }
            Bytes::Allocated(array) => array.append(bytes),
        }
    }

    pub(crate) fn filled_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Bytes::Inline(inline) => inline.filled_mut(),
            Bytes::Allocated(array) => array.filled_mut(),
        }
    }
}

impl Default for ControlPayload {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl Deref for ControlPayload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Inline(inline) => inline.filled(),
            Bytes::Allocated(array) => array.filled(),
        }
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
