//! Masked messages, delivered in reads of 16 KiB, one message an operation.

use core::{hint::black_box, time::Duration};
use std::{collections::VecDeque, time::Instant};

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use seg_pool::Pool;
use tokio_tungstenite::tungstenite;
use ws_assemble::{Connection, Decoder, Event, Message, MessageKind, Role};

use super::{
    peers, size_name,
    source::{Source, ready},
    wire::{WIDE, Wire},
};
use crate::compare::{Contender, Job, Kind, raw_alloc::make_heap_cold};

/// What becomes of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Each is dropped before the next.
    Dropped,
    /// So many are kept, the oldest dropped for the newest.
    Kept(usize),
    /// Dropped, and the heap's free memory goes back to the system before each.
    Cold,
}

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for len in [16, 125, 1 << 10, 16 << 10, 64 << 10] {
        for (kind, name) in [(MessageKind::Text, "text"), (MessageKind::Binary, "binary")] {
            let name = format!("ws/read_{}_{name}", size_name(len));
            jobs.push(job(name, Wire::new(kind, len, 1), Fate::Dropped));
        }
    }
    let wide = Wire::of(MessageKind::Text, WIDE, 125, 1);
    jobs.push(job("ws/read_125b_wide_text".to_owned(), wide, Fate::Dropped));
    let large = [
        ("ws/read_fragmented_text_1m_in_64", MessageKind::Text, 1 << 20, 64),
        ("ws/read_fragmented_binary_16m_in_256", MessageKind::Binary, 16 << 20, 256),
    ];
    for (name, kind, len, fragments) in large {
        let wire = Wire::new(kind, len, fragments);
        jobs.push(job(name.to_owned(), wire, Fate::Dropped));
        jobs.push(job(format!("{name}_kept"), wire, Fate::Kept((32 << 20) / len)));
        jobs.push(job(format!("{name}_cold"), wire, Fate::Cold));
    }
    jobs.push(job(
        "ws/read_16k_text_kept".to_owned(),
        Wire::new(MessageKind::Text, 16 << 10, 1),
        Fate::Kept(64),
    ));
    jobs
}

fn job(name: String, wire: Wire, fate: Fate) -> Job {
    let reads = Reads { wire, fate };
    let bytes = wire.payload.len();
    let job = Job::new(name, bytes as u64)
        .with(reads.by(Kind::Ours, "ws-assemble Decoder", decoder, is_ours))
        .with(reads.by(Kind::Ours, "ws-assemble Decoder, batch of 64", batch, is_ours))
        .with(reads.by(Kind::Ours, "ws-assemble Connection", connection, is_ours))
        .with(reads.by(Kind::Peer, "tungstenite", tungstenite_reader, is_tungstenite))
        .with(reads.by(Kind::Peer, "fastwebsockets", fastwebsockets_reader, is_fastwebsockets))
        .with(reads.by(Kind::Peer, "tokio-websockets", tokio_websockets_reader, |message, kind| {
            (message.is_text() == (kind == MessageKind::Text))
                .then(|| message.as_payload().to_vec())
        }))
        .with(reads.by(Kind::Peer, "yawc", yawc_reader, |frame, kind| {
            let is_text = frame.opcode() == yawc::OpCode::Text;
            (is_text == (kind == MessageKind::Text)).then(|| frame.payload().to_vec())
        }))
        .with(reads.by(Kind::Peer, "sockudo-ws", sockudo_reader, |message, kind| {
            (message.is_text() == (kind == MessageKind::Text)).then(|| message.as_bytes().to_vec())
        }));
    let mut buffer = vec![0; bytes];
    job.with(Contender::new(Kind::Floor, "one copy of the payload", move || {
        black_box(&mut buffer).copy_from_slice(black_box(wire.payload));
    }))
}

#[derive(Clone, Copy, Debug)]
struct Reads {
    wire: Wire,
    fate: Fate,
}

impl Reads {
    /// Makes a contender of what opens a connection and reads one message a call.
    fn by<M: 'static, F: FnMut() -> M + 'static>(
        self,
        kind: Kind,
        name: &str,
        open: fn(Source) -> F,
        payload: fn(&M, MessageKind) -> Option<Vec<u8>>,
    ) -> Contender {
        let Self { wire, fate } = self;
        let mut read = open(Source::new(wire.bytes));
        let keep = if let Fate::Kept(count) = fate { count } else { 1 };
        let mut kept = VecDeque::with_capacity(keep);
        let run = move |count| {
            let mut total = Duration::ZERO;
            if fate == Fate::Cold {
                for _ in 0..count {
                    make_heap_cold();
                    let start = Instant::now();
                    drop(black_box(read()));
                    total += start.elapsed();
                }
                return total;
            }
            let start = Instant::now();
            for _ in 0..count {
                if fate == Fate::Dropped {
                    drop(black_box(read()));
                    continue;
                }
                if kept.len() == keep {
                    kept.pop_front();
                }
                kept.push_back(read());
            }
            start.elapsed()
        };
        let check = move || {
            let mut read = open(Source::new(wire.bytes));
            // Enough to come round to the start of the wire.
            for _ in 0..wire.bytes.len() / wire.payload.len() + 2 {
                let message = read();
                let found = payload(&message, wire.kind).context("the wrong kind")?;
                ensure!(found == wire.payload, "the payload differs");
            }
            Ok(())
        };
        Contender::timed(kind, name, run)
            .checked(check)
            .from_nothing(move || drop(black_box(open(Source::new(wire.bytes))())))
    }
}

fn decoder(mut source: Source) -> impl FnMut() -> Message {
    let pool = Pool::new();
    let mut decoder = Decoder::new(Role::Server);
    let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
    move || loop {
        match decoder.decode(&mut input).expect("a good wire") {
            Some(Event::Message(message)) => return message,
            Some(event) => unreachable!("{event:?}"),
            None => {
                input = pool.try_take_size(pool.segment_size()).expect("no limit");
                input.read_from(&mut source).expect("always readable");
            }
        }
    }
}

/// Decodes up to 64 messages at a time; they come out last first.
fn batch(mut source: Source) -> impl FnMut() -> Message {
    const MESSAGES: usize = 64;
    let pool = Pool::new();
    let mut decoder = Decoder::new(Role::Server);
    let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
    let mut messages = Vec::with_capacity(MESSAGES);
    move || loop {
        if let Some(message) = messages.pop() {
            return message;
        }
        if input.is_empty() {
            input = pool.try_take_size(pool.segment_size()).expect("no limit");
            input.read_from(&mut source).expect("always readable");
        }
        let event = decoder.decode_batch(&mut input, &mut messages, MESSAGES);
        assert_eq!(event.expect("a good wire"), None);
    }
}

fn connection(source: Source) -> impl FnMut() -> Message {
    let pool = Pool::new();
    let mut connection = Connection::server(source, &pool);
    move || ready(connection.next()).expect("a good wire").expect("never closed")
}

fn is_ours(message: &Message, kind: MessageKind) -> Option<Vec<u8>> {
    (message.kind() == kind).then(|| message.sequence().to_vec())
}

fn tungstenite_reader(source: Source) -> impl FnMut() -> tungstenite::Message {
    let mut socket = peers::tungstenite(source);
    move || socket.read().expect("a good wire")
}

fn is_tungstenite(message: &tungstenite::Message, kind: MessageKind) -> Option<Vec<u8>> {
    (message.is_text() == (kind == MessageKind::Text)).then(|| message.clone().into_data().to_vec())
}

fn fastwebsockets_reader(source: Source) -> impl FnMut() -> fastwebsockets::Frame<'static> {
    let mut socket = peers::fastwebsockets(source);
    move || ready(socket.read_frame()).expect("a good wire")
}

fn is_fastwebsockets(frame: &fastwebsockets::Frame<'static>, kind: MessageKind) -> Option<Vec<u8>> {
    let is_text = frame.opcode == fastwebsockets::OpCode::Text;
    (is_text == (kind == MessageKind::Text)).then(|| frame.payload.to_vec())
}

fn tokio_websockets_reader(source: Source) -> impl FnMut() -> tokio_websockets::Message {
    let mut socket = peers::tokio_websockets(source);
    move || ready(socket.next()).expect("never closed").expect("a good wire")
}

fn yawc_reader(source: Source) -> impl FnMut() -> yawc::Frame {
    let mut socket = peers::yawc(source);
    move || ready(socket.next_frame()).expect("a good wire")
}

fn sockudo_reader(source: Source) -> impl FnMut() -> sockudo_ws::Message {
    let mut socket = peers::sockudo(source);
    move || ready(socket.next()).expect("never closed").expect("a good wire")
}
