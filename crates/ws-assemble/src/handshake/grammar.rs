//! What heads consist of.

use crate::quoted_string::unquoted;

/// Returns whether this is a token (RFC 9110 section 5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_allowed)
}

/// Returns whether this can be a field's value: no line end and no other control character (RFC 9110
/// section 5.5).
pub(super) fn is_value(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b'\t' || !byte.is_ascii_control())
}

/// Returns whether this is a request's first line: method, target, version.
pub(super) fn is_request_line(line: &[u8]) -> bool {
    let mut parts = line.split(|&byte| byte == b' ');
    let (method, target, version) = (parts.next(), parts.next(), parts.next());
    method.is_some_and(is_token)
        && target.is_some_and(|target| !target.is_empty())
        && version.is_some_and(is_version)
        && parts.next().is_none()
}

/// Returns whether this is a response's first line: version, status, and a reason, which may be
/// missing along with its space.
pub(super) fn is_status_line(line: &[u8]) -> bool {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let is_status = |text: &[u8]| matches!(text, [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9']);
    parts.next().is_some_and(is_version) && parts.next().is_some_and(is_status)
}

fn is_version(text: &[u8]) -> bool {
    matches!(text, [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'])
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

/// Returns the first part of a `Sec-WebSocket-Extensions` value that breaks the grammar, or all of it
/// when it names no extension (RFC 6455 section 9.1).
///
/// A quoted value must be a token without its quotes and escapes. So no comma and no semicolon can
/// stand in one, and a valid value may be split at each of them.
pub(super) fn invalid_extension(list: &[u8]) -> Option<&[u8]> {
    let mut extensions = items(list).peekable();
    if extensions.peek().is_none() {
        return Some(list);
    }
    extensions.find_map(|extension| {
        let mut parts = extension.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().filter(|name| !is_token(name));
        name.or_else(|| parts.find(|part| !is_parameter(part)))
    })
}

fn is_parameter(text: &[u8]) -> bool {
    let Some(equals) = text.iter().position(|&byte| byte == b'=') else { return is_token(text) };
    let (name, value) = (text[..equals].trim_ascii(), text[equals + 1..].trim_ascii());
    is_token(name) && unquoted(value).is_some_and(|value| is_token(&value))
}

/// Returns whether the handshake sends this field itself, or it frames a body.
pub(crate) fn is_own_field(name: &str) -> bool {
    const OWN: [&str; 5] = ["connection", "content-length", "host", "transfer-encoding", "upgrade"];
    let is_own = OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
    let prefix = name.as_bytes().get(.."sec-websocket-".len());
    is_own || prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"sec-websocket-"))
}

/// Returns the items between commas that are not empty.
pub(super) fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    let items = list.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty())
}
