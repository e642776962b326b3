//! Frames, cut anywhere, in both assemblies, compressed or not; what is accepted of plain ones,
//! tungstenite reads the same way.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, SegmentSize};
use ws_assemble::{
    Assembly, ClientHandshake, DecodeError, Decoder, DeflateConfig, DeflateParams, Event, Limits,
    MessageKind, Role, ServerHandshake,
};

/// Few enough that small inputs reach it.
const INFLATED_BYTES_MAX: u64 = 1_000;

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

/// What both ends agree on, with or without windows that outlive a message.
fn agree(takeover: bool) -> DeflateParams {
    let mut options = DeflateConfig::default();
    if !takeover {
        options = options.without_client_takeover().without_server_takeover();
    }
    let client =
        ClientHandshake::new("localhost", "/", [7; 16]).expect("valid").deflate(options.clone());
    let request = ServerHandshake::new().push(&mut &client.request()[..]);
    let acceptance = request.expect("valid").expect("whole").accept().deflate(&options);
    acceptance.agreed_deflate().expect("an offer that is taken").clone()
}

fn receive(
    role: Role,
    deflate: Option<&DeflateParams>,
    assembly: Assembly,
    wire: &[u8],
    piece_len: usize,
) -> (Vec<Plain>, Option<DecodeError>) {
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut decoder = Decoder::new(role).with_assembly(assembly);
    if let Some(deflate) = deflate {
        let limits = Limits::default().with_message_bytes_max(INFLATED_BYTES_MAX);
        decoder = Decoder::new(role)
            .with_assembly(assembly)
            .with_limits(limits)
            .with_deflate(deflate, &pool);
    }
    let mut events = Vec::new();
    for piece in wire.chunks(piece_len.clamp(1, 256)) {
        let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
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
    let [choice, piece_len, wire @ ..] = input else { return };
    let role = if choice & 1 == 0 { Role::Client } else { Role::Server };
    let deflate = (choice & 2 != 0).then(|| agree(choice & 4 != 0));
    let receive = |assembly, len| receive(role, deflate.as_ref(), assembly, wire, len);
    let whole = receive(Assembly::Segmented, 256);
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        for len in [1, usize::from(*piece_len)] {
            assert_eq!(receive(assembly, len), whole, "{assembly:?}, by {len}");
        }
    }
    let (mut events, error) = whole;
    if error.is_none() && deflate.is_none() {
        for event in &mut events {
            if let Plain::Close(body) = event {
                body.clear();
            }
        }
        assert_eq!(theirs(role, wire), events);
    }
});
