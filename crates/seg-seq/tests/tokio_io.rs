//! tokio's traits beside `std::io::Cursor`, which has them as well.

use core::{
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::io::{Cursor, IoSlice, SeekFrom};

use proptest::prelude::*;
use seg_pool::{Pool, SLAB_BYTES, Segment, SegmentSize};
use seg_seq::{Reader, SegmentedBuf, Sequence};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt, ReadBuf,
};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// Runs a future that must not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    let future = core::pin::pin!(future);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waited"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    ReadExact(usize),
    ReadToEnd,
    ReadUntil(u8),
    Seek(SeekFrom),
}

fn step() -> impl Strategy<Value = Step> {
    let offset = prop_oneof![6 => -60..60_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let start = prop_oneof![6 => 0..900_u64, 1 => Just(u64::MAX), 1 => Just(1 << 63)];
    prop_oneof![
        3 => (0..300_usize).prop_map(Step::Read),
        1 => (0..300_usize).prop_map(Step::ReadExact),
        1 => Just(Step::ReadToEnd),
        2 => (0..4_u8).prop_map(Step::ReadUntil),
        2 => start.prop_map(|at| Step::Seek(SeekFrom::Start(at))),
        2 => offset.clone().prop_map(|by| Step::Seek(SeekFrom::Current(by))),
        2 => offset.prop_map(|by| Step::Seek(SeekFrom::End(by))),
    ]
}

fn same<T: PartialEq + core::fmt::Debug>(ours: std::io::Result<T>, theirs: std::io::Result<T>) {
    assert_eq!(ours.map_err(|error| error.kind()), theirs.map_err(|error| error.kind()));
}

async fn compare(step: &Step, ours: &mut Reader<'_>, theirs: &mut Cursor<Vec<u8>>) {
    let (mut mine, mut other) = (Vec::new(), Vec::new());
    match *step {
        Step::Read(len) => {
            (mine, other) = (vec![0; len], vec![0; len]);
            same(ours.read(&mut mine).await, theirs.read(&mut other).await);
        }
        Step::ReadExact(len) => {
            (mine, other) = (vec![0; len], vec![0; len]);
            same(ours.read_exact(&mut mine).await, theirs.read_exact(&mut other).await);
        }
        Step::ReadToEnd => {
            same(ours.read_to_end(&mut mine).await, theirs.read_to_end(&mut other).await);
        }
        Step::ReadUntil(byte) => {
            same(ours.read_until(byte, &mut mine).await, theirs.read_until(byte, &mut other).await);
        }
        Step::Seek(to) => same(ours.seek(to).await, theirs.seek(to).await),
    }
    assert_eq!(mine, other);
    assert_eq!(ours.position(), theirs.position());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_reader_does_what_a_cursor_does_at_once(
        parts in prop::collection::vec(prop::collection::vec(0..6_u8, 0..90), 0..12),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let sequence: Sequence =
            parts.iter().map(|part| Segment::from(bytes::Bytes::copy_from_slice(part))).collect();
        let mut ours = sequence.as_reader();
        let mut theirs = Cursor::new(parts.concat());
        now(async {
            for step in &steps {
                compare(step, &mut ours, &mut theirs).await;
            }
        });
    }

    #[test]
    fn what_is_written_and_filled_is_there(
        parts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..700), 0..3_u8), 0..20),
    ) {
        let pool = Pool::builder().segment_size(SegmentSize::B256).build();
        let mut buf = SegmentedBuf::new(&pool);
        let mut model = Vec::new();
        for (part, way) in &parts {
            now(async {
                match way {
                    0 => buf.write_all(part).await.expect("no limit"),
                    1 => {
                        let (front, back) = part.split_at(part.len() / 3);
                        let slices = [IoSlice::new(front), IoSlice::new(&[]), IoSlice::new(back)];
                        let written = buf.write_vectored(&slices).await.expect("no limit");
                        assert_eq!(written, part.len());
                    }
                    _ => {
                        let mut source = &part[..];
                        while buf.fill_from_async(&mut source).await.expect("no limit") > 0 {}
                    }
                }
            });
            model.extend(part);
        }
        now(async {
            buf.flush().await.expect("nothing to do");
            buf.shutdown().await.expect("nothing to do");
        });
        prop_assert!(buf.is_write_vectored());
        prop_assert_eq!(buf.freeze(), model);
    }
}

/// Gives bytes every other time, and waits in between.
struct Slow {
    bytes: &'static [u8],
    is_ready: bool,
}

impl AsyncRead for Slow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.is_ready = !self.is_ready;
        if self.is_ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let (front, back) = self.bytes.split_at(self.bytes.len().min(4));
        target.put_slice(front);
        self.bytes = back;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn who_waits_holds_no_segment_and_loses_nothing() {
    let pool = Pool::new();
    let mut buf = SegmentedBuf::new(&pool);
    let mut slow = Slow { bytes: b"hello world", is_ready: false };
    let mut cx = Context::from_waker(Waker::noop());
    let mut counts = Vec::new();
    for round in 0..8 {
        match buf.poll_fill_from(&mut cx, Pin::new(&mut slow)) {
            Poll::Pending => {
                assert_eq!(round % 2, 0);
                // What has come shares the segment with what will.
                assert_eq!(pool.stats().in_use_bytes() > 0, !buf.is_empty());
            }
            Poll::Ready(count) => counts.push(count.expect("no limit")),
        }
    }
    assert_eq!(counts, [4, 4, 3, 0]);
    assert_eq!(buf.freeze(), b"hello world");
}

#[test]
fn a_read_without_memory_fails_and_keeps_what_is_held() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).segment_size(SegmentSize::K64).build();
    let mut buf = SegmentedBuf::new(&pool);
    let source = vec![7; SLAB_BYTES + 1];
    let mut source = &source[..];
    assert_eq!(now(buf.fill_from_async(&mut source)).ok(), Some(SLAB_BYTES));
    let error = now(buf.fill_from_async(&mut source)).expect_err("the pool is empty");
    assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
    let error = now(buf.write(b"more")).expect_err("the pool is empty");
    assert_eq!(error.kind(), std::io::ErrorKind::OutOfMemory);
    assert_eq!((buf.len(), source.len()), (SLAB_BYTES as u64, 1));
}

/// Puts a buffer of its own where it should read.
struct Swapper;

impl AsyncRead for Swapper {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        *target = ReadBuf::new(&mut []);
        Poll::Ready(Ok(()))
    }
}

#[test]
#[should_panic(expected = "the reader replaced the buffer")]
fn a_reader_that_swaps_the_buffer_is_found_out() {
    let mut buf = SegmentedBuf::new(&Pool::new());
    let _ = now(buf.fill_from_async(&mut Swapper));
}
