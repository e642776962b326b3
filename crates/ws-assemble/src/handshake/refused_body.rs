//! The start of the body of a refusal, for who reports it.

use super::head::Head;

/// Collects a body until its end or a limit. A body that is malformed ends there: it explains
/// something, and nothing is read after it.
#[derive(Clone, Debug)]
pub(super) struct RefusedBody {
    pub(super) bytes: Vec<u8>,
    framing: Framing,
}

/// What comes next of the body (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// This many bytes, then the end.
    Length(u64),
    UntilEnd,
    /// The line of a chunk's size, of which this much was read.
    ChunkSize(u64),
    /// The rest of such a line.
    ChunkExtension(u64),
    /// This many bytes and a line end.
    ChunkData(u64),
}

impl RefusedBody {
    pub(super) fn new(head: &Head) -> Self {
        let length = head.values("content-length").next();
        let length = length.map(|value| str::from_utf8(value).ok()?.parse().ok());
        let framing = match length {
            _ if head.has_token("transfer-encoding", "chunked") => Framing::ChunkSize(0),
            _ if matches!(head.start_line()[1], "204" | "304") => Framing::Length(0),
            None => Framing::UntilEnd,
            Some(length) => Framing::Length(length.unwrap_or(0)),
        };
        Self { bytes: Vec::new(), framing }
    }

    /// Takes what belongs to the body from the front of `received`; returns whether that is all.
    pub(super) fn read(&mut self, received: &mut &[u8], bytes_max: usize) -> bool {
        loop {
            let spare = bytes_max.saturating_sub(self.bytes.len());
            if spare == 0 || self.framing == Framing::Length(0) {
                return true;
            }
            let Some((&first, rest)) = received.split_first() else { return false };
            self.framing = match self.framing {
                Framing::UntilEnd => {
                    self.take(received, spare);
                    Framing::UntilEnd
                }
                Framing::Length(left) => {
                    Framing::Length(left - self.take_some(received, spare, left))
                }
                Framing::ChunkData(left @ 3..) => {
                    Framing::ChunkData(left - self.take_some(received, spare, left - 2))
                }
                other => {
                    *received = rest;
                    other.after(first)
                }
            };
        }
    }

    fn take_some(&mut self, received: &mut &[u8], spare: usize, left: u64) -> u64 {
        self.take(received, usize::try_from(left).map_or(spare, |left| left.min(spare))) as u64
    }

    fn take(&mut self, received: &mut &[u8], bytes_max: usize) -> usize {
        let (taken, rest) = received.split_at(received.len().min(bytes_max));
        self.bytes.extend_from_slice(taken);
        *received = rest;
        taken.len()
    }
}

impl Framing {
    /// Returns what comes after a byte that is framing.
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::ChunkSize(0) | Self::ChunkExtension(0), b'\n') => Self::Length(0),
            // The line end after the data counts as well.
            (Self::ChunkSize(size) | Self::ChunkExtension(size), b'\n') => {
                Self::ChunkData(size + 2)
            }
            (Self::ChunkExtension(size), _) => Self::ChunkExtension(size),
            (Self::ChunkSize(size), _) => match char::from(byte).to_digit(16) {
                // No body is as long as 2^48.
                Some(digit) if size < 1 << 44 => Self::ChunkSize(size << 4 | u64::from(digit)),
                Some(_) => Self::Length(0),
                None => Self::ChunkExtension(size),
            },
            (Self::ChunkData(2), b'\r') => Self::ChunkData(1),
            (Self::ChunkData(1), b'\n') => Self::ChunkSize(0),
            _ => Self::Length(0),
        }
    }
}
