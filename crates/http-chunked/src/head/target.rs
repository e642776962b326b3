//! The forms of a request target and of a host (RFC 9112 §3.2).

use core::{net::Ipv6Addr, str};

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
    port.is_none_or(|port| port.is_empty() || is_port(port))
        && (is_name(host) || (host.is_empty() && port.is_none()))
}

/// `authority-form`: a host and a port that is neither missing nor empty (RFC 9110 §9.3.6).
fn is_authority_with_port(target: &[u8]) -> bool {
    let (host, port) = split_port(target);
    is_name(host) && port.is_some_and(is_port)
}

/// `absolute-form`, for a server that is named: a scheme, `//`, a host, perhaps a port, and what
/// may follow.
///
/// The grammar has URIs without a host as well. A request has no use for them, and it takes
/// `example.org:443` for one, which is the form of `CONNECT` alone (RFC 9112 §3.2.3). User
/// information is refused: it makes another host look like the one meant (RFC 9110 §4.2.4).
fn is_absolute(target: &[u8]) -> bool {
    let Some(colon) = target.iter().position(|&octet| octet == b':') else { return false };
    let (scheme, rest) = target.split_at(colon);
    let is_inside = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
    let Some(rest) = rest.strip_prefix(b"://") else { return false };
    let end = rest.iter().position(|octet| b"/?".contains(octet)).unwrap_or(rest.len());
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.iter().all(is_inside)
        && end > 0
        && is_host(&rest[..end])
}

fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    // The colons in an IP literal are not before a port.
    let start = authority.iter().rposition(|&octet| octet == b']').map_or(0, |end| end + 1);
    match authority[start..].iter().position(|&octet| octet == b':') {
        Some(colon) => (&authority[..start + colon], Some(&authority[start + colon + 1..])),
        None => (authority, None),
    }
}

/// A port that there is: 0 to 65535, with any number of zeros in front.
fn is_port(port: &[u8]) -> bool {
    let value = port.iter().try_fold(0_u32, |value, octet| {
        octet.is_ascii_digit().then(|| (value * 10 + u32::from(octet - b'0')).min(0x1_0000))
    });
    !port.is_empty() && value.is_some_and(|value| value <= 0xffff)
}

/// `uri-host`: an IP literal in brackets, an IPv4 address or a name (RFC 3986 §3.2.2).
fn is_name(host: &[u8]) -> bool {
    if let [b'[', literal @ .., b']'] = host {
        return is_ip_literal(literal);
    }
    let is_inside = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(octet);
    let mut rest = host;
    while let Some((octet, after)) = rest.split_first() {
        rest = match (octet, after) {
            (b'%', [first, second, after @ ..])
                if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() =>
            {
                after
            }
            (octet, after) if is_inside(octet) => after,
            _ => return false,
        };
    }
    !host.is_empty()
}

/// An IPv6 address, or `v`, a version, `.` and an address of a kind yet to come.
fn is_ip_literal(literal: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(literal) else { return false };
    let Some(future) = text.strip_prefix(['v', 'V']) else {
        return text.parse::<Ipv6Addr>().is_ok();
    };
    let is_inside =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:".contains(&octet);
    future.split_once('.').is_some_and(|(version, address)| {
        let is_version = !version.is_empty() && version.bytes().all(|o| o.is_ascii_hexdigit());
        is_version && !address.is_empty() && address.bytes().all(is_inside)
    })
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
            ("GET", "http:/a", false),
            ("GET", "http://", false),
            ("GET", "http:///a", false),
            ("GET", "http://:80/a", false),
            ("GET", "http://a?b", true),
            ("GET", "http://a:/", true),
            ("GET", "http://a:80/b", true),
            ("GET", "http://a:65536/b", false),
            ("GET", "http://user@a/", false),
            ("GET", "http://[::1]:80/", true),
            ("GET", "http://a,b/", false),
            ("GET", "example.org:443", false),
            ("GET", "localhost:80/a", false),
            ("GET", "urn:a:b", false),
            ("OPTIONS", "http://example.org", true),
            ("OPTIONS", "example.org:443", false),
            ("OPTIONS", "*", true),
            ("OPTIONS", "/", true),
            ("OPTIONS", "**", false),
            ("CONNECT", "example.org:443", true),
            ("CONNECT", "[::1]:443", true),
            ("CONNECT", "example.org", false),
            ("CONNECT", "example.org:", false),
            ("CONNECT", ":443", false),
            ("CONNECT", "example.org:65535", true),
            ("CONNECT", "example.org:65536", false),
            ("CONNECT", "example.org:+80", false),
            ("CONNECT", "example.org:80/", false),
            ("CONNECT", "*", false),
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
        for good in [
            "",
            "a",
            "example.org",
            "example.org:80",
            "a:",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:8",
            "[::ffff:127.0.0.1]",
            "[v1.a:b]",
            "a%2fb",
            "a_b",
            "a:00080",
            "a:65535",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            ":80",
            "a b",
            "a,b",
            "a/b",
            "u@a",
            "a:b",
            "a:80:80",
            "[]",
            "[::1]a",
            "a?b",
            "a#b",
            "\u{fc}",
            "a:65536",
            "a:99999999999999999999",
            "[::1",
            "::1",
            "[a]",
            "[1.2.3.4]",
            "[v.a]",
            "[vg.a]",
            "[v1.]",
            "[::1%25eth0]",
            "a%2",
            "a%",
            "a%zz",
            "a[::1]",
            "http://a",
            "a\tb",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
