//! What the values of a head consist of.

/// Returns whether this is a token (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_allowed)
}

/// Returns whether this is a host with or without a port (RFC 9110 section 7.2). It may be empty.
pub(super) fn is_host(text: &[u8]) -> bool {
    let (host, port) = match text.iter().rposition(|&byte| byte == b':') {
        Some(at) if !text[at..].contains(&b']') => (&text[..at], &text[at + 1..]),
        _ => (text, &[][..]),
    };
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_host = match host {
        // An address of IPv6 or later.
        [b'[', address @ .., b']'] => {
            !address.is_empty() && address.iter().all(|byte| *byte == b':' || is_allowed(byte))
        }
        name => name.iter().all(is_allowed),
    };
    is_host && port.iter().all(u8::is_ascii_digit)
}

/// Returns whether this is the target of an upgrade: a path, or an absolute URI, without a fragment
/// (RFC 6455 sections 3 and 4.2.1).
///
/// Characters that a URI has only in encoded form are let through: browsers send some as they are.
pub(super) fn is_target(text: &[u8]) -> bool {
    let starts_with = |start: &str| {
        text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
    };
    let is_whole = ["/", "http://", "https://", "ws://", "wss://"].into_iter().any(starts_with);
    is_whole && text.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'#')
}

/// Returns the items of a list between commas, those in quoted strings apart (RFC 9110 sections 5.6.1
/// and 5.6.4).
pub(super) fn items(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |&byte| {
        let was_escaped = core::mem::replace(&mut is_escaped, false);
        match byte {
            _ if was_escaped => {}
            b'\\' => is_escaped = is_quoted,
            b'"' => is_quoted = !is_quoted,
            _ => return byte == b',' && !is_quoted,
        }
        false
    })
}
