//! The grammar of a chunked body written down a second time, as plainly as it can be: sets of
//! places that a rule can end at, over the whole input, without any state between calls.

use std::collections::BTreeSet;

use http_chunked::is_forbidden_trailer;

use crate::case::Verdict;

/// What the grammar says about an input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) verdict: Verdict,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    pub(crate) leftover: Vec<u8>,
}

/// Places in the input that can be reached, and whether the end of it was met on the way.
#[derive(Clone, Debug, Default)]
struct Places {
    reached: BTreeSet<usize>,
    short: bool,
}

struct Grammar<'a> {
    input: &'a [u8],
}

impl Grammar<'_> {
    fn one(&self, from: Places, belongs: impl Fn(u8) -> bool) -> Places {
        let mut to = Places { short: from.short, ..Places::default() };
        for place in from.reached {
            match self.input.get(place) {
                None => to.short = true,
                Some(&octet) if belongs(octet) => drop(to.reached.insert(place + 1)),
                Some(_) => {}
            }
        }
        to
    }

    fn any(&self, from: Places, rule: impl Fn(Places) -> Places) -> Places {
        let mut all = from.clone();
        let mut fresh = from;
        while !fresh.reached.is_empty() {
            fresh = rule(fresh);
            all.short |= fresh.short;
            fresh.reached.retain(|place| all.reached.insert(*place));
        }
        all
    }

    fn either(&self, one: Places, other: Places) -> Places {
        Places {
            reached: one.reached.union(&other.reached).copied().collect(),
            short: one.short || other.short,
        }
    }

    fn crlf(&self, from: Places) -> Places {
        self.one(self.one(from, |octet| octet == b'\r'), |octet| octet == b'\n')
    }

    fn bws(&self, from: Places) -> Places {
        self.any(from, |from| self.one(from, |octet| octet == b' ' || octet == b'\t'))
    }

    fn token(&self, from: Places) -> Places {
        let first = self.one(from, is_tchar);
        self.any(first, |from| self.one(from, is_tchar))
    }

    fn quoted_string(&self, from: Places) -> Places {
        let open = self.one(from, |octet| octet == b'"');
        let inside = self.any(open, |from| {
            let plain = self.one(from.clone(), |octet| is_text(octet) && !b"\"\\".contains(&octet));
            let pair = self.one(self.one(from, |octet| octet == b'\\'), is_text);
            self.either(plain, pair)
        });
        self.one(inside, |octet| octet == b'"')
    }

    fn chunk_ext(&self, from: Places) -> Places {
        self.any(from, |from| {
            let mark = self.one(self.bws(from), |octet| octet == b';');
            let name = self.token(self.bws(mark));
            let equals = self.one(self.bws(name.clone()), |octet| octet == b'=');
            let start = self.bws(equals);
            let value = self.either(self.token(start.clone()), self.quoted_string(start));
            self.either(name, value)
        })
    }

    fn field_line(&self, start: usize) -> (Places, Option<(String, Vec<u8>)>) {
        let names = self.token(at(start));
        let colons = self.one(names, |octet| octet == b':');
        let Some(&value) = colons.reached.first() else { return (colons, None) };
        let name = &self.input[start..value - 1];
        if is_forbidden_trailer(name) {
            return (Places::default(), None);
        }
        let values = self.any(colons, |from| self.one(from, is_text));
        let ends = self.crlf(values);
        let Some(&end) = ends.reached.first() else { return (ends, None) };
        let value = self.input[value..end - 2].trim_ascii().to_vec();
        (ends, Some((String::from_utf8_lossy(name).into_owned(), value)))
    }
}

fn at(place: usize) -> Places {
    Places { reached: [place].into(), short: false }
}

fn is_tchar(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

fn is_text(octet: u8) -> bool {
    octet == b'\t' || (octet >= b' ' && octet != 0x7f)
}

/// Reads `input` as `chunked-body` (RFC 9112 §7.1), with at most 16 digits and 2^63 - 1 in a size.
pub(crate) fn read(input: &[u8]) -> Reading {
    let grammar = Grammar { input };
    let mut reading = Reading {
        verdict: Verdict::Reject,
        body: Vec::new(),
        trailers: Vec::new(),
        leftover: Vec::new(),
    };
    let mut place = 0;
    loop {
        let digits = input[place..].iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
        let size = core::str::from_utf8(&input[place..place + digits]).unwrap_or_default();
        let size = i64::from_str_radix(size, 16).ok();
        if digits > 16 || (digits > 0 && size.is_none()) {
            return reading;
        }
        let line = match digits {
            0 => grammar.one(at(place), |_| false),
            _ => grammar.crlf(grammar.chunk_ext(at(place + digits))),
        };
        // Another digit may follow where the input ends.
        let more_digits = place + digits == input.len();
        let Some(&start) = line.reached.first() else {
            return short(reading, line.short || more_digits);
        };
        let Some(size @ 1..) = size else {
            place = start;
            break;
        };
        // More than memory holds is as far away as the end of what it holds.
        let end = start.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        reading.body.extend_from_slice(&input[start..end.min(input.len())]);
        if end > input.len() {
            return short(reading, true);
        }
        let after = grammar.crlf(at(end));
        let Some(&next) = after.reached.first() else { return short(reading, after.short) };
        place = next;
    }
    let mut trailers = Vec::new();
    loop {
        let end = grammar.crlf(at(place));
        if let Some(&end) = end.reached.first() {
            let leftover = input[end..].to_vec();
            return Reading { verdict: Verdict::Accept, trailers, leftover, ..reading };
        }
        let (line, field) = grammar.field_line(place);
        let Some(&next) = line.reached.first() else {
            return short(reading, line.short || end.short);
        };
        trailers.extend(field);
        place = next;
    }
}

fn short(reading: Reading, short: bool) -> Reading {
    Reading { verdict: if short { Verdict::Incomplete } else { Verdict::Reject }, ..reading }
}
