//! Frames, cut anywhere, in both assemblies; what is accepted, tungstenite reads the same way.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, SegmentSize};
use ws_assemble::{Assembly, DecodeError, Decoder, Event, Limits, MessageKind, Role};

#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Vec<u8>),
}

impl From<Event> for Plain {
    fn from(event: Event) -> Self {
        match event {
            Event::Message(message) => match message.kind() {
                MessageKind::Text => Self::Text(message.as_str().expect("UTF-8").to_owned()),
                MessageKind::Binary => Self::Binary(message.data().to_vec()),
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => {
                Self::Close(close.map(|close| close.payload().to_vec()).unwrap_or_default())
            }
        }
    }
}

fn receive(
    role: Role,
    assembly: Assembly,
    wire: &[u8],
    piece_len: usize,
) -> (Vec<Plain>, Option<DecodeError>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut decoder = Decoder::new(role, assembly, Limits::default());
    let mut events = Vec::new();
    for piece in wire.chunks(piece_len.clamp(1, 256)) {
        let mut input = pool.try_take_segment().expect("no limit");
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(event)) => events.push(event.into()),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}

/// Reads the wire and forgets what is sent.
struct Stream<'a>(&'a [u8]);

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, wire: &[u8]) -> Vec<Plain> {
    use tungstenite::{Message, WebSocket, protocol};
    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let mut socket = WebSocket::from_raw_socket(Stream(wire), role, None);
    let mut events = Vec::new();
    while let Ok(message) = socket.read() {
        events.push(match message {
            Message::Text(text) => Plain::Text(text.as_str().to_owned()),
            Message::Binary(bytes) => Plain::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Plain::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Plain::Pong(bytes.to_vec()),
            Message::Close(_) => Plain::Close(Vec::new()),
            Message::Frame(_) => continue,
        });
    }
    events
}

fuzz_target!(|input: &[u8]| {
    let [role, piece_len, wire @ ..] = input else { return };
    let role = if role % 2 == 0 { Role::Client } else { Role::Server };
    let whole = receive(role, Assembly::Segmented, wire, 256);
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        for len in [1, usize::from(*piece_len)] {
            assert_eq!(receive(role, assembly, wire, len), whole, "{assembly:?}, by {len}");
        }
    }
    let (mut events, error) = whole;
    if error.is_none() {
        for event in &mut events {
            if let Plain::Close(body) = event {
                body.clear();
            }
        }
        assert_eq!(theirs(role, wire), events);
    }
});
