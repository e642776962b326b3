//! Searching, comparing, hashing and copying, against plain vectors, whatever the cuts.

use core::{
    error::Error,
    hash::{BuildHasher, Hash, Hasher},
};
use std::hash::RandomState;

use bytes::Buf;
use proptest::prelude::*;
use seg_pool::Segment;
use seg_seq::{CutError, RangeError, RangeErrorKind, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 192 };

/// The bytes in chunks of these lengths, over and over.
fn cut(bytes: &[u8], lens: &[usize]) -> Sequence {
    let whole = Segment::from(bytes::Bytes::copy_from_slice(bytes));
    let mut sequence = Sequence::new();
    let mut start = 0;
    for &len in lens.iter().cycle() {
        if start == bytes.len() {
            break;
        }
        let end = bytes.len().min(start + len);
        // Parts of one segment would join; a copy does not.
        sequence.push(Segment::from(bytes::Bytes::copy_from_slice(&whole[start..end])));
        start = end;
    }
    sequence
}

/// Lengths of chunks around all edges: tiny ones, the short ones of searching, long ones.
fn lens() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![
        3 => 1..6_usize,
        2 => 1..200_usize,
        2 => 505..520_usize,
        1 => 1_020..1_030_usize,
        1 => 1..5_000_usize,
    ];
    prop::collection::vec(len, 1..8)
}

/// Bytes in which most needles nearly occur many times.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let few = prop::collection::vec(prop_oneof![9 => Just(b'a'), 1 => Just(b'b')], 0..3_000);
    prop_oneof![few, prop::collection::vec(any::<u8>(), 0..3_000)]
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<u64> {
    let found = memchr::memmem::find(haystack, needle);
    found.map(|at| at as u64)
}

/// A hasher that sees where writes end.
#[derive(Default)]
struct Writes(u64);

impl Hasher for Writes {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(byte));
        }
        self.0 = self.0.wrapping_mul(1_000_003).wrapping_add(bytes.len() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn hash(value: &Sequence, mut hasher: impl Hasher) -> u64 {
    value.hash(&mut hasher);
    hasher.finish()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_occurs_is_found_where_it_is_first(
        bytes in text(),
        lens in lens(),
        (at, len) in (any::<prop::sample::Index>(), prop_oneof![0..12_usize, 100..400_usize]),
        change in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let sequence = cut(&bytes, &lens);
        let start = at.index(bytes.len() + 1);
        let mut needle = bytes[start..bytes.len().min(start + len)].to_vec();
        if let (Some(change), false) = (change, needle.is_empty()) {
            let index = change.index(needle.len());
            needle[index] ^= 1;
        }
        prop_assert_eq!(sequence.find(&needle), find(&bytes, &needle));
        let mut longer = needle.clone();
        longer.extend_from_slice(b"ab");
        prop_assert_eq!(sequence.find(&longer), find(&bytes, &longer));
        for byte in [b'b', needle.first().copied().unwrap_or(0), 255] {
            prop_assert_eq!(sequence.position(byte), find(&bytes, &[byte]));
        }
        prop_assert_eq!(sequence.ends_with(&needle), bytes.ends_with(&needle));
        prop_assert!(sequence.ends_with(&bytes[start..]));
    }

    #[test]
    fn order_and_hash_are_those_of_the_bytes(
        one in text(),
        (shared, other) in (any::<prop::sample::Index>(), text()),
        (lens, more_lens) in (lens(), lens()),
    ) {
        let mut two = one[..shared.index(one.len() + 1)].to_vec();
        two.extend(&other[..other.len().min(9)]);
        let (ours, theirs) = (cut(&one, &lens), cut(&two, &more_lens));
        prop_assert_eq!(ours.cmp(&theirs), one.cmp(&two));
        prop_assert_eq!(theirs.cmp(&ours), two.cmp(&one));
        prop_assert_eq!(ours.partial_cmp(&two), one.partial_cmp(&two));
        prop_assert_eq!(ours == theirs, one == two);
        prop_assert_eq!(ours == two, one == two);

        let again = cut(&one, &more_lens);
        prop_assert!(ours.cmp(&again).is_eq() && ours == again);
        let keys = RandomState::new();
        prop_assert_eq!(hash(&ours, keys.build_hasher()), hash(&again, keys.build_hasher()));
        prop_assert_eq!(hash(&ours, Writes::default()), hash(&again, Writes::default()));
        if one != two {
            prop_assert_ne!(hash(&ours, keys.build_hasher()), hash(&theirs, keys.build_hasher()));
        }
    }

    #[test]
    fn copies_of_a_range_are_those_of_the_bytes(
        bytes in text(),
        lens in lens(),
        (one, two) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        cuts in prop::collection::vec(0..700_usize, 0..8),
    ) {
        let mut sequence = cut(&bytes, &lens);
        let (one, two) = (one.index(bytes.len() + 1), two.index(bytes.len() + 1));
        let (start, end) = (one.min(two), one.max(two));
        let mut target = vec![0; end - start];
        sequence.copy_range(start as u64..end as u64, &mut target);
        prop_assert_eq!(&target, &bytes[start..end]);
        prop_assert_eq!(sequence.try_slice(start as u64..end as u64).ok(), Some(sequence.slice(start as u64..end as u64)));
        let mut rest = &bytes[..];
        for len in cuts {
            let mut target = vec![0; len.min(rest.len())];
            sequence.copy_to_slice(&mut target);
            prop_assert_eq!(&target, &rest[..target.len()]);
            rest = &rest[target.len()..];
            prop_assert_eq!(&sequence, rest);
        }
    }
}

#[test]
fn a_needle_is_found_across_every_cut() {
    let text = b"xxneedlexneedley";
    for first in 0..text.len() {
        for second in 1..text.len() - first {
            let sequence = cut(text, &[first.max(1), second, text.len()]);
            assert_eq!(sequence.find(b"needle"), Some(2));
            assert_eq!(sequence.find(b"needley"), Some(9));
            assert_eq!(sequence.find(b"needlez"), None);
            assert_eq!(sequence.find(text), Some(0));
            assert_eq!(sequence.find(&[text, &b"!"[..]].concat()), None);
            assert_eq!(sequence.position(b'y'), Some(15));
        }
    }
}

#[test]
fn nothing_is_found_everywhere() {
    assert_eq!(Sequence::new().find(b""), Some(0));
    assert_eq!(Sequence::new().find(b"x"), None);
    assert_eq!(Sequence::new().position(0), None);
    assert_eq!(cut(b"abc", &[1]).find(b""), Some(0));
    assert!(cut(b"abc", &[1]).ends_with(b"") && !cut(b"abc", &[1]).ends_with(b"xabc"));
}

#[test]
fn a_long_needle_is_found_after_many_that_begin_alike() {
    let mut text = vec![b'a'; 4_000];
    text.push(b'b');
    let needle = &text[3_500..];
    for len in [1, 7, 511, 512, 1_000, 5_000] {
        let sequence = cut(&text, &[len]);
        assert_eq!(sequence.find(needle), Some(3_500), "in chunks of {len}");
        assert_eq!(sequence.find(&text), Some(0));
        assert_eq!(sequence.find(&[needle, &b"b"[..]].concat()), None);
    }
}

#[test]
fn what_slices_refuse_is_an_error() {
    let mut sequence = cut(b"0123456789", &[3, 4]);
    let kind = |error: RangeError| (error.kind(), error.offset(), error.limit());
    let cut_kind = |error: CutError| match error {
        CutError::Range(error) => kind(error),
        other => panic!("{other}"),
    };
    let slice = |range: core::ops::Range<u64>| sequence.try_slice(range).map_err(cut_kind);
    assert_eq!(slice(2..11), Err((RangeErrorKind::BeyondEnd, 11, 10)));
    assert_eq!(slice(11..11), Err((RangeErrorKind::BeyondEnd, 11, 10)));
    assert_eq!(slice(u64::MAX..u64::MAX), Err((RangeErrorKind::BeyondEnd, u64::MAX, 10)));
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    {
        assert_eq!(slice(5..4), Err((RangeErrorKind::Decreasing, 4, 5)));
    }
    assert_eq!(slice(2..7), Ok(cut(b"23456", &[9])));
    assert_eq!(
        sequence.try_slice(..=u64::MAX).map_err(cut_kind),
        Err((RangeErrorKind::BeyondEnd, u64::MAX, 10))
    );
    assert_eq!(
        sequence.try_slice(11..).map_err(cut_kind),
        Err((RangeErrorKind::BeyondEnd, 11, 10))
    );
    let copy = sequence.try_copy_range(2..7, &mut [0; 4]);
    assert_eq!(copy.map_err(kind), Err((RangeErrorKind::TargetLen, 4, 5)));
    assert_eq!(
        sequence.try_split_to(11).map_err(cut_kind),
        Err((RangeErrorKind::BeyondEnd, 11, 10))
    );
    assert_eq!(
        sequence.try_split_off(11).map_err(cut_kind),
        Err((RangeErrorKind::BeyondEnd, 11, 10))
    );
    assert_eq!(sequence, b"0123456789");
    assert_eq!(sequence.try_split_off(8).map_err(cut_kind), Ok(cut(b"89", &[9])));
    assert_eq!(sequence.try_split_to(8).map_err(cut_kind), Ok(cut(b"01234567", &[9])));
    assert!(sequence.is_empty());
}

#[test]
fn a_refused_range_says_what_and_where() {
    let sequence = cut(b"0123456789", &[3]);
    fn say(error: Option<impl Error + 'static>) -> String {
        let error = error.expect("refused");
        // A `CutError` says in its source what a `RangeError` says itself.
        error.source().unwrap_or(&error).to_string()
    }
    assert_eq!(
        say(sequence.try_slice(2..11).err()),
        "range ends at 11, beyond the length of 10 bytes"
    );
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    let decreasing = sequence.try_slice(5..4).err();
    assert_eq!(say(decreasing), "range ends at 4, before its start at 5");
    let copy = sequence.try_copy_range(2..7, &mut [0; 4]);
    assert_eq!(say(copy.err()), "range is 5 bytes long, but its target 4");
}

#[test]
#[should_panic(expected = "its target 4")]
fn a_target_is_as_long_as_its_range() {
    cut(b"0123456789", &[3]).copy_range(2..7, &mut [0; 4]);
}

#[test]
fn a_copy_beyond_the_end_takes_nothing() {
    let mut sequence = cut(b"0123456789", &[3]);
    let copied = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        sequence.copy_to_slice(&mut [0; 11]);
    }));
    assert!(copied.is_err());
    assert_eq!(sequence, b"0123456789");
}

/// Short chunks are gathered and searched together; a needle may lie across what is gathered.
#[test]
fn a_needle_is_found_at_every_offset_in_short_chunks() {
    const NEEDLE: &[u8] = b"0123456789abcdef";
    const LEN: usize = if cfg!(miri) { 1_100 } else { 2_200 };
    let first = if cfg!(miri) { 1_000 } else { 0 };
    for at in first..LEN - NEEDLE.len() {
        let mut bytes = vec![b'.'; LEN];
        bytes[at..at + NEEDLE.len()].copy_from_slice(NEEDLE);
        let sequence = cut(&bytes, &[300, 11, 200]);
        assert_eq!(sequence.find(NEEDLE), Some(at as u64));
        assert_eq!(sequence.find(&NEEDLE[..2]), Some(at as u64));
    }
}
