//! A head that comes in pieces.

use super::{
    FIELDS_MAX, HEAD_BYTES_MAX, HandshakeError, HandshakeErrorKind, grammar::is_token, head::Head,
};

/// Reads a head line by line. Looks at each byte once, wherever the input is cut.
#[derive(Clone, Debug)]
pub(super) struct HeadReader {
    bytes: Vec<u8>,
    /// Where the line begins that is not whole yet.
    line: usize,
    /// Where the start line begins, once it was read, and where the fields do.
    start: Option<(usize, usize)>,
    field_count: usize,
    pub(super) head_bytes_max: usize,
}

impl HeadReader {
    pub(super) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            line: 0,
            start: None,
            field_count: 0,
            head_bytes_max: HEAD_BYTES_MAX,
        }
    }

    /// Returns how much of a head has come.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Reads a head from the front of `received`, and leaves there what comes after it. After a whole
    /// head another can be read.
    pub(super) fn read(
        &mut self,
        received: &mut &[u8],
        is_start_line: fn(&[u8]) -> bool,
    ) -> Result<Option<Head>, HandshakeError> {
        while !received.is_empty() {
            let spare = self.head_bytes_max.saturating_sub(self.bytes.len());
            let piece = &received[..received.len().min(spare)];
            let end = piece.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
            let (piece, rest) = received.split_at(end.unwrap_or(piece.len()));
            *received = rest;
            let is_control = |&byte: &u8| byte.is_ascii_control() && !b"\t\r\n".contains(&byte);
            if let Some(at) = piece.iter().position(is_control) {
                return Err(HandshakeError::new(
                    HandshakeErrorKind::HeadInvalid,
                    self.bytes.len() + at,
                ));
            }
            self.bytes.extend_from_slice(piece);
            if end.is_some() && self.end_line(is_start_line)? {
                let Self { head_bytes_max, .. } = *self;
                let read = core::mem::replace(self, Self { head_bytes_max, ..Self::new() });
                let (start, fields) = read.start.unwrap_or_default();
                let mut bytes = read.bytes;
                bytes.truncate(read.line);
                return Ok(Some(Head::of(bytes, start, fields)));
            }
            if self.bytes.len() >= self.head_bytes_max {
                return Err(HandshakeError::new(
                    HandshakeErrorKind::HeadTooLong,
                    self.head_bytes_max,
                ));
            }
        }
        Ok(None)
    }

    /// Checks the line that has ended; returns whether it ends the head.
    fn end_line(&mut self, is_start_line: fn(&[u8]) -> bool) -> Result<bool, HandshakeError> {
        let (begin, end) = (self.line, self.bytes.len());
        let Some(line) = self.bytes[begin..].strip_suffix(b"\r\n") else {
            return Err(HandshakeError::new(HandshakeErrorKind::LineEndInvalid, end - 1));
        };
        let invalid = |at| Err(HandshakeError::new(HandshakeErrorKind::HeadInvalid, begin + at));
        if let Some(at) = line.iter().position(|&byte| byte == b'\r') {
            return invalid(at);
        }
        match self.start {
            // Empty lines before a message are ignored (RFC 9112 section 2.2).
            None if line.is_empty() => {}
            None if !is_start_line(line) => return invalid(0),
            None => self.start = Some((begin, end)),
            Some(_) if line.is_empty() => return Ok(true),
            Some(_) => {
                self.field_count += 1;
                if self.field_count > FIELDS_MAX {
                    return Err(HandshakeError::new(HandshakeErrorKind::TooManyFields, begin));
                }
                let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
                if !is_token(&line[..colon]) {
                    return invalid(0);
                }
            }
        }
        self.line = end;
        Ok(false)
    }
}
