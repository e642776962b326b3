//! seg-pool against allocators, pools and queues.

use core::{alloc::Layout, hint::black_box, time::Duration};
use std::{
    alloc::System,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use anyhow::ensure;
use bytes::{Bytes, BytesMut};
use bytesbuf::mem::GlobalPool;
use crossbeam_queue::ArrayQueue;
use mimalloc::MiMalloc;
use seg_pool::{Pool, SegmentMut, SegmentSize};
use tikv_jemallocator::Jemalloc;

use crate::{
    alloc_count::{Counts, Scope},
    compare::{
        Contender, Job, Kind,
        raw_alloc::{Block, make_heap_cold},
    },
};

/// Segments in a burst.
const BURST: usize = 64;

/// Segments on their way between two threads.
const CHANNEL_LEN: usize = 256;

const SIZE: SegmentSize = SegmentSize::K16;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs: Vec<_> =
        [SegmentSize::B256, SIZE, SegmentSize::K64].into_iter().map(same_thread).collect();
    jobs.extend([
        burst(),
        cross_thread(),
        touched(),
        scaling(1),
        scaling(2),
        clone_drop(),
        slice(),
        first_lines(),
    ]);
    jobs
}

fn layout(size: SegmentSize, align: usize) -> Layout {
    Layout::from_size_align(size.bytes(), align).expect("powers of two")
}

struct Buffers(usize);

impl opool::PoolAllocator<Vec<u8>> for Buffers {
    fn allocate(&self) -> Vec<u8> {
        vec![0; self.0]
    }
}

fn filled_queue(size: SegmentSize, len: usize) -> ArrayQueue<Box<[u8]>> {
    let queue = ArrayQueue::new(len);
    while queue.push(vec![0; size.bytes()].into_boxed_slice()).is_ok() {}
    queue
}

/// A job in which every way to get a buffer is a function that returns one.
struct Ways {
    job: Job,
}

impl Ways {
    /// Adds a way whose buffer is dropped right away.
    fn add<T: 'static>(
        self,
        kind: Kind,
        name: &str,
        mut take: impl FnMut() -> T + 'static,
    ) -> Self {
        let contender = Contender::new(kind, name, move || drop(black_box(take())));
        Self { job: self.job.with(contender) }
    }
}

fn same_thread(size: SegmentSize) -> Job {
    let name = match size.bytes() {
        bytes if bytes < 1024 => format!("pool/same_thread_{bytes}"),
        bytes => format!("pool/same_thread_{}k", bytes / 1024),
    };
    let bytes = size.bytes();
    let plain = layout(size, 16);
    let paged = layout(size, 4096);
    let pool = Pool::new();
    let checked = pool.clone();
    let queue = filled_queue(size, 64);
    let shared: &'static opool::Pool<Buffers, Vec<u8>> =
        Box::leak(Box::new(opool::Pool::new_prefilled(64, Buffers(bytes))));
    let local: &'static opool::LocalPool<Buffers, Vec<u8>> =
        Box::leak(Box::new(opool::LocalPool::new_prefilled(64, Buffers(bytes))));
    let objects: &'static object_pool::Pool<Vec<u8>> =
        Box::leak(Box::new(object_pool::Pool::new(64, || vec![0; bytes])));
    let zeropool: &'static zeropool::ZeroPool =
        Box::leak(Box::new(zeropool::ZeroPool::new().min_buffer_size(256)));
    let global = GlobalPool::new();
    let mut stack: Vec<Box<[u8]>> = (0..64).map(|_| vec![0; bytes].into_boxed_slice()).collect();
    let ours = Contender::new(Kind::Ours, "seg-pool", move || {
        drop(black_box(pool.try_take_size(size)));
    })
    .checked(move || {
        let mut segment = checked.try_take_size(size)?;
        ensure!(segment.capacity() == bytes && segment.as_ptr().addr() % bytes.min(4096) == 0);
        ensure!(segment.fill_from_slice(&vec![7; bytes + 1]) == bytes);
        Ok(())
    })
    .from_nothing(move || drop(black_box(Pool::new().try_take_size(size))));
    Ways { job: Job::new(name, 0).with(ours) }
        .add(Kind::Peer, "glibc malloc", move || Block::new(System, plain))
        .add(Kind::Peer, "glibc malloc, page-aligned", move || Block::new(System, paged))
        .add(Kind::Peer, "mimalloc", move || Block::new(MiMalloc, plain))
        .add(Kind::Peer, "mimalloc, page-aligned", move || Block::new(MiMalloc, paged))
        .add(Kind::Peer, "jemalloc", move || Block::new(Jemalloc, plain))
        .add(Kind::Peer, "jemalloc, page-aligned", move || Block::new(Jemalloc, paged))
        .add(Kind::Peer, "BytesMut::with_capacity", move || BytesMut::with_capacity(bytes))
        .add(Kind::Peer, "opool Pool", move || shared.get())
        .add(Kind::Peer, "object-pool", move || objects.try_pull())
        .add(Kind::Peer, "zeropool", move || zeropool.alloc_uninit(bytes))
        .add(Kind::Peer, "bytesbuf GlobalPool", move || global.reserve(bytes))
        .add(Kind::Floor, "opool LocalPool (not Send)", move || local.get())
        .job
        .with(Contender::new(Kind::Peer, "crossbeam ArrayQueue", move || {
            if let Some(buffer) = queue.pop() {
                let _ = queue.push(black_box(buffer));
            }
        }))
        .with(Contender::new(Kind::Floor, "Vec as a stack", move || {
            if let Some(buffer) = black_box(&mut stack).pop() {
                black_box(&mut stack).push(black_box(buffer));
            }
        }))
}

/// Takes a burst and gives it back; the figures are for one buffer.
fn bursts<T: 'static>(kind: Kind, name: &str, take: impl FnMut() -> T + 'static) -> Contender {
    bursts_with(kind, name, take, Vec::clear)
}

fn bursts_with<T: 'static>(
    kind: Kind,
    name: &str,
    mut take: impl FnMut() -> T + 'static,
    mut give: impl FnMut(&mut Vec<T>) + 'static,
) -> Contender {
    let mut kept = Vec::with_capacity(BURST);
    Contender::timed(kind, name, move |count| {
        let rounds = count.div_ceil(BURST as u64);
        let start = Instant::now();
        for _ in 0..rounds {
            for _ in 0..BURST {
                kept.push(take());
            }
            give(black_box(&mut kept));
        }
        let exact = start.elapsed().as_secs_f64() * count as f64 / (rounds * BURST as u64) as f64;
        Duration::from_secs_f64(exact)
    })
}

fn burst() -> Job {
    let bytes = SIZE.bytes();
    let pool = Pool::new();
    let plain = layout(SIZE, 16);
    let queue = Arc::new(filled_queue(SIZE, BURST));
    let back = Arc::clone(&queue);
    let shared: &'static opool::Pool<Buffers, Vec<u8>> =
        Box::leak(Box::new(opool::Pool::new_prefilled(BURST, Buffers(bytes))));
    let local: &'static opool::LocalPool<Buffers, Vec<u8>> =
        Box::leak(Box::new(opool::LocalPool::new_prefilled(BURST, Buffers(bytes))));
    let objects: &'static object_pool::Pool<Vec<u8>> =
        Box::leak(Box::new(object_pool::Pool::new(BURST, || vec![0; bytes])));
    let global = GlobalPool::new();
    Job::new("pool/burst_64", 0)
        .with(bursts(Kind::Ours, "seg-pool", move || pool.take(bytes)))
        .with(bursts(Kind::Peer, "glibc malloc", move || Block::new(System, plain)))
        .with(bursts(Kind::Peer, "mimalloc", move || Block::new(MiMalloc, plain)))
        .with(bursts(Kind::Peer, "jemalloc", move || Block::new(Jemalloc, plain)))
        .with(bursts(Kind::Peer, "opool Pool", move || shared.get()))
        .with(bursts(Kind::Peer, "object-pool", move || objects.try_pull()))
        .with(bursts(Kind::Peer, "bytesbuf GlobalPool", move || global.reserve(bytes)))
        .with(bursts_with(
            Kind::Peer,
            "crossbeam ArrayQueue",
            move || queue.pop(),
            move |kept| kept.drain(..).flatten().for_each(|buffer| drop(back.push(buffer))),
        ))
        .with(bursts(Kind::Floor, "opool LocalPool (not Send)", move || local.get()))
}

/// Takes on one thread and drops on another, with a bounded channel between.
fn pass<T: Send + 'static>(
    kind: Kind,
    name: &str,
    take: impl FnMut() -> T + Send + 'static,
    give: impl FnMut(T) + Send + 'static,
) -> Contender {
    // Both ends lie in a mutex so that timing and counting can use them in turn.
    let ends = Arc::new(std::sync::Mutex::new((take, give)));
    let counted = Arc::clone(&ends);
    let run = move |count: u64, ends: &std::sync::Mutex<(_, _)>| {
        let mut ends = ends.lock().expect("no contender panics");
        let (take, give) = &mut *ends;
        transfer(count, take, give)
    };
    let again = run;
    Contender::timed(kind, name, move |count| run(count, &ends).0)
        .counted(move |count| again(count, &counted).1)
}

/// Sends so many items through a bounded channel, after enough others to warm both threads.
fn transfer<T: Send>(
    count: u64,
    mut take: impl FnMut() -> T,
    mut give: impl FnMut(T) + Send,
) -> (Duration, Counts) {
    const WARM: u64 = 8 * CHANNEL_LEN as u64;
    // The standard library's, as programs use it. How its ends meet is chance: the median says more
    // than the minimum here.
    let (sender, channel) = mpsc::sync_channel(CHANNEL_LEN);
    thread::scope(|scope| {
        let receiver = scope.spawn(move || {
            let mut receive = |count| {
                for _ in 0..count {
                    give(channel.recv().expect("the sender is there"));
                }
            };
            receive(WARM);
            let counts = Scope::start();
            receive(count);
            // Not with the end of the thread.
            (Instant::now(), counts.finish())
        });
        let mut send = |count| {
            for _ in 0..count {
                sender.send(take()).expect("the receiver is there");
            }
        };
        send(WARM);
        let counts = Scope::start();
        let start = Instant::now();
        send(count);
        let sent = counts.finish();
        let (end, received) = receiver.join().expect("the receiver does not panic");
        (end - start, sent.then(received))
    })
}

fn cross_thread() -> Job {
    let bytes = SIZE.bytes();
    let pool = Pool::new();
    let plain = layout(SIZE, 16);
    let queue = Arc::new(filled_queue(SIZE, 2 * CHANNEL_LEN));
    let back = Arc::clone(&queue);
    let shared: &'static opool::Pool<Buffers, Vec<u8>> =
        Box::leak(Box::new(opool::Pool::new_prefilled(2 * CHANNEL_LEN, Buffers(bytes))));
    let objects: &'static object_pool::Pool<Vec<u8>> =
        Box::leak(Box::new(object_pool::Pool::new(2 * CHANNEL_LEN, || vec![0; bytes])));
    let global = GlobalPool::new();
    Job::new("pool/cross_thread_16k", 0)
        .with(pass(Kind::Ours, "seg-pool", move || pool.take(bytes), drop::<SegmentMut>))
        .with(pass(Kind::Peer, "glibc malloc", move || Block::new(System, plain), drop))
        .with(pass(Kind::Peer, "mimalloc", move || Block::new(MiMalloc, plain), drop))
        .with(pass(Kind::Peer, "jemalloc", move || Block::new(Jemalloc, plain), drop))
        .with(pass(Kind::Peer, "opool Pool", move || shared.get(), drop))
        .with(pass(Kind::Peer, "object-pool", move || objects.try_pull(), drop))
        .with(pass(Kind::Peer, "bytesbuf GlobalPool", move || global.reserve(bytes), drop))
        .with(pass(
            Kind::Peer,
            "crossbeam ArrayQueue",
            move || queue.pop(),
            move |buffer| drop(buffer.map(|buffer| back.push(buffer))),
        ))
        // Three words, as a segment is.
        .with(pass(
            Kind::Floor,
            "the channel alone",
            || black_box([7_u64; 3]),
            |item| _ = black_box(item),
        ))
}

/// Takes a buffer and writes to each page of it, after the heap's free memory went to the system.
fn touched() -> Job {
    let bytes = SIZE.bytes();
    let plain = layout(SIZE, 16);
    let pool = Pool::new();
    let mut buffer = vec![0_u8; bytes];
    Job::new("pool/touched_16k", 0)
        .with(cold(Kind::Ours, "seg-pool", move || {
            let mut segment = pool.take(bytes);
            for page in (0..segment.capacity()).step_by(4096) {
                segment.spare_capacity_mut().write_byte(page, 1);
            }
            segment
        }))
        .with(cold(Kind::Peer, "glibc malloc", move || {
            let mut block = Block::new(System, plain);
            block.touch();
            block
        }))
        .with(cold(Kind::Peer, "mimalloc", move || {
            let mut block = Block::new(MiMalloc, plain);
            block.touch();
            block
        }))
        .with(cold(Kind::Peer, "jemalloc", move || {
            let mut block = Block::new(Jemalloc, plain);
            block.touch();
            block
        }))
        .with(cold(Kind::Floor, "the writes alone", move || {
            for page in buffer.chunks_mut(4096) {
                page[0] = 1;
            }
            black_box(buffer.as_ptr())
        }))
}

fn cold<T: 'static>(kind: Kind, name: &str, mut take: impl FnMut() -> T + 'static) -> Contender {
    Contender::timed(kind, name, move |count| {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            make_heap_cold();
            let start = Instant::now();
            drop(black_box(take()));
            total += start.elapsed();
        }
        total
    })
}

/// The same work on so many threads at once; the figure is time divided by all operations.
fn scaling(threads: u32) -> Job {
    let pool = Pool::new();
    let plain = layout(SIZE, 16);
    Job::new(format!("pool/scaling_16k_{threads}t"), 0)
        .with(parallel(Kind::Ours, "seg-pool", threads, move || {
            drop(black_box(pool.try_take_size(pool.segment_size())));
        }))
        .with(parallel(Kind::Peer, "glibc malloc", threads, move || {
            drop(black_box(Block::new(System, plain)));
        }))
        .with(parallel(Kind::Peer, "mimalloc", threads, move || {
            drop(black_box(Block::new(MiMalloc, plain)));
        }))
}

fn parallel(
    kind: Kind,
    name: &str,
    threads: u32,
    op: impl Fn() + Send + Sync + 'static,
) -> Contender {
    let op = Arc::new(op);
    let counted = Arc::clone(&op);
    Contender::timed(kind, name, move |count| run_parallel(threads, count, &*op).0)
        .counted(move |count| run_parallel(threads, count, &*counted).1)
}

fn run_parallel(threads: u32, count: u64, op: &(impl Fn() + Sync)) -> (Duration, Counts) {
    let each = count.div_ceil(threads.into());
    let barrier = std::sync::Barrier::new(threads as usize);
    let work = || {
        // Warm before the start.
        (0..100).for_each(|_| op());
        barrier.wait();
        let counts = Scope::start();
        let start = Instant::now();
        (0..each).for_each(|_| op());
        (start.elapsed(), counts.finish())
    };
    let (time, counts) = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("no panic"));
        ends.reduce(|(time, counts), (other, more)| (time.max(other), counts.then(more)))
            .expect("at least one thread")
    });
    (time.mul_f64(count as f64 / (each * u64::from(threads)) as f64), counts)
}

fn clone_drop() -> Job {
    let mut segment = Pool::new().take(SIZE.bytes());
    segment.extend_from_slice(&[7; 1_000]);
    let segment = segment.freeze();
    let bytes = Bytes::from(vec![7; 1_000]);
    // A first clone moves `Bytes` from its unshared to its shared form.
    drop(bytes.clone());
    Job::new("segment/clone_drop", 0)
        .with(Contender::new(Kind::Ours, "Segment::clone", move || {
            drop(black_box(segment.clone()))
        }))
        .with(Contender::new(Kind::Peer, "Bytes::clone", move || drop(black_box(bytes.clone()))))
}

fn slice() -> Job {
    let mut segment = Pool::new().take(SIZE.bytes());
    segment.extend_from_slice(&[7; 1_000]);
    let segment = segment.freeze();
    let bytes = Bytes::from(vec![7; 1_000]);
    drop(bytes.clone());
    let range = || black_box(100)..black_box(200);
    Job::new("segment/slice", 0)
        .with(Contender::new(Kind::Ours, "Segment::slice", move || {
            drop(black_box(segment.slice(range())))
        }))
        .with(Contender::new(Kind::Peer, "Bytes::slice", move || {
            drop(black_box(bytes.slice(range())))
        }))
}

/// Reads the first 64 bytes of each of 64 segments in use, as a server does with one small message
/// from each connection. All starts are page-aligned and fall into the same cache set; the floor
/// has them a line further in each segment (the colouring of Bonwick's slab allocator).
fn first_lines() -> Job {
    const LINE: usize = 64;
    const PAGE: usize = 4096;
    let read = |kind, name, start: fn(usize) -> usize| {
        let pool = Pool::new();
        let segments: Vec<SegmentMut> = (0..BURST)
            .map(|_| {
                let mut segment = pool.take(SIZE.bytes());
                segment.extend_from_slice(&[7; PAGE + LINE]);
                segment
            })
            .collect();
        Contender::new(kind, name, move || {
            let lines = segments.iter().enumerate().map(|(index, segment)| {
                let start = black_box(start(index));
                segment[start..start + LINE].iter().map(|&byte| u64::from(byte)).sum::<u64>()
            });
            assert_eq!(black_box(lines.sum::<u64>()), (7 * LINE * BURST) as u64);
        })
    };
    Job::new("pool/first_lines_64", (LINE * BURST) as u64)
        .with(read(Kind::Ours, "page-aligned starts", |_| 0))
        .with(read(Kind::Floor, "coloured starts", |index| index * LINE % PAGE))
}
