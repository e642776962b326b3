//! Random operations on buffers and sequences, against plain vectors.
//!
//! Small segments and many one-byte chunks, so that the edges of segments, of the inline list and
//! of its blocks are met all the time. Sequences share segments with each other and with the
//! buffers, so a byte that changes where nobody wrote shows up as well.
#![expect(unsafe_code, reason = "calls what is under test")]

use std::io::{Read, Write};

use bytes::{Buf, Bytes};
use proptest::prelude::*;
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};

const CASES: u32 = if cfg!(miri) { 4 } else { 192 };
const STEPS: usize = if cfg!(miri) { 20 } else { 120 };
const SEQUENCES_MAX: usize = 8;

/// Bytes in one buffer or sequence, beyond which it grows no more.
const BYTES_MAX: usize = if cfg!(miri) { 3_000 } else { 60_000 };

/// One-byte chunks that are pushed at once: more than two blocks of a list hold.
const CHUNKS_MAX: usize = if cfg!(miri) { 300 } else { 700 };

#[derive(Clone, Debug)]
enum Step {
    Buf(BufStep),
    Seq { at: usize, step: SeqStep },
}

#[derive(Clone, Debug)]
enum BufStep {
    Extend(usize),
    Write(usize),
    FillFrom(usize),
    FillInitialized(usize),
    FillSpare(usize),
    Push(usize),
    PushTwoParts(usize),
    PushBytes(usize),
    PushEmpty,
    PushChunks(usize),
    Append(usize),
    SplitTo(usize),
    SplitRange(usize, usize),
    Take,
    Sequence,
    Freeze,
    Truncate(usize),
    Advance(usize),
    CopyToBytes(usize),
    Clear,
    Reset,
}

#[derive(Clone, Debug)]
enum SeqStep {
    Clone,
    Slice(usize, usize),
    SplitTo(usize),
    SplitOff(usize),
    Truncate(usize),
    Clear,
    Advance(usize),
    CopyToBytes(usize),
    CopyToSlice(usize),
    Append(usize),
    Push(usize),
    PushChunks(usize),
    IntoBytes,
    Drop,
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly around a segment, sometimes far beyond; a cut may be anywhere.
    let len = prop_oneof![4 => 0..600_usize, 2 => 255..258_usize, 1 => 0..30_000_usize];
    let (len, cut, count) = (len.boxed(), any::<u16>().prop_map(usize::from), 0..CHUNKS_MAX);
    let buf = prop_oneof![
        4 => len.clone().prop_map(BufStep::Extend),
        1 => len.clone().prop_map(BufStep::Write),
        2 => len.clone().prop_map(BufStep::FillFrom),
        2 => len.clone().prop_map(BufStep::FillInitialized),
        2 => len.clone().prop_map(BufStep::FillSpare),
        2 => (0..256_usize).prop_map(BufStep::Push),
        2 => (0..256_usize).prop_map(BufStep::PushTwoParts),
        1 => len.clone().prop_map(BufStep::PushBytes),
        1 => Just(BufStep::PushEmpty),
        1 => count.clone().prop_map(BufStep::PushChunks),
        3 => cut.clone().prop_map(BufStep::Append),
        4 => cut.clone().prop_map(BufStep::SplitTo),
        4 => (cut.clone(), cut.clone()).prop_map(|(start, end)| BufStep::SplitRange(start, end)),
        1 => Just(BufStep::Take),
        3 => Just(BufStep::Sequence),
        1 => Just(BufStep::Freeze),
        2 => cut.clone().prop_map(BufStep::Truncate),
        2 => cut.clone().prop_map(BufStep::Advance),
        1 => cut.clone().prop_map(BufStep::CopyToBytes),
        1 => Just(BufStep::Clear),
        1 => Just(BufStep::Reset),
    ];
    let seq = prop_oneof![
        1 => Just(SeqStep::Clone),
        3 => (cut.clone(), cut.clone()).prop_map(|(from, to)| SeqStep::Slice(from, to)),
        3 => cut.clone().prop_map(SeqStep::SplitTo),
        3 => cut.clone().prop_map(SeqStep::SplitOff),
        2 => cut.clone().prop_map(SeqStep::Truncate),
        1 => Just(SeqStep::Clear),
        2 => cut.clone().prop_map(SeqStep::Advance),
        1 => cut.clone().prop_map(SeqStep::CopyToBytes),
        1 => cut.clone().prop_map(SeqStep::CopyToSlice),
        4 => cut.prop_map(SeqStep::Append),
        2 => (0..256_usize).prop_map(SeqStep::Push),
        2 => count.prop_map(SeqStep::PushChunks),
        1 => Just(SeqStep::IntoBytes),
        1 => Just(SeqStep::Drop),
    ];
    let at = 0..SEQUENCES_MAX;
    prop_oneof![buf.prop_map(Step::Buf), (at, seq).prop_map(|(at, step)| Step::Seq { at, step }),]
}

/// A sequence and what it should hold.
struct Pair {
    sequence: Sequence,
    model: Vec<u8>,
}

struct World {
    pool: Pool,
    buf: SegmentedBuf,
    model: Vec<u8>,
    pairs: Vec<Pair>,
    /// The next byte to write: never the same one twice in a row.
    next: u8,
}

impl World {
    fn new() -> Self {
        let pool = Pool::builder().segment_size(SegmentSize::B256).build();
        let buf = SegmentedBuf::new(&pool);
        Self { pool, buf, model: Vec::new(), pairs: Vec::new(), next: 0 }
    }

    fn fresh(&mut self, len: usize) -> Vec<u8> {
        core::iter::repeat_with(|| {
            self.next = self.next.wrapping_add(if self.next.is_multiple_of(5) { 3 } else { 1 });
            self.next
        })
        .take(len)
        .collect()
    }

    fn segment(&mut self, len: usize) -> (Segment, Vec<u8>) {
        let bytes = self.fresh(len);
        let mut segment = self.pool.take(len);
        segment.extend_from_slice(&bytes);
        (segment.freeze(), bytes)
    }

    fn add(&mut self, sequence: Sequence, model: Vec<u8>) {
        if self.pairs.len() == SEQUENCES_MAX {
            self.pairs.remove(0);
        }
        let pair = Pair { sequence, model };
        pair.check_closely();
        self.pairs.push(pair);
    }

    fn fill(&mut self, step: BufStep) {
        match step {
            BufStep::Extend(len) => {
                let bytes = self.fresh(len);
                self.buf.extend_from_slice(&bytes);
                self.model.extend(bytes);
            }
            BufStep::Write(len) => {
                let bytes = self.fresh(len);
                self.buf.write_all(&bytes).expect("no limit");
                self.model.extend(bytes);
            }
            BufStep::FillFrom(len) => {
                let bytes = self.fresh(len);
                let count = self.buf.fill_from(&mut &bytes[..]).expect("no limit");
                assert_eq!(count == 0, len == 0);
                self.model.extend(&bytes[..count]);
            }
            BufStep::FillInitialized(len) => {
                let bytes = self.fresh(len);
                let spare = self.buf.try_spare_initialized_mut().expect("no limit");
                let count = len.min(spare.len());
                assert!(!spare.is_empty());
                spare[..count].copy_from_slice(&bytes[..count]);
                self.buf.advance_initialized(count);
                self.model.extend(&bytes[..count]);
            }
            BufStep::FillSpare(len) => {
                let bytes = self.fresh(len);
                let spare = self.buf.try_spare_mut().expect("no limit");
                let count = len.min(spare.len());
                assert!(spare.len() > 0);
                spare[..count].copy_from_slice(&bytes[..count]);
                // SAFETY: the first `count` spare bytes were just written.
                unsafe { self.buf.advance_mut(count) };
                self.model.extend(&bytes[..count]);
            }
            BufStep::Push(len) => {
                let (segment, bytes) = self.segment(len);
                self.buf.push(segment);
                self.model.extend(bytes);
            }
            BufStep::PushTwoParts(len) => {
                let (mut front, bytes) = self.segment(len);
                let back = front.split_off(len / 3);
                self.buf.push(front);
                self.buf.push(back);
                self.model.extend(bytes);
            }
            BufStep::PushBytes(len) => {
                let bytes = self.fresh(len);
                self.buf.push_bytes(Bytes::from(bytes.clone()));
                self.model.extend(bytes);
            }
            BufStep::PushEmpty => self.buf.push(Segment::new()),
            BufStep::PushChunks(count) => {
                one_byte_chunks(count).for_each(|segment| self.buf.push(segment));
                self.model.extend((0..count).map(digit));
            }
            BufStep::Append(at) if !self.pairs.is_empty() => {
                let pair = self.pairs.remove(at % self.pairs.len());
                self.buf.append(pair.sequence);
                self.model.extend(pair.model);
            }
            other => self.consume(other),
        }
    }

    fn consume(&mut self, step: BufStep) {
        match step {
            BufStep::SplitTo(cut) => {
                let cut = cut % (self.model.len() + 1);
                let front = self.buf.split_to(cut as u64);
                let model = self.model.drain(..cut).collect();
                self.add(front, model);
            }
            BufStep::SplitRange(start, end) => {
                let (start, end) = (start % (self.model.len() + 1), end % (self.model.len() + 1));
                let (start, end) = (start.min(end), start.max(end));
                let part = self.buf.split_range(start as u64..end as u64);
                let model = self.model.drain(..end).skip(start).collect();
                self.add(part, model);
            }
            BufStep::Take => {
                let all = self.buf.split();
                let model = core::mem::take(&mut self.model);
                self.add(all, model);
            }
            BufStep::Sequence => {
                let all = self.buf.sequence();
                self.add(all, self.model.clone());
            }
            BufStep::Freeze => {
                let buf = core::mem::replace(&mut self.buf, SegmentedBuf::new(&self.pool));
                let model = core::mem::take(&mut self.model);
                self.add(buf.freeze(), model);
            }
            BufStep::Truncate(len) => {
                self.buf.truncate(len as u64);
                self.model.truncate(len);
            }
            BufStep::Advance(count) => {
                let count = count % (self.model.len() + 1);
                self.buf.advance(count);
                self.model.drain(..count);
            }
            BufStep::CopyToBytes(count) => {
                let count = count % (self.model.len() + 1);
                let bytes = self.buf.copy_to_bytes(count);
                assert_eq!(bytes, self.model.drain(..count).collect::<Vec<_>>());
            }
            BufStep::Clear => {
                self.buf.clear();
                self.model.clear();
                assert_eq!(self.buf.held_bytes(), 0);
            }
            BufStep::Reset => {
                self.buf.reset();
                self.model.clear();
                assert!(self.buf.held_bytes() <= 256);
            }
            _ => {}
        }
    }

    fn change(&mut self, at: usize, step: SeqStep) {
        if self.pairs.is_empty() {
            return;
        }
        let mut pair = self.pairs.remove(at % self.pairs.len());
        match step {
            SeqStep::Append(at) if !self.pairs.is_empty() => {
                let next = self.pairs.remove(at % self.pairs.len());
                pair.sequence.append(next.sequence);
                pair.model.extend(next.model);
            }
            SeqStep::Push(len) => {
                let (segment, bytes) = self.segment(len);
                pair.sequence.push(segment);
                pair.model.extend(bytes);
            }
            SeqStep::Drop => return,
            step => {
                if let Some(part) = pair.change(step) {
                    self.add(part.sequence, part.model);
                }
            }
        }
        if pair.model.len() > BYTES_MAX {
            pair.sequence.truncate(BYTES_MAX as u64);
            pair.model.truncate(BYTES_MAX);
        }
        self.add(pair.sequence, pair.model);
    }

    fn check(&self) {
        assert_eq!(self.buf.len(), self.model.len() as u64);
        assert_eq!(self.buf.is_empty(), self.model.is_empty());
        assert_eq!(self.buf.remaining(), self.model.len());
        let chunk = self.buf.chunk();
        assert_eq!(chunk.is_empty(), self.model.is_empty());
        assert!(self.model.starts_with(chunk));
        let mut slices = [std::io::IoSlice::new(&[]); 4];
        let count = self.buf.chunks_vectored(&mut slices);
        let front = slices[..count].iter().map(|slice| &**slice).collect::<Vec<_>>();
        assert!(front.iter().all(|slice| !slice.is_empty()));
        assert!(self.model.starts_with(&front.concat()));
        assert_eq!(count == 0, self.model.is_empty());
        let len = self.model.len();
        for from in [0, 1, 255, 256, 257, len / 2, len.saturating_sub(1), len, len + 1] {
            let rest = self.model.get(from..).unwrap_or_default();
            for byte in [0, rest.last().copied().unwrap_or(1)] {
                let found =
                    rest.iter().position(|&other| other == byte).map(|at| (from + at) as u64);
                assert_eq!(self.buf.position_from(from as u64, byte), found, "from {from}");
            }
        }
        for pair in &self.pairs {
            assert_eq!(pair.sequence.to_vec(), pair.model);
        }
        if let [.., one, two] = &self.pairs[..] {
            assert_eq!(one.sequence == two.sequence, one.model == two.model);
        }
    }
}

fn digit(index: usize) -> u8 {
    b"0123456789"[index % 10]
}

fn one_byte_chunks(count: usize) -> impl Iterator<Item = Segment> {
    const DIGITS: Segment = Segment::from_static(b"0123456789");
    (0..count).map(|index| DIGITS.slice(index % 10..index % 10 + 1))
}

impl Pair {
    /// Changes the pair; what is cut off, or made from it, is returned.
    fn change(&mut self, step: SeqStep) -> Option<Self> {
        let len = self.model.len();
        match step {
            SeqStep::Clone => {
                Some(Self { sequence: self.sequence.clone(), model: self.model.clone() })
            }
            SeqStep::Slice(from, to) => {
                let (from, to) = (from % (len + 1), to % (len + 1));
                let (from, to) = (from.min(to), from.max(to));
                let sequence = self.sequence.slice(from as u64..to as u64);
                Some(Self { sequence, model: self.model[from..to].to_vec() })
            }
            SeqStep::SplitTo(cut) => {
                let cut = cut % (len + 1);
                let sequence = self.sequence.split_to(cut as u64);
                Some(Self { sequence, model: self.model.drain(..cut).collect() })
            }
            SeqStep::SplitOff(cut) => {
                let cut = cut % (len + 1);
                let sequence = self.sequence.split_off(cut as u64);
                Some(Self { sequence, model: self.model.split_off(cut) })
            }
            SeqStep::Truncate(len) => {
                self.sequence.truncate(len as u64);
                self.model.truncate(len);
                None
            }
            SeqStep::Clear => {
                self.sequence.clear();
                self.model.clear();
                None
            }
            SeqStep::Advance(count) => {
                let count = count % (len + 1);
                self.sequence.advance(count);
                self.model.drain(..count);
                None
            }
            SeqStep::CopyToBytes(count) => {
                let count = count % (len + 1);
                let bytes = self.sequence.copy_to_bytes(count);
                assert_eq!(bytes, self.model.drain(..count).collect::<Vec<_>>());
                None
            }
            SeqStep::CopyToSlice(count) => {
                let mut target = vec![0; count % (len + 1)];
                self.sequence.copy_to_slice(&mut target);
                assert_eq!(target, self.model.drain(..target.len()).collect::<Vec<_>>());
                None
            }
            SeqStep::PushChunks(count) => {
                self.sequence.extend(one_byte_chunks(count));
                self.model.extend((0..count).map(digit));
                None
            }
            SeqStep::IntoBytes => {
                let bytes = core::mem::take(&mut self.sequence).into_bytes();
                assert_eq!(bytes, self.model);
                self.sequence = Sequence::from(Segment::from(bytes));
                None
            }
            SeqStep::Append(_) | SeqStep::Push(_) | SeqStep::Drop => None,
        }
    }

    fn check_closely(&self) {
        let Self { sequence, model } = self;
        assert_eq!(sequence.len(), model.len() as u64);
        assert_eq!(sequence.is_empty(), model.is_empty());
        assert_eq!(sequence, model);
        self.check_chunks();

        let middle = model.len() / 2;
        assert!(sequence.starts_with(&model[..middle]) && sequence.starts_with(model));
        let mut other = model.clone();
        other.push(0);
        assert!(!sequence.starts_with(&other));
        assert_ne!(*sequence, other);
        other.pop();
        if let Some(last) = other.last_mut() {
            *last ^= 1;
            assert_ne!(*sequence, other);
            assert!(!sequence.starts_with(&other));
        }

        // Every offset is right when reading can start anywhere.
        let mut reader = sequence.as_reader();
        for position in [0, 1, 255, 256, 257, middle, model.len().saturating_sub(1)] {
            let position = position.min(model.len());
            std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(position as u64))
                .expect("not before the start");
            let mut few = Vec::new();
            (&mut reader).take(5).read_to_end(&mut few).expect("from memory");
            assert_eq!(few, model[position..model.len().min(position + 5)]);
        }
    }

    fn check_chunks(&self) {
        let Self { sequence, model } = self;
        assert_eq!(sequence.chunks().len(), sequence.chunk_count());
        let mut rest = &model[..];
        for chunk in sequence.chunks() {
            assert!(!chunk.is_empty(), "an empty chunk");
            let (front, after) = rest.split_at(chunk.len());
            assert_eq!(chunk, front);
            rest = after;
        }
        assert!(rest.is_empty());
        let touching = sequence.chunks().zip(sequence.chunks().skip(1)).filter(|(one, two)| {
            one.shares_segment_with(two) && one.as_ptr_range().end == two.as_ptr()
        });
        assert_eq!(touching.count(), 0, "neighbours are one chunk");
        assert!(
            sequence.chunks().rev().eq(sequence.chunks().collect::<Vec<_>>().iter().rev().copied())
        );
        assert!(
            sequence.io_slices().map(|slice| slice.len()).eq(sequence.chunks().map(|c| c.len()))
        );
        assert!(model.starts_with(sequence.chunk()));
        let mut slices = [std::io::IoSlice::new(&[]); 6];
        let count = sequence.chunks_vectored(&mut slices);
        assert_eq!(count, sequence.chunk_count().min(6));
        assert!(slices[..count].iter().zip(sequence).all(|(slice, chunk)| **slice == **chunk));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sequences_hold_what_vectors_hold(steps in prop::collection::vec(step(), 1..STEPS)) {
        let mut world = World::new();
        for step in steps {
            match step {
                Step::Buf(step) => world.fill(step),
                Step::Seq { at, step } => world.change(at, step),
            }
            if world.model.len() > BYTES_MAX {
                world.consume(BufStep::Take);
            }
            world.check();
        }
        let World { pool, buf, model, pairs, .. } = world;
        prop_assert_eq!(buf.freeze(), model);
        drop(pairs);
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
        let held = pool.stats().held_bytes();
        prop_assert_eq!(pool.trim(), held);
    }
}
