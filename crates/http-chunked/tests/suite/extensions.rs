//! Extensions as they are told.

use http_chunked::{Decoder, Step};

type Extensions = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The extensions of each size line that has some, octet by octet or whole.
fn extensions_of(wire: &[u8], step: usize) -> Vec<Extensions> {
    let mut decoder = Decoder::new().keep_extensions();
    let mut lines = Vec::new();
    for mut piece in wire.chunks(step) {
        loop {
            match decoder.step(&mut piece).expect("a good body") {
                Step::NeedMore => break,
                Step::End => return lines,
                Step::Data(_) => {}
                Step::Extensions => lines.push(
                    decoder
                        .extensions()
                        .map(|e| (e.name().to_vec(), e.value().map(|value| value.into_owned())))
                        .collect(),
                ),
            }
        }
    }
    panic!("the body did not end");
}

#[test]
fn each_line_tells_its_own_in_every_cut() {
    let wire = b"1\t; a = \"x;\\\"y\" ;b\r\nd\r\n1\r\nd\r\n1;c=d\r\nd\r\n0;last\r\n\r\n";
    let a = (b"a".to_vec(), Some(b"x;\"y".to_vec()));
    let lines = vec![
        vec![a, (b"b".to_vec(), None)],
        vec![(b"c".to_vec(), Some(b"d".to_vec()))],
        vec![(b"last".to_vec(), None)],
    ];
    for step in 1..=wire.len() {
        assert_eq!(extensions_of(wire, step), lines, "in pieces of {step}");
    }
}

#[test]
fn a_line_without_extensions_forgets_those_of_the_line_before() {
    let mut decoder = Decoder::new().keep_extensions();
    let mut input = &b"1;a\r\nx\r\n1\r\ny"[..];
    assert_eq!(decoder.step(&mut input), Ok(Step::Extensions));
    assert_eq!(decoder.extensions().count(), 1);
    assert_eq!(decoder.step(&mut input), Ok(Step::Data(b"x")));
    assert_eq!(decoder.step(&mut input), Ok(Step::Data(b"y")));
    assert_eq!(decoder.extensions().count(), 0);
}

#[test]
fn a_decoder_that_was_not_asked_tells_none() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.step(&mut &b"1;a\r\nx"[..]), Ok(Step::Data(b"x")));
    assert_eq!(decoder.extensions().count(), 0);
}
