//! The fields of a head, by name.

use httparse::Header;

use super::{FIELDS_MAX, HEAD_BYTES_MAX, HandshakeError, HandshakeErrorKind, grammar::items};

/// Fields that lie in `head`.
pub(super) struct Fields<'a> {
    pub(super) head: &'a [u8],
    pub(super) fields: &'a [Header<'a>],
}

impl<'a> Fields<'a> {
    /// Returns the values of all fields of one name.
    pub(super) fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> + Clone {
        let fields = self.fields;
        fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// Returns the value of a field that must be there once.
    pub(super) fn one(
        &self,
        name: &'static str,
        kind: HandshakeErrorKind,
    ) -> Result<&'a [u8], HandshakeError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (_, Some(second)) => Err(self.error(kind, second)),
            (None, None) => Err(HandshakeError::new(kind, self.head.len())),
        }
    }

    /// Returns the items of a comma-separated list, which may be spread over several fields and have
    /// commas in quoted strings.
    pub(super) fn list(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let items = self.all(name).flat_map(items);
        items.map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
    }

    /// Returns whether a list has a token, in whatever case.
    pub(super) fn has_token(&self, name: &'static str, token: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// Creates an error at a value of this head.
    pub(super) fn error(&self, kind: HandshakeErrorKind, value: &[u8]) -> HandshakeError {
        let offset = value.as_ptr().addr().wrapping_sub(self.head.as_ptr().addr());
        HandshakeError::new(kind, offset.min(self.head.len()))
    }

    /// Creates an error for a field that is missing or says something else.
    pub(super) fn missing(&self, name: &'static str, kind: HandshakeErrorKind) -> HandshakeError {
        match self.all(name).next() {
            Some(value) => self.error(kind, value),
            None => HandshakeError::new(kind, self.head.len()),
        }
    }
}

/// Checks what a head is held to beside its grammar, whole or not yet.
pub(super) fn check(head: &[u8], is_whole: bool) -> Result<(), HandshakeError> {
    if let Some(index) = bare_line_feed(head) {
        return Err(HandshakeError::new(HandshakeErrorKind::LineEndInvalid, index));
    }
    if head.len() >= HEAD_BYTES_MAX + usize::from(is_whole) {
        return Err(HandshakeError::too_long());
    }
    Ok(())
}

/// Finds a line feed alone, which the parser takes for the end of a line.
fn bare_line_feed(head: &[u8]) -> Option<usize> {
    let mut feeds = head.iter().enumerate().filter(|&(_, &byte)| byte == b'\n');
    let is_bare = |index: usize| index.checked_sub(1).and_then(|at| head.get(at)) != Some(&b'\r');
    feeds.find(|&(index, _)| is_bare(index)).map(|(index, _)| index)
}

/// Says what is wrong with a head that the parser refused: what comes first, wherever it is cut.
pub(super) fn first_error(
    head: &[u8],
    error: httparse::Error,
    is_refused: impl FnOnce(&[u8]) -> bool,
) -> HandshakeError {
    match bare_line_feed(head) {
        Some(index) if !is_refused(&head[..=index]) => {
            HandshakeError::new(HandshakeErrorKind::LineEndInvalid, index)
        }
        _ => refused(error),
    }
}

/// Says what httparse refused. It does not say where.
fn refused(error: httparse::Error) -> HandshakeError {
    match error {
        httparse::Error::TooManyHeaders => {
            HandshakeError::new(HandshakeErrorKind::TooManyFields, 0)
        }
        _ => HandshakeError::new(HandshakeErrorKind::HeadInvalid, 0),
    }
}

/// Room for the fields of a head, on the stack.
pub(super) const fn room<'a>() -> [Header<'a>; FIELDS_MAX] {
    [httparse::EMPTY_HEADER; FIELDS_MAX]
}
