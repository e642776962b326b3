//! Growing by copy and by link, and keeping little of much.

use core::{hint::black_box, time::Duration};
use std::{collections::VecDeque, rc::Rc, time::Instant};

use anyhow::ensure;
use buf_list::BufList;
use bytes::{Bytes, BytesMut};
use bytesbuf::{BytesBuf, mem::GlobalPool};
use seg_pool::Pool;
use seg_seq::{LinkPolicy, SegmentedBuf, Sequence};

use super::{MIB, payload, received};
use crate::compare::{Contender, Job, Kind, raw_alloc::make_heap_cold};

/// Bytes that are kept of each received segment.
const KEPT_BYTES: usize = 20;

/// Received segments of which little is kept: in a check, and in an operation.
const CHECKED_SEGMENTS: usize = 100_000;
const TIMED_SEGMENTS: usize = 1_000;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for (len, name) in [(MIB, "1m"), (16 * MIB, "16m")] {
        for (piece, piece_name) in [(1_400, "1400"), (16_384, "16k")] {
            jobs.push(append(&format!("seq/append_{name}_in_{piece_name}"), len, piece, false));
            jobs.push(append(&format!("seq/append_{name}_cold_in_{piece_name}"), len, piece, true));
        }
    }
    jobs.extend([64, 4_096, 65_536].map(link));
    jobs.push(tiny_slices_kept());
    jobs
}

/// What an operation grows, piece by piece, and drops.
fn grow<T>(bytes: &[u8], piece: usize, mut buffer: T, mut extend: impl FnMut(&mut T, &[u8])) {
    bytes.chunks(piece).for_each(|piece| extend(&mut buffer, piece));
    drop(black_box(buffer));
}

fn append(name: &str, len: usize, piece: usize, is_cold: bool) -> Job {
    let bytes: Rc<[u8]> = payload(len).into();
    let pool = Pool::new();
    let contender = |kind, name, mut op: Box<dyn FnMut()>| {
        if !is_cold || kind == Kind::Floor {
            return Contender::new(kind, name, op);
        }
        Contender::timed(kind, name, move |count| {
            let mut total = Duration::ZERO;
            for _ in 0..count {
                make_heap_cold();
                let start = Instant::now();
                op();
                total += start.elapsed();
            }
            total
        })
    };
    let [ours, fresh, checked, vec, exact, bytes_mut, pooled, floor] =
        [(); 8].map(|()| Rc::clone(&bytes));
    let global = GlobalPool::new();
    let mut target = vec![0; len];
    let extend = SegmentedBuf::extend_from_slice;
    Job::new(name, len as u64)
        .with(
            contender(
                Kind::Ours,
                "SegmentedBuf",
                Box::new(move || grow(&ours, piece, SegmentedBuf::new(&pool), extend)),
            )
            .checked(move || {
                let mut buffer = SegmentedBuf::new(&Pool::new());
                checked.chunks(piece).for_each(|piece| buffer.extend_from_slice(piece));
                ensure!(buffer.freeze() == *checked);
                Ok(())
            })
            .from_nothing(move || grow(&fresh, piece, SegmentedBuf::new(&Pool::new()), extend)),
        )
        .with(contender(
            Kind::Peer,
            "Vec, growing",
            Box::new(move || grow(&vec, piece, Vec::new(), Vec::extend_from_slice)),
        ))
        .with(contender(
            Kind::Peer,
            "Vec, of the length at once",
            Box::new(move || grow(&exact, piece, Vec::with_capacity(len), Vec::extend_from_slice)),
        ))
        .with(contender(
            Kind::Peer,
            "BytesMut, growing",
            Box::new(move || {
                grow(&bytes_mut, piece, BytesMut::new(), BytesMut::extend_from_slice);
            }),
        ))
        .with(contender(
            Kind::Peer,
            "BytesBuf",
            Box::new(move || {
                grow(&pooled, piece, BytesBuf::new(), |buffer, piece| {
                    buffer.reserve(piece.len(), &global);
                    buffer.put_slice(piece);
                });
            }),
        ))
        .with(contender(
            Kind::Floor,
            "copy into the same memory",
            Box::new(move || {
                for (target, piece) in target.chunks_mut(piece).zip(floor.chunks(piece)) {
                    target.copy_from_slice(piece);
                }
                black_box(&mut target);
            }),
        ))
}

/// Links so many segments; the figures are for one. Making and dropping them is not timed.
fn link(count: usize) -> Job {
    let pool = Pool::new();
    let segments = received(&pool, 64);
    let parts: Vec<Bytes> =
        segments.iter().map(|segment| Bytes::copy_from_slice(segment)).collect();
    let links = move |index: usize| segments[index % 64].clone();
    let parts = move |index: usize| parts[index % 64].clone();
    let (more_links, more_parts, other_parts) = (links.clone(), parts.clone(), parts.clone());
    let push_chunk = |list: &mut BufList, part| drop::<Bytes>(list.push_chunk::<Bytes>(part));
    let ours = Kind::Ours;
    let buffer = move || SegmentedBuf::new(&pool);
    Job::new(format!("seq/link_16k_{count}"), 0)
        .with(pushes(ours, "SegmentedBuf::push", count, links, buffer, SegmentedBuf::push))
        .with(pushes(ours, "Sequence::push", count, more_links, Sequence::new, Sequence::push))
        .with(pushes(Kind::Peer, "Vec<Bytes>", count, parts, Vec::new, Vec::push))
        .with(pushes(
            Kind::Peer,
            "VecDeque<Bytes>",
            count,
            more_parts,
            VecDeque::new,
            VecDeque::push_back,
        ))
        .with(pushes(Kind::Peer, "BufList", count, other_parts, BufList::new, push_chunk))
}

/// Pushes so many parts into a new list; the figures are for one.
fn pushes<T, L>(
    kind: Kind,
    name: &str,
    count: usize,
    part: impl Fn(usize) -> T + 'static,
    list: impl Fn() -> L + 'static,
    push: impl Fn(&mut L, T) + 'static,
) -> Contender {
    Contender::timed(kind, name, move |ops| {
        let rounds = ops.div_ceil(count as u64);
        let mut total = Duration::ZERO;
        for _ in 0..rounds {
            let parts: Vec<T> = (0..count).map(&part).collect();
            let start = Instant::now();
            let mut list = list();
            parts.into_iter().for_each(|part| push(&mut list, part));
            let list = black_box(list);
            total += start.elapsed();
            drop(list);
        }
        total.mul_f64(ops as f64 / (rounds * count as u64) as f64)
    })
}

/// Keeps a short part of each received segment; what is held shows in the peak of live bytes.
fn tiny_slices_kept() -> Job {
    let pool = Pool::new();
    let receive = |pool: &Pool| {
        let mut segment = pool.try_take_size(pool.segment_size()).expect("no limit");
        segment.extend_from_slice(&[7; 100]);
        segment.freeze()
    };
    let keep = move |pool: &Pool, count| {
        let mut kept = SegmentedBuf::new(pool);
        for _ in 0..count {
            let mut part = receive(pool).slice(40..40 + KEPT_BYTES);
            kept.link_or_copy(&mut part, KEPT_BYTES, &LinkPolicy::RECEIVE).expect("no limit");
        }
        kept
    };
    Job::new("seq/tiny_slices_kept", (TIMED_SEGMENTS * KEPT_BYTES) as u64)
        .with(
            Contender::new(Kind::Ours, "SegmentedBuf::link_or_copy", move || {
                drop(black_box(keep(&pool, TIMED_SEGMENTS)));
            })
            .checked(move || {
                let pool = Pool::new();
                let kept = keep(&pool, CHECKED_SEGMENTS);
                let most = 2 * kept.len() + 16_384;
                ensure!(kept.held_bytes() <= most, "{} bytes held", kept.held_bytes());
                ensure!(pool.stats().in_use_bytes() as u64 <= most);
                ensure!(kept.freeze() == vec![7; CHECKED_SEGMENTS * KEPT_BYTES]);
                Ok(())
            })
            .from_nothing(move || drop(black_box(keep(&Pool::new(), TIMED_SEGMENTS)))),
        )
        .with(Contender::new(Kind::Peer, "Bytes::slice of each", || {
            let mut kept = Vec::new();
            for _ in 0..TIMED_SEGMENTS {
                let mut received = BytesMut::with_capacity(16_384);
                received.extend_from_slice(&[7; 100]);
                kept.push(received.freeze().slice(40..40 + KEPT_BYTES));
            }
            drop(black_box(kept));
        }))
        .with(Contender::new(Kind::Peer, "Bytes, copied each", || {
            let mut kept = Vec::new();
            for _ in 0..TIMED_SEGMENTS {
                let mut received = BytesMut::with_capacity(16_384);
                received.extend_from_slice(&[7; 100]);
                kept.push(Bytes::copy_from_slice(&received[40..40 + KEPT_BYTES]));
            }
            drop(black_box(kept));
        }))
}
