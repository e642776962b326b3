//! Interleavings of the two halves of a connection under loom: `cargo xtask loom ws-assemble`.
//!
//! Loom sees the locks of the halves and all of the pool. Each model asserts that some interleaving
//! took the branch that the model is about.
#![cfg(all(seg_loom, feature = "tokio"))]

#[path = "../../seg-pool/tests/harness/explore.rs"]
mod explore;

use core::{
    future::Future,
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, Waker},
};
use std::{io, task::Wake};

use explore::{explore, while_others_run};
use loom::{
    sync::{Arc, Mutex},
    thread,
};
use seg_pool::{Pool, SLAB_BYTES, SegmentSize};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_assemble::{Connection, ReadHalf, WriteHalf};

/// A client's ping "p", and the pong.
const PING: &[u8] = b"\x89\x81\0\0\0\0p";
const PONG: &[u8] = b"\x8a\x01p";
/// A client's message "hi".
const MASKED_HI: &[u8] = b"\x81\x82\0\0\0\0hi";
/// The message "hi" of a server.
const HI: &[u8] = b"\x81\x02hi";

/// The side of a stream that is read: some bytes, and then nothing.
struct Source(&'static [u8]);

impl AsyncRead for Source {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.is_empty() {
            return Poll::Pending;
        }
        let count = buffer.remaining().min(self.0.len());
        buffer.put_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Poll::Ready(Ok(()))
    }
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    is_blocked: bool,
    waker: Option<Waker>,
}

/// The side that is written, which takes few bytes at a time.
#[derive(Clone)]
struct Socket(Arc<Mutex<Written>>);

impl Socket {
    fn new(is_blocked: bool) -> Self {
        Self(Arc::new(Mutex::new(Written { is_blocked, ..Written::default() })))
    }

    fn unblock(&self) {
        let mut written = self.0.lock().unwrap();
        written.is_blocked = false;
        let waker = written.waker.take();
        drop(written);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut written = self.0.lock().unwrap();
        if written.is_blocked {
            written.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(3);
        written.bytes.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn halves(
    received: &'static [u8],
    socket: Socket,
) -> (ReadHalf<Source, Socket>, WriteHalf<Socket>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    Connection::server((), &pool).split_with(|()| (Source(received), socket))
}

fn poll_once<T>(future: impl Future<Output = T>, waker: &Waker) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(waker))
}

/// A pong of the reading half and a message of the writing one: both go out, neither inside the
/// other.
#[test]
fn what_both_halves_send_goes_out_whole() {
    static PONG_LAST: AtomicUsize = AtomicUsize::new(0);
    explore(&PONG_LAST, || {
        let socket = Socket::new(false);
        let (mut read, mut write) = halves(PING, socket.clone());
        let writer = thread::spawn(move || {
            assert!(matches!(poll_once(write.send_text("hi"), Waker::noop()), Poll::Ready(Ok(()))));
            write
        });
        while_others_run();
        assert!(poll_once(read.next(), Waker::noop()).is_pending());
        let write = writer.join().unwrap();
        assert_eq!(write.unsent_bytes(), 0, "nothing waits that nobody would write");
        let written = socket.0.lock().unwrap();
        if written.bytes == [HI, PONG].concat() {
            PONG_LAST.fetch_add(1, Relaxed);
        } else {
            assert_eq!(written.bytes, [PONG, HI].concat());
        }
    });
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}

/// A stream remembers one waker; both halves may wait for it.
#[test]
fn a_stream_that_takes_more_wakes_the_half_that_waits() {
    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    explore(&WOKEN, || {
        let socket = Socket::new(true);
        let (mut read, mut write) = halves(PING, socket.clone());
        let wakers: [_; 2] =
            core::array::from_fn(|_| std::sync::Arc::new(Woken(AtomicBool::new(false))));
        let other = thread::spawn(move || socket.unblock());
        let [for_reader, for_writer] = wakers.each_ref().map(|woken| Waker::from(woken.clone()));
        while_others_run();
        assert!(poll_once(read.next(), &for_reader).is_pending());
        let sent = poll_once(write.send_text("hi"), &for_writer);
        other.join().unwrap();
        if sent.is_pending() {
            assert!(wakers.iter().all(|woken| woken.0.load(Relaxed)), "somebody waits for ever");
            WOKEN.fetch_add(1, Relaxed);
        }
        assert!(matches!(poll_once(write.flush(), &for_writer), Poll::Ready(Ok(()))));
        assert_eq!(write.unsent_bytes(), 0);
    });
}

/// All memory of the pool is in another thread's hands, and comes back.
#[test]
fn who_gives_memory_back_wakes_the_half_that_waits_for_it() {
    static WAITED: AtomicUsize = AtomicUsize::new(0);
    explore(&WAITED, || {
        let pool = Pool::builder().segment_size(SegmentSize::K64).bytes_max(SLAB_BYTES).build();
        let taken = pool.take(SLAB_BYTES);
        let connection = Connection::server((), &pool).with_memory_wait(true);
        let (mut read, _write) =
            connection.split_with(|()| (Source(MASKED_HI), Socket::new(false)));
        let giver = thread::spawn(move || drop(taken));
        let woken = std::sync::Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(woken.clone());
        while_others_run();
        let message = poll_once(read.next(), &waker);
        giver.join().unwrap();
        let message = match message {
            Poll::Ready(message) => message,
            Poll::Pending => {
                WAITED.fetch_add(1, Relaxed);
                assert!(woken.0.load(Relaxed), "memory came back and nobody was woken");
                let Poll::Ready(message) = poll_once(read.next(), &waker) else {
                    panic!("there is memory")
                };
                message
            }
        };
        assert_eq!(message.expect("no error").expect("a message").data(), b"hi");
    });
}
