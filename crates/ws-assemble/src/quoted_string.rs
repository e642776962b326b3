//! Values that may stand in quotes.

use std::borrow::Cow;

/// Returns a value without quotes and escapes, if it has some (RFC 9110 section 5.6.4); `None` when
/// its last quote is escaped.
pub(crate) fn unquoted(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [b'"', quoted @ .., b'"'] = value else { return Some(Cow::Borrowed(value)) };
    let mut is_escaped = false;
    let stays = |byte: &u8| {
        is_escaped = *byte == b'\\' && !is_escaped;
        !is_escaped
    };
    let text = quoted.iter().copied().filter(stays).collect();
    (!is_escaped).then_some(Cow::Owned(text))
}
