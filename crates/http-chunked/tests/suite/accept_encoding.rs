//! Which coding is chosen (RFC 9110 §12.5.3).

use http_chunked::{AcceptEncoding, ContentCoding};

const IDENTITY: Option<ContentCoding> = Some(ContentCoding::Identity);
const GZIP: Option<ContentCoding> = Some(ContentCoding::Gzip);
const DEFLATE: Option<ContentCoding> = Some(ContentCoding::Deflate);

fn choose(fields: &[&str], preferred: &[ContentCoding]) -> Option<ContentCoding> {
    AcceptEncoding::from_fields(fields.iter().map(|field| field.as_bytes())).choose(preferred)
}

#[test]
fn the_most_welcome_coding_is_chosen_and_of_several_the_one_preferred() {
    let both = [ContentCoding::Gzip, ContentCoding::Deflate];
    for (fields, expected) in [
        // No field: a recipient that may know no coding. An empty one: a recipient that wants none.
        (&[][..], IDENTITY),
        (&[""], IDENTITY),
        (&["gzip"], GZIP),
        (&["GZip"], GZIP),
        (&["x-gzip"], GZIP),
        (&["X-GZIP;q=0.3"], GZIP),
        (&["deflate"], DEFLATE),
        (&["deflate, gzip"], GZIP),
        (&["deflate;q=0.5, gzip;q=0.5"], GZIP),
        (&["deflate;q=0.501, gzip;q=0.5"], DEFLATE),
        (&["gzip;q=0.001"], GZIP),
        (&["gzip;q=0"], IDENTITY),
        (&["gzip;q=0.000, deflate;q=0.1"], DEFLATE),
        (&["gzip;q=1.000"], GZIP),
        (&["gzip", "deflate"], GZIP),
        (&["br, zzz;q=1.0", " deflate "], DEFLATE),
        // What is not named.
        (&["*"], GZIP),
        (&["*, gzip;q=0"], DEFLATE),
        (&["gzip;q=0.5, *;q=0.6"], DEFLATE),
        (&["*;q=0.5, deflate"], DEFLATE),
        (&["*;q=0"], None),
        (&["*;q=0, gzip;q=0"], None),
        (&["*;q=0, deflate"], DEFLATE),
        (&["*;q=0, identity"], IDENTITY),
        (&["*;q=0, identity;q=0.1"], IDENTITY),
        // No coding at all, as one choice among others.
        (&["identity"], IDENTITY),
        (&["identity;q=0"], None),
        (&["identity;q=0, gzip"], GZIP),
        (&["identity;q=0, deflate;q=0"], None),
        (&["identity, gzip;q=0.9"], IDENTITY),
        (&["identity, gzip"], GZIP),
        (&["identity;q=0.5, gzip;q=0.9"], GZIP),
        (&["compress"], IDENTITY),
        (&["compress, identity;q=0"], None),
        // White space, empty elements, and the first of two.
        (&[" ,, gzip ; q=0.5 ,\tdeflate\t;\tq=0.6,"], DEFLATE),
        (&["gzip;Q=0.5, deflate;q=0.4"], GZIP),
        (&["gzip;q=0, gzip"], IDENTITY),
        (&["gzip, x-gzip;q=0"], GZIP),
        // What breaks the grammar says nothing.
        (&["gzip;q=2, deflate;q=0.1"], DEFLATE),
        (&["gzip;q=1.001"], IDENTITY),
        (&["gzip;q=0.1234"], IDENTITY),
        (&["gzip;q=.5"], IDENTITY),
        (&["gzip;q=-1"], IDENTITY),
        (&["gzip;q="], IDENTITY),
        (&["gzip;q"], IDENTITY),
        (&["gzip;"], IDENTITY),
        (&["gzip;q=0. 5"], IDENTITY),
        (&["gzip;level=9"], IDENTITY),
        (&["gzip;q=1;q=0"], IDENTITY),
        (&["gzip q=1"], IDENTITY),
        (&["\u{fc}, \0, gzip"], GZIP),
    ] {
        assert_eq!(choose(fields, &both), expected, "{fields:?}");
    }
    // The sender has none, or names where no coding stands among them.
    assert_eq!(choose(&["gzip"], &[]), IDENTITY);
    assert_eq!(choose(&["gzip, identity;q=0"], &[]), None);
    let rather_not = [ContentCoding::Identity, ContentCoding::Gzip];
    assert_eq!(choose(&["gzip, identity"], &rather_not), IDENTITY);
    assert_eq!(choose(&["gzip"], &rather_not), GZIP);
}

#[test]
fn weights_are_thousandths_and_the_unsaid_is_none() {
    let accepted = AcceptEncoding::from_fields([&b"gzip;q=0.25, *;q=0"[..]]);
    assert_eq!(accepted.weight(ContentCoding::Gzip), Some(250));
    assert_eq!(accepted.weight(ContentCoding::Deflate), Some(0));
    assert!(accepted.accepts(ContentCoding::Gzip));
    assert!(!accepted.accepts(ContentCoding::Deflate));
    assert!(!accepted.accepts(ContentCoding::Identity));
    let accepted = AcceptEncoding::from_fields([&b"gzip"[..]]);
    assert_eq!(accepted.weight(ContentCoding::Identity), None);
    assert!(accepted.accepts(ContentCoding::Identity));
    assert!(!accepted.accepts(ContentCoding::Deflate));
    assert!(AcceptEncoding::default().accepts(ContentCoding::Deflate));
}

#[test]
fn every_coding_is_known_by_its_name() {
    for &coding in ContentCoding::ALL {
        assert_eq!(ContentCoding::from_name(coding.name().as_bytes()), Some(coding));
        assert_eq!(choose(&[coding.name()], ContentCoding::ALL), Some(coding));
    }
}
