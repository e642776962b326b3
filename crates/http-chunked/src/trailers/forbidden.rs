//! The fields that a trailer section must not hold (RFC 9110 §6.5.1).

/// Lower case, sorted. The comments name the groups of RFC 9110 §6.5.1.
const FORBIDDEN: &[&str] = &[
    "age",                 // response control: how stale it is decides whether it is used
    "authorization",       // authentication
    "cache-control",       // response control and request modifier
    "connection",          // framing: names fields that belong to this hop
    "content-disposition", // content format: how to treat what comes
    "content-encoding",    // content format
    "content-length",      // message framing
    "content-location",    // content format: what the content stands for
    "content-range",       // content format: where it belongs
    "content-type",        // content format
    "cookie",              // authentication (RFC 6265)
    "expect",              // request modifier
    "host",                // routing
    "if-match",            // request modifiers: conditions
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",          // framing of the connection
    "location",            // response control
    "max-forwards",        // routing
    "pragma",              // response control and request modifier
    "proxy-authenticate",  // authentication
    "proxy-authorization", // authentication
    "proxy-connection",    // framing of the connection
    "range",               // request modifier
    "retry-after",         // response control
    "set-cookie",          // authentication (RFC 6265)
    "te",                  // message framing: what the answer may use
    "trailer",             // message framing: announces what is here
    "transfer-encoding",   // message framing
    "upgrade",             // framing of the connection
    "warning",             // response control
    "www-authenticate",    // authentication
];

/// The longest name in [`FORBIDDEN`].
const LONGEST: usize = 19;

/// Returns whether a field must not come as a trailer; the case of `name` does not matter.
///
/// RFC 9110 §6.5.1 names groups, not fields: what has to be known before the content. These are the
/// members that RFC 9110, 9111, 9112 and 6265 define:
///
/// - message framing: `Transfer-Encoding`, `Content-Length`, `Trailer`, `TE`, and what manages the
///   connection: `Connection`, `Keep-Alive`, `Proxy-Connection`, `Upgrade`;
/// - routing: `Host`, `Max-Forwards`;
/// - authentication: `Authorization`, `Proxy-Authorization`, `WWW-Authenticate`,
///   `Proxy-Authenticate`, `Cookie`, `Set-Cookie`;
/// - request modifiers: `Expect`, `Range`, and the conditions `If-Match`, `If-None-Match`,
///   `If-Modified-Since`, `If-Unmodified-Since`, `If-Range`;
/// - response controls: `Age`, `Cache-Control`, `Pragma`, `Location`, `Retry-After`, `Warning`;
/// - content format: `Content-Type`, `Content-Encoding`, `Content-Range`, `Content-Location`,
///   `Content-Disposition`.
///
/// Everything else passes, in particular what a specification allows as a trailer by name (`ETag`,
/// `Accept-Ranges`, `Authentication-Info`, `Proxy-Authentication-Info`, `Content-Digest`,
/// `Repr-Digest`, `Server-Timing`) and what is known to be sent and only describes (`Expires`,
/// `Vary`, `Date`). A field that passes is still not a header: it must not be merged into them.
///
/// # Examples
///
/// ```
/// use http_chunked::is_forbidden_trailer;
///
/// assert!(is_forbidden_trailer(b"Transfer-Encoding"));
/// assert!(!is_forbidden_trailer(b"Content-Digest"));
/// ```
#[must_use]
pub fn is_forbidden_trailer(name: &[u8]) -> bool {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    FORBIDDEN.binary_search_by(|candidate| candidate.as_bytes().cmp(lower)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_lower_case_and_fits() {
        assert!(FORBIDDEN.is_sorted());
        assert_eq!(FORBIDDEN.iter().map(|name| name.len()).max(), Some(LONGEST));
        assert!(FORBIDDEN.iter().all(|name| *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn case_does_not_matter() {
        for name in FORBIDDEN {
            assert!(is_forbidden_trailer(name.as_bytes()), "{name}");
            assert!(is_forbidden_trailer(name.to_ascii_uppercase().as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_part_or_an_extension_of_a_forbidden_name_passes() {
        for name in ["", "content", "content-lengt", "content-lengthy", "x-host", "hosts", "tes"] {
            assert!(!is_forbidden_trailer(name.as_bytes()), "{name}");
        }
    }
}
