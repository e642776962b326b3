//! The head of a request or a response: a start line and field lines.

use super::{
    HandshakeError, HandshakeErrorKind,
    grammar::{is_own_field, is_token, is_value, items},
};

/// A start line and field lines, each with its CRLF, without the empty line after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// May begin with empty lines, which a receiver ignores (RFC 9112 section 2.2).
    bytes: Vec<u8>,
    start: usize,
    fields: usize,
}

impl Head {
    /// Creates a head without fields. The line has no line end, and was checked.
    pub(super) fn new(start_line: &str) -> Self {
        let bytes = [start_line, "\r\n"].concat().into_bytes();
        Self { start: 0, fields: bytes.len(), bytes }
    }

    /// Takes over what was read and checked: the start line is at `start`, the fields at `fields`.
    pub(super) const fn of(bytes: Vec<u8>, start: usize, fields: usize) -> Self {
        Self { bytes, start, fields }
    }

    /// Appends a field.
    ///
    /// # Errors
    ///
    /// When the name is no token, or the value has a line end or another control character: it would
    /// make other fields of it.
    pub(super) fn push(&mut self, name: &str, value: &[u8]) -> Result<(), HandshakeError> {
        if !is_token(name.as_bytes()) || !is_value(value) {
            return Err(HandshakeError::new(HandshakeErrorKind::FieldInvalid, self.bytes.len()));
        }
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.bytes.extend_from_slice(part);
        }
        Ok(())
    }

    /// Appends a field that the user of this crate makes, which must not be one of the handshake's own.
    pub(super) fn push_foreign(&mut self, name: &str, value: &[u8]) -> Result<(), HandshakeError> {
        if is_own_field(name) {
            return Err(HandshakeError::new(HandshakeErrorKind::FieldInvalid, self.bytes.len()));
        }
        self.push(name, value)
    }

    /// Appends a field that this crate makes.
    pub(super) fn push_own(&mut self, name: &str, value: &str) {
        let pushed = self.push(name, value.as_bytes());
        debug_assert!(pushed.is_ok(), "{name}: {value:?}");
    }

    /// Returns the head as it is sent.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.bytes[self.start..], b"\r\n"].concat()
    }

    /// Returns the start line's elements. The last may have spaces in it.
    pub(super) fn start_line(&self) -> [&str; 3] {
        // What is not UTF-8 was refused, or is a reason phrase that nobody reads.
        let line = &self.bytes[self.start..self.fields - 2];
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        [(); 3].map(|()| parts.next().and_then(|part| str::from_utf8(part).ok()).unwrap_or(""))
    }

    /// Returns where the start line's second element is.
    pub(super) fn target_offset(&self) -> usize {
        let line = &self.bytes[self.start..];
        self.start + line.iter().position(|&byte| byte == b' ').map_or(0, |at| at + 1)
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields { lines: &self.bytes[self.fields..] }
    }

    /// Returns the values of all fields of one name, in any case.
    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let fields = self.fields().filter(move |(found, _)| found.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| value)
    }

    /// Returns the value of a field that must be there once.
    pub(super) fn one(
        &self,
        name: &str,
        kind: HandshakeErrorKind,
    ) -> Result<&[u8], HandshakeError> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (_, Some(second)) => Err(self.error(kind, second)),
            (None, None) => Err(self.missing(name, kind)),
        }
    }

    /// Returns the items of a comma-separated list, which may be spread over several fields and have
    /// empty items (RFC 9110 section 5.6.1).
    pub(super) fn list<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name).flat_map(items)
    }

    /// Returns whether a list has a token, in any case.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Creates an error at a part of this head.
    pub(super) fn error(&self, kind: HandshakeErrorKind, part: &[u8]) -> HandshakeError {
        let offset = part.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr());
        HandshakeError::new(kind, offset.min(self.len()))
    }

    /// Creates an error for a field that is missing or says something else.
    pub(super) fn missing(&self, name: &str, kind: HandshakeErrorKind) -> HandshakeError {
        match self.values(name).next() {
            Some(value) => self.error(kind, value),
            None => HandshakeError::new(kind, self.len()),
        }
    }

    /// Returns the length as it is sent.
    pub(super) const fn len(&self) -> usize {
        self.bytes.len() + 2
    }
}

/// Names and values of field lines, which were checked.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    lines: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.lines.iter().position(|&byte| byte == b'\n')? + 1;
        let line = &self.lines[..end - 2];
        self.lines = &self.lines[end..];
        let colon = line.iter().position(|&byte| byte == b':')?;
        let name = str::from_utf8(&line[..colon]).ok()?;
        Some((name, line[colon + 1..].trim_ascii()))
    }
}
