//! permessage-deflate, each message compressed on its own, level 6.

use core::hint::black_box;

use anyhow::ensure;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;
use ws_assemble::{
    Assembly, ClientHandshake, Connection, Decoder, DeflateConfig, DeflateParams, Event, Message,
    MessageCompressor, Role, ServerHandshake,
};

use super::{
    peers, size_name,
    source::{Source, ready},
    write,
};
use crate::compare::{Contender, Job, Kind};

/// Bytes of a wire at least.
const WIRE_BYTES_MIN: usize = 64 << 10;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = Vec::new();
    for len in [1 << 10, 64 << 10] {
        jobs.push(read_job(len));
        jobs.push(write_job(len));
    }
    jobs
}

/// What both ends of these jobs agree on.
pub(super) fn agreed() -> DeflateParams {
    let options = DeflateConfig::default().without_server_takeover().without_client_takeover();
    let client = ClientHandshake::new("localhost", "/", *b"the sample nonce").expect("valid");
    let request = client.deflate(options.clone()).request();
    let parsed = ServerHandshake::new().push(&mut &request[..]).expect("our own");
    let acceptance = parsed.expect("whole").accept().deflate(&options);
    acceptance.agreed_deflate().expect("offered").clone()
}

/// A text with some repetition and some that never comes again.
pub(super) fn text(len: usize) -> String {
    let mut text = String::new();
    let mut number = 4711_u32;
    while text.len() < len {
        number = number.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        text += &format!("{{\"id\": {number}, \"name\": \"line {}\"}}\n", number >> 24);
    }
    text.truncate(len);
    text
}

/// Reads one message and shows its payload, chunk by chunk.
type Read = Box<dyn FnMut(&mut dyn FnMut(&[u8]))>;
fn read_job(len: usize) -> Job {
    let text = text(len);
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut compressor = MessageCompressor::new(&agreed(), Role::Client).expect("a usual window");
    let mut key = 0x9e37_79b9_u32;
    while output.len() < WIRE_BYTES_MIN as u64 {
        key = key.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        let message = Message::text(text.clone());
        compressor
            .encode_message(&message, Some(key.to_ne_bytes()), &mut output)
            .expect("no limit");
    }
    let wire: &'static [u8] = output.freeze().to_vec().leak();
    let way = |kind, name, open| read_way(kind, name, wire, &text, open);
    Job::new(format!("ws/deflate_read_{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble Connection", |source| {
            let mut connection = ours(source);
            Box::new(move |show| {
                let message = ready(connection.next()).expect("a good wire").expect("never closed");
                message.sequence().chunks().for_each(|chunk| show(chunk));
            })
        }))
        .with(way(Kind::Peer, "yawc", |source| {
            let mut socket = peers::yawc_deflate(source);
            Box::new(move |show| show(ready(socket.next_frame()).expect("a good wire").payload()))
        }))
        .with(way(Kind::Peer, "sockudo-ws", |source| {
            let mut socket = peers::sockudo_deflate(source);
            Box::new(move |show| {
                show(ready(socket.next()).expect("never closed").expect("a good wire").as_bytes());
            })
        }))
}

pub(super) fn ours(source: Source) -> Connection<Source> {
    Connection::server(source, &Pool::new()).with_deflate(&agreed())
}

fn read_way(
    kind: Kind,
    name: &str,
    wire: &'static [u8],
    text: &str,
    open: fn(Source) -> Read,
) -> Contender {
    let mut read = open(Source::new(wire));
    let text = text.to_owned();
    let mut show = |chunk: &[u8]| {
        black_box(chunk);
    };
    Contender::new(kind, name, move || read(&mut show)).checked(move || {
        let mut read = open(Source::new(wire));
        for _ in 0..3 {
            let mut payload = Vec::new();
            read(&mut |chunk| payload.extend_from_slice(chunk));
            ensure!(payload == text.as_bytes(), "the payload differs");
        }
        Ok(())
    })
}

fn write_job(len: usize) -> Job {
    let text = Bytes::from(text(len));
    let way = |kind, name, open| write::way(kind, name, &text, open, are_two_messages);
    Job::new(format!("ws/deflate_write_{}", size_name(len)), len as u64)
        .with(way(Kind::Ours, "ws-assemble Connection", |source, payload| {
            let mut connection = ours(source);
            let message = Message::binary(payload);
            Box::new(move || ready(connection.send(&message)).expect("never full"))
        }))
        .with(way(Kind::Peer, "yawc", |source, payload| {
            let mut socket = peers::yawc_deflate(source);
            Box::new(move || {
                ready(socket.send(yawc::Frame::binary(payload.clone()))).expect("never full");
            })
        }))
        .with(way(Kind::Peer, "sockudo-ws", |source, payload| {
            let mut socket = peers::sockudo_deflate(source);
            Box::new(move || {
                let message = sockudo_ws::Message::Binary(payload.clone());
                ready(socket.send(message)).expect("never full");
            })
        }))
}

pub(super) fn are_two_messages(output: &[u8], payload: &Bytes) -> anyhow::Result<()> {
    ensure!(output.len() < 2 * payload.len(), "{} bytes are not compressed", output.len());
    let mut decoder = Decoder::new(Role::Client)
        .with_assembly(Assembly::Contiguous)
        .with_deflate(&agreed(), Pool::global());
    let mut messages = 0;
    for chunk in output.chunks(16 << 10) {
        let mut input = Pool::global().try_take(16_384)?;
        input.extend_from_slice(chunk);
        while let Some(event) = decoder.decode(&mut input)? {
            let Event::Message(message) = event else { continue };
            ensure!(message.data() == payload, "the payload differs");
            messages += 1;
        }
    }
    ensure!(messages == 2, "{messages} messages were written");
    Ok(())
}
