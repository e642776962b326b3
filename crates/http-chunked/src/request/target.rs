//! The forms of a request target and of a host (RFC 9112 §3.2).

/// Returns the first octet of a target that is refused, if any is.
///
/// Only the octets that cannot be in a target at all are refused, not those that a client should
/// have escaped: browsers send some of them.
pub(super) fn refused_octet(target: &[u8]) -> Option<usize> {
    target.iter().position(|&octet| !octet.is_ascii_graphic() || octet == b'#')
}

/// Returns whether a target has a form that the method has.
pub(super) fn has_form(method: &str, target: &[u8]) -> bool {
    match (method, target) {
        // authority-form, and nothing else
        ("CONNECT", _) => is_authority_with_port(target),
        // asterisk-form
        ("OPTIONS", b"*") => true,
        // origin-form
        (_, [b'/', ..]) => true,
        _ => is_absolute(target),
    }
}

/// Returns whether a `Host` field has a host and perhaps a port, or nothing at all, which is right
/// for a target without an authority.
pub(super) fn is_host(value: &[u8]) -> bool {
    let (host, port) = split_port(value);
    port.is_none_or(|port| port.iter().all(u8::is_ascii_digit))
        && (is_name(host) || (host.is_empty() && port.is_none()))
}

fn is_authority_with_port(target: &[u8]) -> bool {
    let (host, port) = split_port(target);
    let is_port = |port: &[u8]| !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    is_name(host) && port.is_some_and(is_port)
}

/// `absolute-form`: a scheme, and what it is for.
fn is_absolute(target: &[u8]) -> bool {
    let Some(colon) = target.iter().position(|&octet| octet == b':') else { return false };
    let (scheme, rest) = target.split_at(colon);
    let is_inside = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(is_inside)
        && rest.len() > 1
}

fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    // The colons in an IP literal are not before a port.
    let start = authority.iter().rposition(|&octet| octet == b']').map_or(0, |end| end + 1);
    match authority[start..].iter().position(|&octet| octet == b':') {
        Some(colon) => (&authority[..start + colon], Some(&authority[start + colon + 1..])),
        None => (authority, None),
    }
}

/// `uri-host`: an IP literal in brackets, an IPv4 address or a name (RFC 3986 §3.2.2).
fn is_name(host: &[u8]) -> bool {
    if let [b'[', inner @ .., b']'] = host {
        let is_inside =
            |octet: &u8| octet.is_ascii_alphanumeric() || b":.-_~!$&'()*+,;=%".contains(octet);
        return !inner.is_empty() && inner.iter().all(is_inside);
    }
    let is_inside =
        |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(octet);
    !host.is_empty() && host.iter().all(is_inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_has_its_forms() {
        for (method, target, expected) in [
            ("GET", "/", true),
            ("GET", "/a?b=c", true),
            ("GET", "//a", true),
            ("GET", "http://example.org/", true),
            ("GET", "coap+tcp://example.org", true),
            ("GET", "*", false),
            ("GET", "", false),
            ("GET", "a", false),
            ("GET", "?a", false),
            ("GET", "1http://a", false),
            ("GET", "http:", false),
            ("OPTIONS", "*", true),
            ("OPTIONS", "/", true),
            ("OPTIONS", "**", false),
            ("CONNECT", "example.org:443", true),
            ("CONNECT", "[::1]:443", true),
            ("CONNECT", "example.org", false),
            ("CONNECT", "example.org:", false),
            ("CONNECT", ":443", false),
            ("CONNECT", "[::1]", false),
            ("CONNECT", "user@example.org:443", false),
            ("CONNECT", "/", false),
            ("CONNECT", "http://example.org:443", false),
        ] {
            assert_eq!(has_form(method, target.as_bytes()), expected, "{method} {target}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for good in
            ["", "a", "example.org", "example.org:80", "a:", "127.0.0.1:1", "[::1]", "[::1]:8"]
        {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            ":80", "a b", "a,b", "a/b", "u@a", "a:b", "a:80:80", "[]", "[::1]a", "a?b", "a#b",
            "\u{fc}",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
