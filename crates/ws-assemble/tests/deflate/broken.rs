//! Compressed payload that breaks a rule or a limit, cut everywhere.

use ws_assemble::{DecodeErrorKind, Decoder, Limits, Role};

use crate::{ASSEMBLIES, agreed, decode, pool};

/// "Hello", as in RFC 7692 section 7.2.3.1.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// Decodes in every cut in two, and byte by byte; all of them must end in the same error.
fn errors(wire: &[u8], limits: Limits) -> Vec<(DecodeErrorKind, u64)> {
    let mut cuts: Vec<Vec<&[u8]>> =
        (0..wire.len()).map(|at| wire.split_at(at)).map(|(head, tail)| vec![head, tail]).collect();
    cuts.push(wire.chunks(1).collect());
    let mut errors = Vec::new();
    for assembly in ASSEMBLIES {
        for pieces in &cuts {
            let error = decode(pieces, assembly, limits, &pool()).expect_err("broken");
            errors.push((error.kind(), error.offset()));
        }
    }
    errors.dedup();
    errors
}

#[test]
fn the_first_error_is_told_wherever_compressed_payload_is_cut() {
    use DecodeErrorKind::{DeflateInvalid, MessageTooLong, Utf8Invalid};
    // Stored blocks have their bytes as they are; `\xff\xff` starts no block.
    let cases: [(&str, &[u8], u64, DecodeErrorKind, u64); 8] = [
        ("no deflate", b"\xc1\x0c\x00\x05\x00\xfa\xffHello\xff\xff", 9, DeflateInvalid, 2),
        ("no text", b"\xc1\x0b\x00\x05\x00\xfa\xffHel\xffo\x00", 9, Utf8Invalid, 2),
        ("too long", b"\xc1\x0b\x00\x05\x00\xfa\xffHello\x00", 4, MessageTooLong, 2),
        (
            "no text, then no deflate",
            b"\xc1\x0c\x00\x05\x00\xfa\xffHel\xffo\xff\xff",
            9,
            Utf8Invalid,
            2,
        ),
        ("no text, then too long", b"\xc1\x0b\x00\x05\x00\xfa\xffHel\xffo\x00", 4, Utf8Invalid, 2),
        (
            "too long, then no text",
            b"\xc1\x0b\x00\x05\x00\xfa\xffHell\xff\x00",
            4,
            MessageTooLong,
            2,
        ),
        (
            "too long, then no deflate",
            b"\xc1\x0c\x00\x05\x00\xfa\xffHello\xff\xff",
            4,
            MessageTooLong,
            2,
        ),
        (
            "no deflate in the second fragment",
            b"\x41\x05\x00\x05\x00\xfa\xff\x89\x00\x80\x07Hello\xff\xff",
            9,
            DeflateInvalid,
            11,
        ),
    ];
    for (name, wire, bytes_max, kind, offset) in cases {
        let limits = Limits::default().with_inflated_bytes_max(bytes_max);
        assert_eq!(errors(wire, limits), [(kind, offset)], "{name}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
#[test]
fn a_message_whose_end_is_taken_for_data_is_cut_and_refused() {
    let stored: &[u8] = b"\x00\x05\x00\xfa\xffHello\x00";
    // One byte more and all of the text is there: what is missing is of the empty block.
    let cases = (1..=5).map(|len| &HELLO[..len]).chain((5..=9).map(|len| &stored[..len]));
    for payload in cases {
        let len = u8::try_from(payload.len()).expect("short");
        let wire = [&[0xc1, len], payload].concat();
        let expected = (DecodeErrorKind::DeflateInvalid, wire.len() as u64);
        assert_eq!(errors(&wire, Limits::default()), [expected], "{}", payload.escape_ascii());
    }
}

#[test]
fn what_ends_inside_a_compressed_message_keeps_no_segment() {
    let stored: &[u8] = b"\x41\x0a\x00\x05\x00\xfa\xffHello";
    // An error, a close frame, and the end of the stream.
    for (after, is_error) in [(&b"\x81\x00"[..], true), (b"\x88\x00", false), (b"", false)] {
        for assembly in ASSEMBLIES {
            let pool = pool();
            let mut decoder =
                Decoder::new(Role::Client).with_assembly(assembly).with_deflate(&agreed(), &pool);
            let mut input = pool.take(64);
            input.extend_from_slice(&[stored, after].concat());
            let decoded = decoder.decode(&mut input);
            assert_eq!(decoded.is_err(), is_error);
            assert_eq!(decoder.finish().is_err(), !decoder.is_closed());
            drop(input);
            assert_eq!(pool.stats().in_use_bytes(), 0, "{}", after.escape_ascii());
        }
    }
}
