//! The rules of heads, one row each, at every cut.

use ws_assemble::Refusal;

use crate::{REQUEST, REQUEST_LINE, RESPONSE, STATUS_LINE, client, request, response};

const CASES: &str = include_str!("../data/handshake.cases");

/// Bytes that lines of the file spell: `\r`, `\n`, `\xNN`, and `{text*9}` for repeats.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match (first, &rest[1..]) {
            ('\\', tail) if tail.starts_with('x') => {
                bytes.push(u8::from_str_radix(&tail[1..3], 16).expect("two digits"));
                4
            }
            ('\\', tail) if tail.starts_with(['r', 'n']) => {
                bytes.push(if tail.starts_with('r') { b'\r' } else { b'\n' });
                2
            }
            ('{', tail) => {
                let (inside, _) = tail.split_once('}').expect("an end");
                let (repeated, count) = inside.rsplit_once('*').expect("a count");
                bytes.extend(unescape(repeated).repeat(count.parse().expect("a count")));
                inside.len() + 2
            }
            _ => {
                bytes.push(u8::try_from(first).expect("ASCII"));
                1
            }
        };
        rest = &rest[taken..];
    }
    bytes
}

/// Puts a row's fields in the places of the example's.
fn head(first: &[u8], example: &[&str], fields: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = example.iter().map(|line| line.as_bytes().to_vec()).collect();
    let name = |line: &[u8]| line.split(|&byte| byte == b':').next().unwrap_or(line).to_vec();
    let fields = fields.split(|&byte| byte == b'\r');
    let mut own: Vec<Vec<u8>> = Vec::new();
    for field in fields {
        // What is no line end was split as one.
        match (field.strip_prefix(b"\n"), own.last_mut()) {
            (Some(field), _) => own.push(field.to_vec()),
            (None, None) => own.push(field.to_vec()),
            (None, Some(last)) => last.extend([b"\r", field].concat()),
        }
    }
    for field in own.into_iter().filter(|field| !field.is_empty()) {
        match field[0] {
            b'+' => lines.push(field[1..].to_vec()),
            b'-' => lines.retain(|line| name(line) != field[1..]),
            _ => match lines.iter_mut().find(|line| name(line) == name(&field)) {
                Some(line) => *line = field,
                None => lines.push(field),
            },
        }
    }
    let lines = [vec![first.to_vec()], lines].concat();
    let mut head =
        lines.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect::<Vec<_>>();
    head.extend_from_slice(b"\r\n");
    head
}

/// Where an error is to be.
fn offset(place: &str, head: &[u8]) -> usize {
    if let Some(offset) = place.strip_prefix('@') {
        return offset.parse().expect("an offset");
    }
    if let Some(back) = place.strip_prefix('$') {
        return head.len() - back.strip_prefix('-').map_or(0, |back| back.parse().expect("bytes"));
    }
    let text = unescape(place);
    let is_there = |&at: &usize| place != "^" && head[at..].starts_with(&text);
    (0..head.len()).rev().find(is_there).unwrap_or_else(|| {
        assert_eq!(place, "^", "it is not in the head");
        0
    })
}

/// Returns what came of a head, written as in the table, and the offset of an error.
fn outcome(side: &str, head: &[u8]) -> (String, Option<usize>) {
    let parsed = match side {
        "server" => request(head).map(|parsed| {
            parsed.map(|(request, len)| (request.accept().status().to_string(), len))
        }),
        "client" => {
            response(&client(), head).map(|parsed| parsed.map(|(_, len)| ("open".to_owned(), len)))
        }
        other => panic!("no side {other}"),
    };
    match parsed {
        Ok(Some((outcome, len))) if len == head.len() => (outcome, None),
        Ok(other) => (format!("not whole: {other:?}"), None),
        Err(error) => {
            let (kind, offset) = (format!("{:?}", error.kind()), error.offset());
            let status = Refusal::from(error).status();
            let outcome = if side == "server" { format!("{status} {kind}") } else { kind };
            (outcome, Some(offset))
        }
    }
}

#[test]
fn every_row_comes_out_as_it_says_at_every_cut() {
    let (mut rows, mut wrong) = (0, Vec::new());
    let lines = CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let columns: Vec<_> = line.split('|').collect();
        let [name, side, first, fields, expected, place] = columns[..] else {
            panic!("not six columns: {line}")
        };
        let [name, side, first, fields, expected] =
            [name, side, first, fields, expected].map(str::trim);
        let (example_line, example) = match side {
            "server" => (REQUEST_LINE, &REQUEST[..]),
            _ => (STATUS_LINE, &RESPONSE[..]),
        };
        let first = if first == "-" { example_line } else { first };
        let head = head(&unescape(first), example, &unescape(fields));
        let place = place.strip_prefix(' ').unwrap_or(place);
        let expected = (expected.to_owned(), (!place.is_empty()).then(|| offset(place, &head)));
        let got = outcome(side, &head);
        if got != expected {
            wrong.push(format!("{name}: {got:?} instead of {expected:?}"));
        }
        rows += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows > 200, "{rows} rows");
}
