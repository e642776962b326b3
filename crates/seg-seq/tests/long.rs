//! Sequences longer than 32 bits count, of one segment over and over.

#[path = "harness/blocks.rs"]
mod blocks;

use std::{
    collections::VecDeque,
    io::{BufRead, Read, Seek, SeekFrom},
};

use seg_pool::{Pool, Segment};
use seg_seq::{SegmentedBuf, Sequence};

use blocks::chunks_max;

/// Times that the segment is linked: 4.27 GiB.
const LINKS: u64 = if cfg!(miri) { 300 } else { 70_000 };

const SEGMENT: u64 = 65_536;

/// The byte that lies at an offset.
fn byte_at(offset: u64) -> u8 {
    let within = offset % SEGMENT;
    (within % 251).to_le_bytes()[0]
}

fn long() -> (Pool, Segment, Sequence) {
    let pool = Pool::new();
    let mut segment = pool.take(65_536);
    segment.extend_from_slice(&(0..SEGMENT).map(byte_at).collect::<Vec<_>>());
    let segment = segment.freeze();
    let mut buf = SegmentedBuf::new(&pool);
    for _ in 0..LINKS {
        buf.push(segment.clone());
    }
    (pool, segment, buf.freeze())
}

/// Offsets around everything that could be an edge.
fn offsets(len: u64) -> Vec<u64> {
    let edges = [0, SEGMENT, 256 * SEGMENT, len / 2, 1 << 31, 1 << 32, len - SEGMENT, len];
    let around = edges.iter().flat_map(|&edge| [edge.saturating_sub(1), edge, edge + 1]);
    around.filter(|&offset| offset <= len).collect()
}

fn assert_reads(sequence: &Sequence, from: u64, offset: u64) {
    let mut reader = sequence.as_reader();
    assert_eq!(reader.seek(SeekFrom::Start(offset)).ok(), Some(offset));
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(5).read_to_end(&mut bytes);
    assert_eq!(read.ok(), usize::try_from((sequence.len() - offset).min(5)).ok());
    let expected = (from + offset..).map(byte_at).take(bytes.len());
    assert!(bytes.iter().copied().eq(expected), "{from} + {offset}");
}

#[test]
fn lengths_and_offsets_are_beyond_32_bits() {
    let (pool, segment, sequence) = long();
    assert_eq!(sequence.len(), LINKS * SEGMENT);
    assert!(cfg!(miri) || sequence.len() > u64::from(u32::MAX));
    assert_eq!(sequence.chunk_count() as u64, LINKS);
    // In blocks of 64 KiB.
    let list = sequence.held_bytes() - SEGMENT;
    let blocks = LINKS.div_ceil(chunks_max(65_536) as u64);
    assert!(((blocks - 1) * 65_536..(blocks + 2) * 65_536).contains(&list), "{list}");
    assert_eq!(pool.stats().in_use_bytes() as u64, SEGMENT + list);
    for offset in offsets(sequence.len()) {
        assert_reads(&sequence, 0, offset);
    }
    drop(sequence);
    assert!(segment.is_unique());
}

#[test]
fn seeking_knows_all_three_origins() {
    let (_pool, _segment, sequence) = long();
    let len = sequence.len();
    let mut reader = sequence.as_reader();
    let back = -i64::try_from(len).expect("below 2^63");
    assert_eq!(reader.seek(SeekFrom::End(0)).ok(), Some(len));
    assert_eq!(reader.seek(SeekFrom::Current(back)).ok(), Some(0));
    assert!(reader.seek(SeekFrom::Current(-1)).is_err());
    assert_eq!(reader.seek(SeekFrom::End(-3)).ok(), Some(len - 3));
    let mut bytes = Vec::new();
    assert_eq!(reader.read_to_end(&mut bytes).ok(), Some(3));
    assert!(bytes.into_iter().eq((len - 3..len).map(byte_at)));
    assert_eq!(reader.seek(SeekFrom::Current(7)).ok(), Some(len + 7));
    assert_eq!((reader.remaining(), reader.read(&mut [0; 3]).ok()), (0, Some(0)));
    assert_eq!(reader.seek(SeekFrom::End(back)).ok(), Some(0));
    assert_eq!(reader.fill_buf().map(<[u8]>::len).ok(), Some(65_536));
}

#[test]
fn slices_lie_anywhere() {
    let (_pool, _segment, sequence) = long();
    let len = sequence.len();
    for start in offsets(len) {
        let end = len.min(start + 3 * SEGMENT + 5);
        let slice = sequence.slice(start..end);
        assert_eq!(slice.len(), end - start);
        assert!(slice.chunk_count() <= 5);
        let bytes = slice.to_vec();
        assert!(bytes.into_iter().eq((start..end).map(byte_at)), "{start}");
    }
    let inner = sequence.slice(1..len - 1);
    assert_eq!((inner.len(), inner.chunk_count()), (len - 2, sequence.chunk_count()));
    for offset in offsets(inner.len()) {
        assert_reads(&inner, 1, offset);
    }
}

#[test]
fn what_is_cut_off_at_one_end_is_found_at_the_other() {
    let (_pool, segment, mut sequence) = long();
    let len = sequence.len();
    let at = len / 4 * 3 + 1_000;
    let front = sequence.split_to(at);
    assert_eq!((front.len(), sequence.len()), (at, len - at));
    for (part, from) in [(&front, 0), (&sequence, at)] {
        for offset in offsets(part.len()) {
            assert_reads(part, from, offset);
        }
    }
    let mut whole = front;
    whole.append(sequence);
    assert_eq!((whole.len(), whole.chunk_count() as u64), (len, LINKS), "joined at the cut");
    let back = whole.split_off(at + 1);
    assert_eq!((whole.len(), back.len()), (at + 1, len - at - 1));
    assert_reads(&back, at + 1, 0);
    assert_reads(&whole, 0, at - 2);
    let clone = whole.clone();
    whole.truncate(5);
    assert_eq!(whole, segment.slice(..5));
    assert_eq!(clone.len(), at + 1);
    assert_reads(&clone, 0, at - 2);
}

#[test]
fn a_buffer_is_consumed_beyond_32_bits() {
    let pool = Pool::new();
    let segment = Segment::from_static(&[7; 65_536]);
    let mut buf = SegmentedBuf::new(&pool);
    let (mut total, mut left) = (0, 0);
    for round in 0..LINKS {
        buf.push(segment.clone());
        left += SEGMENT;
        let count = left.min(SEGMENT - 100 + round % 200);
        total += buf.split_to(count).len();
        left -= count;
        assert_eq!(buf.len(), left);
    }
    assert!(cfg!(miri) || total > u64::from(u32::MAX));
    let rest = buf.freeze();
    assert_eq!(rest.len(), left);
    assert!(rest.chunks().all(|chunk| chunk.iter().all(|&byte| byte == 7)));
}

#[test]
fn a_long_list_changes_at_both_ends_as_a_deque_does() {
    // Several leaves are filled, emptied from the front and from the back, and filled again.
    let (steps, most) = if cfg!(miri) { (40, 60) } else { (150, 6_000) };
    let bytes = Segment::from((0..=255).collect::<Vec<u8>>());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let pool = Pool::new();
    let (mut buf, mut model) = (SegmentedBuf::new(&pool), VecDeque::new());
    let mut last = 0;
    for _ in 0..steps {
        let count = random(most);
        match random(4) {
            0..=1 => {
                for _ in 0..count {
                    // Each other byte, so that no chunk joins the one before.
                    last = (last + 2) % 256;
                    buf.push(bytes.slice(last..=last));
                    model.push_back(bytes[last]);
                }
            }
            2 => {
                let count = count.min(model.len());
                let front: Vec<u8> = model.drain(..count).collect();
                assert_eq!(buf.split_to(count as u64), front);
            }
            _ => {
                let len = model.len().saturating_sub(count);
                model.truncate(len);
                buf.truncate(len as u64);
            }
        }
        assert_eq!(buf.len(), model.len() as u64);
        let whole = buf.sequence();
        assert_eq!(whole.chunk_count(), model.len());
        for _ in 0..5 {
            let at = random(model.len() + 1);
            let mut reader = whole.as_reader();
            assert_eq!(reader.seek(SeekFrom::Start(at as u64)).ok(), Some(at as u64));
            assert_eq!(reader.peek_u8(), model.get(at).copied(), "{at}");
        }
        assert!(whole.chunks().flat_map(|chunk| chunk.iter()).eq(&model));
    }
    drop(buf);
    assert_eq!(pool.stats().in_use_bytes(), 0);
}

#[test]
fn parsing_and_cutting_know_64_bits() {
    let (_pool, segment, mut sequence) = long();
    sequence.push(Segment::from_static(b"\xffend\xff"));
    let len = sequence.len();
    let mut reader = sequence.as_reader();
    assert!(reader.skip(len - 5).is_ok());
    assert_eq!((reader.position(), reader.find(b"end")), (len - 5, Some(len - 4)));
    assert_eq!(reader.read_u8().ok(), Some(0xff));
    assert_eq!(reader.take_until(0xff).map(|part| part.to_vec()), Ok(b"end\xff".to_vec()));
    reader.rewind_to(sequence.as_reader().checkpoint());
    let most = reader.take_sequence(len - 5);
    assert_eq!(most.map(|most| most.len()).ok(), Some(LINKS * SEGMENT));
    assert_eq!((reader.position(), reader.peek_u8()), (len - 5, Some(0xff)));
    assert!(reader.skip(6).is_err() && reader.take_sequence(u64::MAX).is_err());

    let mut bytes = [0; 5];
    sequence.copy_range(len - 5.., &mut bytes);
    assert_eq!(&bytes, b"\xffend\xff");
    assert!(sequence.ends_with(&bytes));
    let fragments = sequence.fragments(1 << 20);
    let count = len.div_ceil(1 << 20);
    assert_eq!(Some(fragments.size_hint().0), usize::try_from(count).ok());
    assert_eq!(fragments.map(|fragment| fragment.len() as u64).sum::<u64>(), len);
    assert!(sequence.cmp(&sequence.slice(1..)).is_lt());
    drop(segment);
}
