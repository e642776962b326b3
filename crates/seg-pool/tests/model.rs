//! Random operations on many handles at once, against plain vectors.
//!
//! After each step every handle shows its model's bytes: two handles that wrongly share a byte, or
//! a segment that is reused too early, show up as a change in a handle that nobody touched.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES, Segment, SegmentMut, SegmentSize};

const CASES: u32 = if cfg!(miri) { 4 } else { 192 };
const STEPS: usize = if cfg!(miri) { 30 } else { 250 };
const HANDLES_MAX: usize = 24;

#[derive(Clone, Debug)]
enum Step {
    Take(SegmentSize),
    Static(usize),
    Extend { at: usize, len: usize, byte: u8 },
    FillInitialized { at: usize, len: usize, byte: u8 },
    Overwrite { at: usize, index: usize, byte: u8 },
    Advance { at: usize, count: usize },
    Truncate { at: usize, len: usize },
    SplitTo { at: usize, cut: usize },
    SplitOff { at: usize, cut: usize },
    Unsplit { at: usize, next: usize },
    Freeze { at: usize },
    Clone { at: usize },
    Slice { at: usize, from: usize, to: usize },
    ThroughBytes { at: usize },
    TryIntoMut { at: usize },
    Drop { at: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![
        6 => Just(SegmentSize::B256),
        3 => Just(SegmentSize::B512),
        1 => Just(SegmentSize::K2),
    ];
    let at = 0..HANDLES_MAX;
    let (len, byte) = (0..600_usize, any::<u8>());
    prop_oneof![
        4 => size.prop_map(Step::Take),
        1 => (0..8_usize).prop_map(Step::Static),
        4 => (at.clone(), len.clone(), byte)
            .prop_map(|(at, len, byte)| Step::Extend { at, len, byte }),
        2 => (at.clone(), len.clone(), byte)
            .prop_map(|(at, len, byte)| Step::FillInitialized { at, len, byte }),
        1 => (at.clone(), len.clone(), byte)
            .prop_map(|(at, index, byte)| Step::Overwrite { at, index, byte }),
        1 => (at.clone(), len.clone()).prop_map(|(at, count)| Step::Advance { at, count }),
        1 => (at.clone(), len.clone()).prop_map(|(at, len)| Step::Truncate { at, len }),
        3 => (at.clone(), len.clone()).prop_map(|(at, cut)| Step::SplitTo { at, cut }),
        3 => (at.clone(), len.clone()).prop_map(|(at, cut)| Step::SplitOff { at, cut }),
        8 => (at.clone(), at.clone()).prop_map(|(at, next)| Step::Unsplit { at, next }),
        2 => at.clone().prop_map(|at| Step::Freeze { at }),
        1 => at.clone().prop_map(|at| Step::Clone { at }),
        2 => (at.clone(), len.clone(), len)
            .prop_map(|(at, from, to)| Step::Slice { at, from, to }),
        1 => at.clone().prop_map(|at| Step::ThroughBytes { at }),
        2 => at.clone().prop_map(|at| Step::TryIntoMut { at }),
        3 => at.prop_map(|at| Step::Drop { at }),
    ]
}

#[derive(Debug)]
enum Handle {
    Exclusive(SegmentMut),
    Shared(Segment),
}

/// Where a handle's first byte lies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    /// The pooled segment; `None` for static bytes.
    segment: Option<(usize, SegmentSize)>,
    /// What neighbours must have in common: the segment, or the `Bytes` that were adopted.
    memory: usize,
    offset: usize,
}

#[derive(Debug)]
struct Entry {
    handle: Handle,
    bytes: Vec<u8>,
    place: Place,
    adopted: bool,
}

impl Entry {
    fn filled(&self) -> &[u8] {
        match &self.handle {
            Handle::Exclusive(segment) => segment,
            Handle::Shared(segment) => segment,
        }
    }

    fn holds(&self) -> bool {
        match &self.handle {
            Handle::Exclusive(_) => true,
            Handle::Shared(segment) => segment.held_bytes() > 0,
        }
    }

    fn part(&self, handle: Handle, bytes: Vec<u8>, distance: usize) -> Self {
        let place = Place { offset: self.place.offset + distance, ..self.place };
        Self { handle, bytes, place, adopted: self.adopted }
    }
}

struct World {
    pool: Pool,
    entries: Vec<Entry>,
    next_id: usize,
}

impl World {
    fn new() -> Self {
        Self { pool: Pool::new(), entries: Vec::new(), next_id: 0 }
    }

    fn id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id
    }

    fn add(&mut self, entry: Entry) {
        if self.entries.len() == HANDLES_MAX {
            self.entries.remove(0);
        }
        self.entries.push(entry);
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Take(size) => {
                let handle = Handle::Exclusive(self.pool.try_take_size(size).expect("no limit"));
                let id = self.id();
                let place = Place { segment: Some((id, size)), memory: id, offset: 0 };
                self.add(Entry { handle, bytes: Vec::new(), place, adopted: false });
            }
            Step::Static(len) => {
                static BYTES: [u8; 8] = *b"static!!";
                let handle = Handle::Shared(Segment::from_static(&BYTES[..len]));
                let place = Place { segment: None, memory: self.id(), offset: 0 };
                self.add(Entry { handle, bytes: BYTES[..len].to_vec(), place, adopted: false });
            }
            Step::Unsplit { at, next } => self.unsplit(at, next),
            Step::Drop { at } => {
                if !self.entries.is_empty() {
                    self.entries.remove(at % self.entries.len());
                }
            }
            Step::Freeze { at } | Step::TryIntoMut { at } | Step::ThroughBytes { at } => {
                if !self.entries.is_empty() {
                    let entry = self.entries.remove(at % self.entries.len());
                    let entry = self.turn(&step, entry);
                    self.entries.push(entry);
                }
            }
            Step::Extend { at, .. }
            | Step::FillInitialized { at, .. }
            | Step::Overwrite { at, .. }
            | Step::Advance { at, .. }
            | Step::Truncate { at, .. }
            | Step::SplitTo { at, .. }
            | Step::SplitOff { at, .. }
            | Step::Clone { at }
            | Step::Slice { at, .. } => {
                let count = self.entries.len().max(1);
                if let Some(entry) = self.entries.get_mut(at % count) {
                    let part = match &entry.handle {
                        Handle::Exclusive(_) => change_exclusive(&step, entry),
                        Handle::Shared(_) => change_shared(&step, entry),
                    };
                    part.into_iter().for_each(|part| self.add(part));
                }
            }
        }
    }

    /// Turns one kind of handle into another.
    fn turn(&mut self, step: &Step, entry: Entry) -> Entry {
        let Entry { handle, bytes, mut place, mut adopted } = entry;
        let handle = match (step, handle) {
            (Step::Freeze { .. }, Handle::Exclusive(segment)) => Handle::Shared(segment.freeze()),
            (Step::TryIntoMut { .. }, Handle::Shared(segment)) => {
                let others = self
                    .entries
                    .iter()
                    .filter(|other| other.holds() && other.place.segment == place.segment);
                let shared = others.count() > 0;
                let possible = segment.held_bytes() > 0 && !shared && !adopted;
                match segment.try_into_mut() {
                    Ok(segment) => {
                        assert!(possible, "another view lives");
                        Handle::Exclusive(segment)
                    }
                    Err(segment) => {
                        assert!(!possible, "it was the only view");
                        Handle::Shared(segment)
                    }
                }
            }
            (Step::ThroughBytes { .. }, handle) => {
                let segment = match handle {
                    Handle::Exclusive(segment) => segment.freeze(),
                    Handle::Shared(segment) => segment,
                };
                let address = segment.as_ptr();
                let converted = Segment::from(Bytes::from(segment));
                assert!(converted.is_empty() || converted.as_ptr() == address, "it was copied");
                (adopted, place.memory, place.offset) = (true, self.id(), 0);
                Handle::Shared(converted)
            }
            (_, handle) => handle,
        };
        Entry { handle, bytes, place, adopted }
    }

    fn unsplit(&mut self, at: usize, next: usize) {
        if self.entries.len() < 2 {
            return;
        }
        let next = self.entries.remove(next % self.entries.len());
        let count = self.entries.len();
        // Mostly with a neighbour, as strangers are too many.
        let neighbour = self.entries.iter().position(|entry| {
            entry.place.memory == next.place.memory
                && entry.place.offset + entry.bytes.len() == next.place.offset
        });
        let Some(front) = self.entries.get_mut(neighbour.unwrap_or(at % count)) else { return };
        let counted = front.place.segment.is_some() || front.adopted;
        let same = front.place.memory == next.place.memory && counted;
        let refused = match (&mut front.handle, next.handle) {
            (Handle::Exclusive(segment), Handle::Exclusive(next_segment)) => {
                let touch = front.place.offset + segment.capacity() == next.place.offset;
                let gap = segment.spare_len() > 0 && !next_segment.is_empty();
                let refused = segment.unsplit(next_segment).err();
                assert_eq!(refused.is_none(), same && touch && !gap);
                refused.map(Handle::Exclusive)
            }
            (Handle::Shared(segment), Handle::Shared(next_segment)) => {
                let touch = front.place.offset + segment.len() == next.place.offset;
                let (replaced, vanishes) = (segment.is_empty(), next_segment.is_empty());
                let refused = segment.unsplit(next_segment).err();
                assert_eq!(refused.is_none(), vanishes || replaced || (same && touch));
                if replaced && !vanishes {
                    (front.place, front.adopted) = (next.place, next.adopted);
                }
                refused.map(Handle::Shared)
            }
            (_, handle) => Some(handle),
        };
        match refused {
            None => front.bytes.extend(next.bytes),
            Some(handle) => self.entries.push(Entry { handle, ..next }),
        }
    }

    fn check(&self) {
        let mut held = BTreeMap::new();
        for entry in &self.entries {
            assert_eq!(entry.filled(), entry.bytes);
            if let (true, Some((id, size))) = (entry.holds(), entry.place.segment) {
                held.insert(id, size.bytes());
            }
        }
        let stats = self.pool.stats();
        assert_eq!(stats.in_use_bytes(), held.values().sum::<usize>());
        assert_eq!(stats.in_use_bytes() + stats.idle_bytes(), stats.held_bytes());
    }
}

fn change_exclusive(step: &Step, entry: &mut Entry) -> Option<Entry> {
    let Handle::Exclusive(segment) = &mut entry.handle else { return None };
    match *step {
        Step::Extend { len, byte, .. } => {
            let spare = segment.spare_len();
            let count = segment.fill_from_slice(&vec![byte; len]);
            assert_eq!(count, len.min(spare));
            entry.bytes.extend(vec![byte; count]);
        }
        Step::FillInitialized { len, byte, .. } => {
            let spare = segment.spare_initialized_mut();
            let len = len % (spare.len() + 1);
            spare[..len].fill(byte);
            segment.advance_initialized(len);
            entry.bytes.extend(vec![byte; len]);
        }
        Step::Overwrite { index, byte, .. } if !segment.is_empty() => {
            let index = index % segment.len();
            segment[index] = byte;
            entry.bytes[index] = byte;
        }
        Step::Advance { count, .. } => {
            let count = count % (segment.len() + 1);
            segment.advance(count);
            entry.bytes.drain(..count);
            entry.place.offset += count;
        }
        Step::Truncate { len, .. } => {
            segment.truncate(len);
            entry.bytes.truncate(len);
        }
        Step::SplitTo { cut, .. } => {
            let cut = cut % (segment.len() + 1);
            let capacity = segment.capacity();
            let front = segment.split_to(cut);
            assert_eq!((front.capacity(), segment.capacity()), (cut, capacity - cut));
            let bytes = entry.bytes.drain(..cut).collect();
            let part = entry.part(Handle::Exclusive(front), bytes, 0);
            entry.place.offset += cut;
            return Some(part);
        }
        Step::SplitOff { cut, .. } => {
            let cut = cut % (segment.capacity() + 1);
            let capacity = segment.capacity();
            let back = segment.split_off(cut);
            assert_eq!((segment.capacity(), back.capacity()), (cut, capacity - cut));
            let bytes = entry.bytes.split_off(cut.min(entry.bytes.len()));
            return Some(entry.part(Handle::Exclusive(back), bytes, cut));
        }
        Step::Slice { from, to, .. } => {
            let (from, to) = (from % (segment.len() + 1), to % (segment.len() + 1));
            let range = from.min(to)..from.max(to);
            let spare = segment.spare_len();
            let frozen = segment.freeze_range(range.clone());
            assert_eq!(segment.spare_len(), spare);
            let bytes = entry.bytes[range.clone()].to_vec();
            let part = entry.part(Handle::Shared(frozen), bytes, range.start);
            entry.bytes.drain(..range.end);
            entry.place.offset += range.end;
            return Some(part);
        }
        _ => {}
    }
    None
}

fn change_shared(step: &Step, entry: &mut Entry) -> Option<Entry> {
    let Handle::Shared(segment) = &mut entry.handle else { return None };
    let len = segment.len();
    match *step {
        Step::Advance { count, .. } => {
            let count = count % (len + 1);
            segment.advance(count);
            entry.bytes.drain(..count);
            entry.place.offset += count;
        }
        Step::Truncate { len, .. } => {
            segment.truncate(len);
            entry.bytes.truncate(len);
        }
        Step::SplitTo { cut, .. } => {
            let cut = cut % (len + 1);
            let front = segment.split_to(cut);
            let bytes = entry.bytes.drain(..cut).collect();
            let part = entry.part(Handle::Shared(front), bytes, 0);
            entry.place.offset += cut;
            return Some(part);
        }
        Step::SplitOff { cut, .. } => {
            let cut = cut % (len + 1);
            let back = segment.split_off(cut);
            let bytes = entry.bytes.split_off(cut);
            return Some(entry.part(Handle::Shared(back), bytes, cut));
        }
        Step::Clone { .. } => {
            let clone = segment.clone();
            return Some(entry.part(Handle::Shared(clone), entry.bytes.clone(), 0));
        }
        Step::Slice { from, to, .. } => {
            let (from, to) = (from % (len + 1), to % (len + 1));
            let range = from.min(to)..from.max(to);
            let slice = segment.slice(range.clone());
            let bytes = entry.bytes[range.clone()].to_vec();
            return Some(entry.part(Handle::Shared(slice), bytes, range.start));
        }
        _ => {}
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn handles_show_what_was_written_through_them(
        steps in prop::collection::vec(step(), 1..STEPS),
    ) {
        let mut world = World::new();
        for step in steps {
            world.apply(step);
            world.check();
        }
        world.entries.clear();
        world.check();
        let held = world.pool.stats().held_bytes();
        prop_assert_eq!(held % SLAB_BYTES, 0);
        prop_assert_eq!(world.pool.trim(), held);
    }
}
