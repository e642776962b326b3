//! Many threads that take, pass on and drop, and that die with segments in hand.

use core::cell::RefCell;
use std::{
    panic,
    sync::mpsc::{self, Receiver, Sender},
    thread,
};

use seg_pool::{Budget, Pool, Segment, SegmentSize};

const WAVES: u64 = if cfg!(miri) { 2 } else { 60 };
const THREADS: u64 = 4;
const STEPS: u64 = if cfg!(miri) { 12 } else { 400 };

/// Numbers without a pattern, the same in every run (Marsaglia, "Xorshift RNGs", 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

thread_local! {
    /// Segments that are dropped when the thread's locals are.
    static KEPT: RefCell<Vec<Segment>> = const { RefCell::new(Vec::new()) };
}

/// A segment that says what it holds: its length, over and over.
fn marked(pool: &Pool, random: &mut Random) -> Option<Segment> {
    let size = SegmentSize::ALL[random.below(SegmentSize::ALL.len())];
    let mut segment = pool.try_take_size(size).ok()?;
    let len = 1 + random.below(size.bytes().min(2_000));
    segment.extend_from_slice(&vec![mark(len); len]);
    Some(segment.freeze())
}

fn check(segment: &Segment) {
    assert!(segment.iter().all(|&byte| byte == mark(segment.len())), "another's bytes");
}

#[expect(clippy::cast_possible_truncation)]
const fn mark(len: usize) -> u8 {
    len as u8
}

/// Lives for a while, then ends: by returning or by panicking, with segments on its stack, in its
/// locals and under way to others.
fn live(pool: &Pool, seed: u64, others: &[Sender<Segment>], inbox: &Receiver<Segment>) {
    let mut random = Random(seed);
    let mut mine = Vec::new();
    for _ in 0..STEPS {
        match random.below(8) {
            0..=2 => mine.extend(marked(pool, &mut random)),
            3 => {
                if let Some(segment) = mine.pop() {
                    // Whoever is dead already drops it on the way.
                    let _ = others[random.below(others.len())].send(segment);
                }
            }
            4 => mine.extend(inbox.try_iter().inspect(check)),
            5 if !mine.is_empty() => {
                let index = random.below(mine.len());
                let view = mine[index].clone();
                check(&view);
                KEPT.with_borrow_mut(|kept| kept.push(view));
            }
            6 => KEPT.with_borrow_mut(|kept| kept.truncate(random.below(20))),
            _ if !mine.is_empty() => {
                check(&mine.swap_remove(random.below(mine.len())));
            }
            _ => {}
        }
        mine.truncate(64);
    }
    if seed.is_multiple_of(3) {
        // Quietly: the hook of the test harness would print each.
        panic::resume_unwind(Box::new("dies with segments in hand"));
    }
}

/// Wave after wave of threads; what one leaves in its channels, the next one gets.
fn stress(pools: &[Pool]) {
    for wave in 0..WAVES {
        let channels = (0..THREADS).map(|_| mpsc::channel());
        let (senders, receivers): (Vec<_>, Vec<_>) = channels.unzip();
        let threads: Vec<_> = receivers
            .into_iter()
            .zip(0..)
            .map(|(inbox, index)| {
                let (pool, others) = (pools[0].clone(), senders.clone());
                let other = pools[pools.len() - 1].clone();
                let seed = 1 + wave * THREADS + index;
                thread::spawn(move || {
                    let pool = if index % 2 == 0 { pool } else { other };
                    live(&pool, seed, &others, &inbox);
                    inbox
                })
            })
            .collect();
        drop(senders);
        let ends: Vec<_> = threads.into_iter().map(thread::JoinHandle::join).collect();
        assert!(ends.iter().any(Result::is_err), "some die");
        ends.into_iter().flatten().flat_map(|inbox| inbox.into_iter()).for_each(|segment| {
            check(&segment);
        });
        for pool in pools {
            let stats = pool.stats();
            assert_eq!(stats.in_use_bytes(), 0, "wave {wave}");
            assert_eq!(stats.idle_bytes(), stats.held_bytes(), "wave {wave}");
        }
    }
    for pool in pools {
        pool.trim();
        assert_eq!(pool.stats().held_bytes(), 0);
    }
}

#[test]
fn threads_that_die_with_segments_in_hand_leave_nothing_behind() {
    stress(&[Pool::new()]);
}

#[test]
fn threads_that_die_leave_a_limit_and_a_budget_as_they_were() {
    let pool = Pool::builder().bytes_max(4 << 20).build();
    let budget = Budget::new(&pool, 1 << 20);
    stress(&[pool, budget.pool().clone()]);
    assert_eq!(budget.used_bytes(), 0);
    assert!(budget.used_bytes_peak() <= 1 << 20);
}

#[test]
fn threads_that_die_keep_two_pools_apart() {
    stress(&[Pool::new(), Pool::builder().zero_on_drop(true).build()]);
}
