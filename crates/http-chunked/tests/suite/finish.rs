//! What a decoder says at the end of the input, wherever it came.

use http_chunked::{DecodeErrorKind, Decoder, Step};

#[test]
fn the_end_of_the_input_is_right_behind_the_body_only() {
    const BODY: &[u8] = b"5;a=b\r\nhello\r\n0\r\nETag: x\r\n\r\n";
    for end in 0..=BODY.len() {
        let mut decoder = Decoder::new();
        let mut input = &BODY[..end];
        let last = loop {
            match decoder.step(&mut input).expect("a valid body") {
                Step::Data(_) | Step::Extensions => {}
                last @ (Step::End | Step::NeedMore) => break last == Step::End,
            }
        };
        assert_eq!((last, decoder.is_ended()), (end == BODY.len(), last), "{end}");
        let told = decoder.finish().map_err(|error| (error.kind(), error.offset()));
        let expected = if last { Ok(()) } else { Err((DecodeErrorKind::Truncated, end as u64)) };
        assert_eq!(told, expected, "{end}");
        // Asked again, it says the same.
        assert_eq!(decoder.finish().is_ok(), last, "{end}");
    }
}

#[test]
fn the_first_error_stays_the_error() {
    let mut decoder = Decoder::new();
    let error = decoder.step(&mut &b"5\nhello"[..]).expect_err("a bare line feed");
    assert_eq!(decoder.finish(), Err(error));
    assert_eq!(decoder.step(&mut &b"0\r\n\r\n"[..]), Err(error));
}
