//! Random operations on a budget that is used up half of the time: what is refused has changed
//! nothing, and succeeds when there is memory again.

#[path = "harness/blocks.rs"]
mod blocks;

use std::io;

use bytes::Buf;
use seg_pool::{Budget, OutOfMemory, Pool, Segment, SegmentMut, SegmentSize};
use seg_seq::{CutError, LinkPolicy, SegmentedBuf, Sequence};

use blocks::chunks_max;

const STEPS: usize = if cfg!(miri) { 120 } else { 8_000 };
const SEQUENCES: usize = 4;

/// Bytes in one buffer or sequence, beyond which it grows no more.
const BYTES_MAX: usize = if cfg!(miri) { 600 } else { 6_000 };

/// Chunks of one byte that are pushed at once, so that all sizes of blocks are met.
const CHUNKS_MAX: usize = if cfg!(miri) { 40 } else { 700 };

const BUDGET_BYTES: usize = 4 << 20;

/// Numbers without an order, the same ones each time.
struct Random(u64);

impl Random {
    /// Returns a number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).expect("below a usize")
    }
}

struct World {
    random: Random,
    budget: Budget,
    buf: SegmentedBuf,
    buf_model: Vec<u8>,
    sequences: Vec<Sequence>,
    models: Vec<Vec<u8>>,
    /// What takes all of the budget but a little.
    hog: Vec<SegmentMut>,
    refused: usize,
    scarce_and_done: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let pool = Pool::builder().segment_size(SegmentSize::B256).build();
        let budget = Budget::new(&pool, BUDGET_BYTES);
        Self {
            random: Random(seed),
            buf: SegmentedBuf::new(budget.pool()),
            budget,
            buf_model: Vec::new(),
            sequences: vec![Sequence::new(); SEQUENCES],
            models: vec![Vec::new(); SEQUENCES],
            hog: Vec::new(),
            refused: 0,
            scarce_and_done: 0,
        }
    }

    /// Takes the whole budget, but for a few segments sometimes.
    fn starve(&mut self) {
        for size in SegmentSize::ALL.into_iter().rev() {
            while let Ok(segment) = self.budget.pool().try_take_size(size) {
                self.hog.push(segment);
            }
        }
        if self.random.below(2) == 0 {
            // The smallest ones were taken last.
            let kept = self.hog.len().saturating_sub(self.random.below(6));
            self.hog.truncate(kept);
        }
    }

    /// Does it, without memory half of the time, and again with memory when it was refused.
    fn attempt<T>(&mut self, action: impl Fn(&mut Self) -> Result<T, OutOfMemory>) -> T {
        let is_scarce = self.random.below(2) == 0;
        if is_scarce {
            self.starve();
        }
        let used = self.budget.used_bytes();
        let before = (self.buf_model.clone(), self.models.clone());
        let result = action(self);
        if is_scarce && result.is_ok() {
            self.scarce_and_done += 1;
        }
        let done = result.or_else(|error| {
            self.refused += 1;
            assert!(is_scarce, "{error}");
            assert_eq!(error.bytes_max(), BUDGET_BYTES);
            assert!((self.buf_model.clone(), self.models.clone()) == before, "nothing is lost");
            assert_eq!(self.budget.used_bytes(), used, "nothing is kept");
            self.check();
            self.hog.clear();
            action(self)
        });
        self.hog.clear();
        done.expect("the budget is not used up")
    }

    fn chunks(&mut self, pooled: bool) -> (Sequence, Vec<u8>) {
        let count = [1, 2, 7, 130, 520, CHUNKS_MAX][self.random.below(6)].min(CHUNKS_MAX);
        let start = self.random.below(200);
        let bytes: Vec<u8> = (start..start + count).map(|n| n.to_le_bytes()[0]).collect();
        let mut whole = SegmentedBuf::new(self.budget.pool());
        if pooled {
            whole.extend_from_slice(&bytes);
        } else {
            whole.push_bytes(bytes.clone().into());
        }
        let whole = whole.freeze();
        // The other way round, so that no chunk joins the one before.
        let mut parts = Sequence::new();
        for at in (0..count as u64).rev() {
            parts.append(whole.slice(at..at + 1));
        }
        (parts, bytes.into_iter().rev().collect())
    }

    fn step(&mut self) {
        let at = self.random.below(SEQUENCES);
        let other = (at + 1 + self.random.below(SEQUENCES - 1)) % SEQUENCES;
        let cut = self.random.below(self.models[at].len() + 1);
        let buf_cut = self.random.below(self.buf_model.len() + 1);
        match self.random.below(14) {
            0 => {
                let (parts, bytes) = self.chunks(self.models[at].len().is_multiple_of(2));
                let parts = core::cell::RefCell::new(parts);
                self.attempt(|world| world.sequences[at].try_append(&mut parts.borrow_mut()));
                assert!(parts.borrow().is_empty());
                self.models[at].extend(bytes);
            }
            1 => {
                let (parts, bytes) = self.chunks(self.models[at].len().is_multiple_of(2));
                let parts = core::cell::RefCell::new(parts);
                self.attempt(|world| world.buf.try_append(&mut parts.borrow_mut()));
                self.buf_model.extend(bytes);
            }
            2 => {
                let bytes = vec![7; self.random.below(700)];
                self.attempt(|world| world.buf.try_extend_from_slice(&bytes));
                self.buf_model.extend(bytes);
            }
            3 => {
                let (parts, bytes) = self.chunks(true);
                let segment = parts.chunks().next().cloned().unwrap_or_default();
                let segment = core::cell::RefCell::new(segment);
                self.attempt(|world| {
                    let result = world.buf.try_push(&mut segment.borrow_mut());
                    assert_eq!(segment.borrow().is_empty(), result.is_ok());
                    result
                });
                self.buf_model.extend(&bytes[..1]);
            }
            4 => {
                let (parts, bytes) = self.chunks(true);
                let segment = parts.chunks().next().cloned().unwrap_or_default();
                let segment = core::cell::RefCell::new(segment);
                self.attempt(|world| {
                    let result = world.sequences[at].try_push(&mut segment.borrow_mut());
                    assert_eq!(segment.borrow().is_empty(), result.is_ok());
                    result
                });
                self.models[at].extend(&bytes[..1]);
            }
            5 => {
                let front = self.attempt(|world| {
                    world.sequences[at].try_split_to(cut as u64).map_err(out_of_memory)
                });
                let model = self.models[at].drain(..cut).collect();
                self.replace(other, front, model);
            }
            6 => {
                let back = self.attempt(|world| {
                    world.sequences[at].try_split_off(cut as u64).map_err(out_of_memory)
                });
                let model = self.models[at].split_off(cut);
                self.replace(other, back, model);
            }
            7 => {
                let part = self.attempt(|world| {
                    world.sequences[at].try_slice(cut as u64 / 2..cut as u64).map_err(out_of_memory)
                });
                let model = self.models[at][cut / 2..cut].to_vec();
                self.replace(other, part, model);
            }
            8 => {
                let clone = self.attempt(|world| world.sequences[at].try_clone());
                let model = self.models[at].clone();
                self.replace(other, clone, model);
            }
            9 => {
                let front = self
                    .attempt(|world| world.buf.try_split_to(buf_cut as u64).map_err(out_of_memory));
                let model = self.buf_model.drain(..buf_cut).collect();
                self.replace(other, front, model);
            }
            10 => {
                let all = self.attempt(|world| world.buf.try_sequence());
                let model = self.buf_model.clone();
                self.replace(other, all, model);
            }
            11 => {
                // What is linked or copied in part goes on where it was.
                let (parts, bytes) = self.chunks(true);
                let parts = core::cell::RefCell::new(parts);
                let before = self.buf.len();
                self.starve();
                let link = |world: &mut Self| {
                    let mut parts = parts.borrow_mut();
                    let len = parts.remaining();
                    world.buf.link_or_copy(&mut *parts, len, &LinkPolicy::ALWAYS)
                };
                if link(self).is_err() {
                    self.refused += 1;
                    let taken = self.buf.len() - before;
                    assert_eq!(taken + parts.borrow().len(), bytes.len() as u64);
                    self.hog.clear();
                    assert_eq!(link(self), Ok(()));
                }
                self.hog.clear();
                self.buf_model.extend(bytes);
            }
            12 => {
                // Freezing cannot fail.
                self.starve();
                let buf = SegmentedBuf::new(self.budget.pool());
                let frozen = core::mem::replace(&mut self.buf, buf).freeze();
                let model = core::mem::take(&mut self.buf_model);
                self.hog.clear();
                self.replace(other, frozen, model);
            }
            _ => {
                self.buf.advance(buf_cut);
                self.buf_model.drain(..buf_cut);
            }
        }
        if self.buf_model.len() > BYTES_MAX {
            self.buf.clear();
            self.buf_model.clear();
        }
    }

    fn replace(&mut self, at: usize, mut sequence: Sequence, mut model: Vec<u8>) {
        sequence.truncate(BYTES_MAX as u64);
        model.truncate(BYTES_MAX);
        (self.sequences[at], self.models[at]) = (sequence, model);
    }

    fn check(&self) {
        assert_eq!(self.buf.len(), self.buf_model.len() as u64);
        let held: Vec<u8> = self.buf.io_slices().flat_map(|slice| slice.to_vec()).collect();
        assert!(held == self.buf_model);
        for (sequence, model) in self.sequences.iter().zip(&self.models) {
            assert!(sequence == model);
        }
    }
}

fn out_of_memory(error: CutError) -> OutOfMemory {
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::OutOfMemory);
    match error {
        CutError::OutOfMemory(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_refused_changes_nothing_and_succeeds_later() {
    let mut world = World::new(0x9e37_79b9_7f4a_7c15);
    for _ in 0..STEPS {
        world.step();
        world.check();
    }
    let (refused, done) = (world.refused, world.scarce_and_done);
    assert!(refused > STEPS / 12 && done > STEPS / 12, "{refused} refused, {done} done");
    let pool = world.budget.pool().clone();
    drop(world);
    assert_eq!(pool.stats().in_use_bytes(), 0, "all blocks were given back");
}

#[test]
fn a_budget_pays_for_the_blocks_of_lists() {
    // Blocks are small under Miri.
    let (sizes, leaf_bytes, bytes_max) = if cfg!(miri) {
        (&[256, 4_096][..], 256, 16 << 10)
    } else {
        (&[256, 4_096, 16_384, 65_536][..], 65_536, 1 << 20)
    };
    let mut chunks_before = 1;
    let pool = Pool::new();
    let budget = Budget::new(&pool, bytes_max);
    let mut segment = budget.pool().take(256);
    segment.extend_from_slice(&[1; 256]);
    let segment = segment.freeze();
    let mut sequence = Sequence::from(segment.slice(..1));
    assert_eq!((sequence.list_bytes(), budget.used_bytes()), (0, 256));
    let mut list_bytes = 0;
    for &block in sizes {
        while sequence.chunk_count() <= chunks_before {
            sequence.push(segment.slice(..1));
        }
        list_bytes = block as u64;
        assert_eq!((sequence.list_bytes(), budget.used_bytes()), (list_bytes, 256 + block));
        assert_eq!(sequence.held_bytes(), 256 + list_bytes);
        chunks_before = chunks_max(block);
    }
    while sequence.chunk_count() <= chunks_before {
        sequence.push(segment.slice(..1));
    }
    // A leaf, and the directory that it is found by.
    list_bytes += leaf_bytes + 256;
    assert_eq!(sequence.list_bytes(), list_bytes);
    assert_eq!(budget.used_bytes() as u64, list_bytes + 256);
    let mut refused = segment.slice(..1);
    let error = loop {
        match sequence.try_push(&mut refused) {
            Ok(()) => refused = segment.slice(..1),
            Err(error) => break error,
        }
    };
    assert!(cfg!(miri) || error.requested_bytes() == 65_536, "{error}");
    assert_eq!(refused.len(), 1);
    let len = sequence.len();
    sequence.truncate(len / 2);
    assert_eq!(sequence.try_push(&mut refused), Ok(()));
    drop(sequence);
    assert_eq!(budget.used_bytes(), 256);
}

#[test]
fn lists_of_adopted_bytes_are_the_global_pools() {
    let own = Pool::new();
    let mut sequence = Sequence::new();
    let chunks = chunks_max(256) + 1;
    assert_eq!(sequence.try_reserve(chunks, &own), Ok(()));
    sequence.extend((0..chunks).map(|_| Segment::from_static(b".")));
    assert_eq!((own.stats().in_use_bytes(), sequence.list_bytes()), (4_096, 4_096));
    // Its clone's list is of the same pool.
    let clone = sequence.clone();
    assert_eq!(own.stats().in_use_bytes(), 8_192);
    drop((sequence, clone));
    assert_eq!(own.stats().in_use_bytes(), 0);
    let before = Pool::global().stats().in_use_bytes();
    let sequence: Sequence = (0..chunks).map(|_| Segment::from_static(b".")).collect();
    assert!(Pool::global().stats().in_use_bytes() >= before + 4_096);
    drop(sequence);
}
