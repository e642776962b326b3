//! Flattening: when it copies, how often, and who shares the copy.

use std::thread;

use bytes::Bytes;
use seg_pool::{Pool, Segment};
use seg_seq::{Flatten, SegmentedBuf, Sequence};

fn pieces(parts: &[&'static str]) -> Sequence {
    parts.iter().map(|part| Segment::from_static(part.as_bytes())).collect()
}

#[test]
fn one_chunk_is_never_copied() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    buf.extend_from_slice(b"one chunk");
    let sequence = buf.freeze();
    let address = sequence.chunks().next().map(|chunk| chunk.as_ptr());
    let flat = Flatten::new(sequence);
    assert!(flat.is_flat());
    assert_eq!(Some(flat.as_slice().as_ptr()), address);
    assert_eq!(Some(flat.into_bytes().as_ptr()), address);
}

#[test]
fn several_chunks_are_copied_once() {
    let flat = Flatten::new(pieces(&["seve", "ral ", "chunks"]));
    assert!(!flat.is_flat());
    let first = flat.as_slice();
    assert_eq!(first, b"several chunks");
    assert_eq!(flat.as_slice().as_ptr(), first.as_ptr());
    assert_eq!(flat.as_ref().as_ptr(), first.as_ptr());
    assert!(flat.is_flat());
    assert_eq!((flat.len(), flat.sequence().chunk_count()), (14, 3));
}

#[test]
fn what_is_pushed_is_seen_behind_the_flat_copy() {
    let mut flat = Flatten::new(pieces(&["one ", "two"]));
    assert_eq!(flat.as_slice(), b"one two");
    flat.push(Segment::from_static(b" three"));
    assert!(!flat.is_flat());
    assert_eq!(flat.as_slice(), b"one two three");
    flat.clear();
    assert!(flat.is_empty() && flat.is_flat());
    flat.push(Segment::from_static(b"four"));
    assert_eq!((flat.as_slice(), flat.sequence().chunk_count()), (&b"four"[..], 1));
}

#[test]
fn nothing_is_flat_already() {
    let flat = Flatten::default();
    assert!(flat.is_empty() && flat.is_flat());
    assert_eq!((flat.len(), flat.as_slice()), (0, &b""[..]));
    assert!(flat.into_bytes().is_empty());
    assert!(Flatten::from_bytes(Bytes::new()).is_empty());
}

#[test]
fn contiguous_bytes_stay_where_they_are() {
    let bytes = Bytes::from(vec![5; 100_000]);
    let flat = Flatten::from_bytes(bytes.clone());
    assert_eq!(flat.as_slice().as_ptr(), bytes.as_ptr());
    assert_eq!(flat.len(), 100_000);
    assert_eq!(flat.into_bytes().as_ptr(), bytes.as_ptr());
}

#[test]
fn the_flat_copy_is_handed_on() {
    let flat = Flatten::from(pieces(&["flat ", "copy"]));
    let address = flat.as_slice().as_ptr();
    let clone = flat.clone();
    assert!(clone.is_flat());
    assert_eq!(clone.as_slice().as_ptr(), address, "shared with the clone");
    assert_eq!(flat.into_bytes().as_ptr(), address, "and with the bytes");
    assert_eq!(clone.as_slice(), b"flat copy");
    let late = Flatten::from(pieces(&["never ", "asked"]));
    assert_eq!(late.into_bytes(), "never asked");
}

#[test]
fn the_chunks_outlive_the_flat_copy() {
    let flat = Flatten::new(pieces(&["a", "b"]));
    assert_eq!(flat.as_slice(), b"ab");
    let sequence = flat.into_sequence();
    assert_eq!((sequence.chunk_count(), sequence.to_vec()), (2, b"ab".to_vec()));
}

#[test]
fn equality_is_that_of_the_bytes() {
    let (one, two) = (Flatten::new(pieces(&["a", "bc"])), Flatten::new(pieces(&["ab", "c"])));
    assert_eq!(one.as_slice(), b"abc");
    assert_eq!(one, two);
    assert_ne!(one, Flatten::new(pieces(&["ab"])));
}

#[test]
fn threads_that_ask_at_once_get_one_copy() {
    for _ in 0..if cfg!(miri) { 2 } else { 100 } {
        let flat = Flatten::new(pieces(&["one ", "copy ", "for all"]));
        let addresses: Vec<_> = thread::scope(|scope| {
            let ask = || (flat.as_slice().as_ptr().addr(), flat.as_slice().len());
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
            workers.into_iter().map(|worker| worker.join().expect("it ends")).collect()
        });
        assert!(addresses.iter().all(|&address| address == addresses[0]));
        assert_eq!(addresses[0].1, 16);
    }
}
