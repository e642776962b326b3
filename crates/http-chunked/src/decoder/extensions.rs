//! What a size line says beside the size.

use core::iter::FusedIterator;
use std::borrow::Cow;

use crate::octet::{is_blank, is_token};

/// The extensions of one size line, in the order received (RFC 9112 §7.1.1).
///
/// An iterator over octets that the decoder has checked already. See
/// [`Decoder::keep_extensions`](crate::Decoder::keep_extensions).
#[derive(Clone, Debug, Default)]
pub struct Extensions<'a> {
    /// `*( BWS ";" BWS name [ BWS "=" BWS value ] )`
    rest: &'a [u8],
}

/// A chunk extension: a name and perhaps a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    name: &'a [u8],
    value: Option<&'a [u8]>,
}

impl<'a> Extension<'a> {
    /// Returns the name, a token. RFC 9112 does not say whether case matters in it.
    #[must_use]
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// Returns the value as it was written: a token, or a quoted string with its quotes.
    #[must_use]
    pub const fn raw_value(&self) -> Option<&'a [u8]> {
        self.value
    }

    /// Returns the value without quotes and backslashes; allocates only to take out a backslash.
    #[must_use]
    pub fn value(&self) -> Option<Cow<'a, [u8]>> {
        let Some([b'"', inner @ .., b'"']) = self.value else {
            return self.value.map(Cow::Borrowed);
        };
        if !inner.contains(&b'\\') {
            return Some(Cow::Borrowed(inner));
        }
        let mut plain = Vec::with_capacity(inner.len());
        let mut octets = inner.iter();
        while let Some(&octet) = octets.next() {
            plain.push(if octet == b'\\' { *octets.next().unwrap_or(&octet) } else { octet });
        }
        Some(Cow::Owned(plain))
    }
}

impl<'a> Extensions<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    /// Takes octets from the front for as long as `belongs` says so.
    fn take_while(&mut self, mut belongs: impl FnMut(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().position(|&octet| !belongs(octet)).unwrap_or(self.rest.len());
        let (front, rest) = self.rest.split_at(len);
        self.rest = rest;
        front
    }

    /// Takes whitespace and then `mark`; takes nothing when something else comes.
    fn take_mark(&mut self, mark: u8) -> bool {
        let before = self.rest;
        self.take_while(is_blank);
        let found = self.rest.first() == Some(&mark);
        self.rest = if found { &self.rest[1..] } else { before };
        self.take_while(|octet| found && is_blank(octet));
        found
    }

    fn take_value(&mut self) -> &'a [u8] {
        if self.rest.first() != Some(&b'"') {
            return self.take_while(is_token);
        }
        // Quotes seen, and whether the octet before was a backslash that quotes this one.
        let (mut quotes, mut quoted) = (0, false);
        self.take_while(|octet| {
            let open = quotes < 2;
            quotes += u8::from(open && octet == b'"' && !quoted);
            quoted = octet == b'\\' && !quoted;
            open
        })
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        if !self.take_mark(b';') {
            return None;
        }
        let name = self.take_while(is_token);
        let value = self.take_mark(b'=').then(|| self.take_value());
        Some(Extension { name, value })
    }
}

impl FusedIterator for Extensions<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_found_in_all_their_forms() {
        let line = b" ;a\t;\tb = c ; d=\"e;f=\\\"g\\\\\";h=\"\"";
        let found: Vec<_> = Extensions::new(line).map(|e| (e.name, e.raw_value())).collect();
        let expected: [(&[u8], Option<&[u8]>); 4] = [
            (b"a", None),
            (b"b", Some(b"c")),
            (b"d", Some(b"\"e;f=\\\"g\\\\\"")),
            (b"h", Some(b"\"\"")),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_loses_its_quotes_and_backslashes() {
        let values = Extensions::new(b";a=\"e\\\"g\\\\\";b=\"\";c=d;e");
        let plain: Vec<_> = values.map(|e| e.value().map(Cow::into_owned)).collect();
        let expected = [Some(b"e\"g\\".to_vec()), Some(Vec::new()), Some(b"d".to_vec()), None];
        assert_eq!(plain, expected);
    }

    #[test]
    fn no_octets_are_no_extensions() {
        assert_eq!(Extensions::default().next(), None);
    }
}
