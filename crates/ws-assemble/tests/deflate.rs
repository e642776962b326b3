//! permessage-deflate (RFC 7692), in both directions and roles.
#![cfg(all(feature = "deflate", feature = "tokio"))]

mod deflate {
    mod broken;
}

use proptest::prelude::*;
use seg_flate::{Format, Level, WindowBits, deflate};
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};
use ws_assemble::{
    Assembly, ClientHandshake, CloseCode, CloseFrame, Connection, ConnectionError, DecodeError,
    DecodeErrorKind, Decoder, DeflateConfig, DeflateParams, Event, HandshakeErrorKind, Header,
    Limits, Message, MessageCompressor, MessageKind, Opcode, Role, ServerHandshake, Session,
    UpgradeRequest,
};

const ASSEMBLIES: [Assembly; 2] = [Assembly::Segmented, Assembly::Contiguous];
const ROLES: [Role; 2] = [Role::Client, Role::Server];

const NONCE: [u8; 16] = *b"the sample nonce";

fn pool() -> Pool {
    Pool::builder().segment_size(SegmentSize::K1).build()
}

#[test]
fn the_configuration_reads_back() {
    let (bits, level) = (WindowBits::MIN, Level::BEST);
    let config = DeflateConfig::default();
    assert_eq!(
        (config.server_window(), config.client_window()),
        (WindowBits::MAX, WindowBits::MAX)
    );
    assert_eq!((config.level(), config.bytes_min()), (Level::DEFAULT, 64));
    let config = config.with_server_window(bits).with_level(level).with_bytes_min(5);
    assert_eq!((config.level(), config.bytes_min()), (level, 5));
    assert_eq!((config.server_window(), config.client_window()), (bits, WindowBits::MAX));
    assert_eq!(config.with_client_window(bits).client_window(), bits);
}

fn plain_client() -> ClientHandshake {
    ClientHandshake::new("localhost", "/", NONCE).expect("valid")
}

fn request(mut head: &[u8]) -> UpgradeRequest {
    ServerHandshake::new().push(&mut head).expect("valid").expect("whole")
}

/// A head with a line before its end.
fn with_extensions(head: &[u8], value: &str) -> Vec<u8> {
    let line = format!("Sec-WebSocket-Extensions: {value}\r\n\r\n");
    [head.strip_suffix(b"\r\n").expect("an end"), line.as_bytes()].concat()
}

/// Negotiates in one process.
fn agree(client: &DeflateConfig, server: &DeflateConfig) -> Option<[DeflateParams; 2]> {
    let mut handshake = plain_client().deflate(client.clone());
    let acceptance = request(&handshake.request()).accept().deflate(server);
    let theirs = acceptance.agreed_deflate()?.clone();
    let response = handshake.push(&mut &acceptance.response()[..]).expect("valid").expect("whole");
    Some([response.deflate().expect("granted").clone(), theirs])
}

fn agreed() -> DeflateParams {
    let config = DeflateConfig::default();
    let [client, _] = agree(&config, &config).expect("agreed");
    client
}

/// Decodes unmasked frames that lie in pieces.
fn decode(
    pieces: &[&[u8]],
    assembly: Assembly,
    limits: Limits,
    pool: &Pool,
) -> Result<Vec<Event>, DecodeError> {
    let mut decoder = Decoder::new(Role::Client)
        .with_assembly(assembly)
        .with_limits(limits)
        .with_deflate(&agreed(), pool);
    let mut events = Vec::new();
    for chunk in pieces.iter().flat_map(|piece| piece.chunks(1 << 10)) {
        let mut input = pool.take(chunk.len().max(1));
        input.extend_from_slice(chunk);
        while let Some(event) = decoder.decode(&mut input)? {
            events.push(event);
        }
    }
    Ok(events)
}

/// A whole message of this payload, compressed, as a header and a body.
fn compressed(opcode: Opcode, payload: &Sequence) -> [Vec<u8>; 2] {
    let body = deflate(payload, Format::Raw, Level::BEST, &Pool::new()).expect("memory").to_vec();
    let payload_len = body.len() as u64;
    let header = Header { fin: true, is_compressed: true, opcode, mask: None, payload_len };
    let (header, len) = header.to_bytes();
    [header[..len].to_vec(), body]
}

fn texts(events: &[Event]) -> Vec<&str> {
    let mut texts = Vec::new();
    for event in events {
        texts.push(match event {
            Event::Message(message) => message.as_str().unwrap_or("(binary)"),
            _ => "(control)",
        });
    }
    texts
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.3
#[test]
fn the_examples_of_the_rfc_decode_in_every_cut() {
    let cases: [(&str, &[u8], &[&str]); 9] = [
        ("one block", b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", &["Hello"]),
        ("fragments", b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", &["Hello"]),
        (
            "takeover",
            b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
            &["Hello", "Hello"],
        ),
        ("stored", b"\xc1\x0b\x00\x05\x00\xfa\xffHello\x00", &["Hello"]),
        ("final block", b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", &["Hello"]),
        ("two blocks", b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", &["Hello"]),
        ("empty", b"\xc1\x01\x00\x81\x02ok", &["", "ok"]),
        ("no byte", b"\xc1\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", &["", "Hello"]),
        (
            "a final block and nothing after it, then another message",
            b"\xc1\x07\xf3\x48\xcd\xc9\xc9\x07\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
            &["Hello", "Hello"],
        ),
    ];
    for (name, wire, expected) in cases {
        for assembly in ASSEMBLIES {
            for cut in 0..wire.len() {
                let (head, tail) = wire.split_at(cut);
                let events = decode(&[head, tail], assembly, Limits::default(), &pool());
                let events = events.unwrap_or_else(|error| panic!("{name}, {cut}: {error}"));
                assert_eq!(texts(&events), expected, "{name}, {assembly:?}, cut at {cut}");
            }
        }
    }
}

#[test]
fn compressed_frames_that_break_a_rule_are_refused_in_every_cut() {
    use DecodeErrorKind::{DeflateInvalid, MessageUnfinished, ReservedBits, Utf8Invalid};
    let cases: [(&str, &[u8], DecodeErrorKind); 11] = [
        ("rsv1 on a continuation", b"\x41\x03\xf2\x48\xcd\xc0\x04\xc9\xc9\x07\x00", ReservedBits),
        ("rsv1 on a ping", b"\xc9\x00", ReservedBits),
        ("rsv1 on a close", b"\xc8\x00", ReservedBits),
        ("rsv2", b"\xe1\x01\x00", ReservedBits),
        ("compressed text in a text", b"\x01\x01a\xc1\x01\x00", MessageUnfinished),
        ("compressed binary in a text", b"\x01\x01a\xc2\x01\x00", MessageUnfinished),
        ("compressed start in a compressed text", b"\x41\x01\xf2\x41\x01\x48", MessageUnfinished),
        ("rsv1 on a continuation of nothing", b"\xc0\x01\x00", ReservedBits),
        ("no deflate", b"\xc2\x02\xff\xff", DeflateInvalid),
        ("a reference before the start", b"\xc1\x05\xf2\x00\x11\x00\x00", DeflateInvalid),
        ("no text", b"\xc1\x07\x00\x01\x00\xfe\xff\xff\x00", Utf8Invalid),
    ];
    for (name, wire, expected) in cases {
        for assembly in ASSEMBLIES {
            for cut in 0..wire.len() {
                let (head, tail) = wire.split_at(cut);
                let error = decode(&[head, tail], assembly, Limits::default(), &pool());
                let error = error.expect_err(name);
                assert_eq!(error.kind(), expected, "{name}, {assembly:?}, cut at {cut}");
            }
        }
    }
}

#[test]
fn rsv1_is_refused_when_nothing_was_agreed_on() {
    let mut decoder = Decoder::new(Role::Client);
    let mut input = pool().take(9);
    input.extend_from_slice(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    let error = decoder.decode(&mut input).expect_err("not agreed on");
    assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::ReservedBits, 0));
}

#[test]
fn the_limits_of_what_comes_and_of_what_it_becomes_are_two() {
    let text = Segment::from(bytes::Bytes::from(vec![b'a'; 100_000])).into();
    let [header, body] = compressed(Opcode::Text, &text);
    let wire = [&header[..], &body];
    for assembly in ASSEMBLIES {
        let small = Limits::default().with_message_bytes_max(1_000);
        let pool = Pool::new();
        let error = decode(&wire, assembly, small, &pool).expect_err("too long");
        assert_eq!(error.kind(), DecodeErrorKind::MessageTooLong);
        let messages = decode(&wire, assembly, small.with_inflated_bytes_max(100_000), &pool);
        assert_eq!(messages.expect("within both").len(), 1);
        let error = decode(&wire, assembly, small.with_inflated_bytes_max(99_999), &pool);
        assert_eq!(error.expect_err("too long").kind(), DecodeErrorKind::MessageTooLong);
        let tight = Limits::default().with_message_bytes_max(10).with_inflated_bytes_max(100_000);
        let error = decode(&wire, assembly, tight, &pool).expect_err("too long");
        assert_eq!((error.kind(), error.offset()), (DecodeErrorKind::MessageTooLong, 1));
    }
}

#[test]
fn a_bomb_is_stopped_while_it_is_inflated() {
    const LIMIT: u64 = 1 << 20;
    let zeroes: Sequence = core::iter::repeat_n(Segment::from_static(&[0; 1 << 16]), 256).collect();
    let [header, body] = compressed(Opcode::Binary, &zeroes);
    let wire = [&header[..], &body];
    for assembly in ASSEMBLIES {
        let pool = Pool::builder().bytes_max(2 << 20).build();
        let limits = Limits::default().with_message_bytes_max(LIMIT);
        let error = decode(&wire, assembly, limits, &pool).expect_err("a bomb");
        assert_eq!(error.kind(), DecodeErrorKind::MessageTooLong);
        assert_eq!(error.close_code(), CloseCode::TOO_BIG);
        assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn a_message_of_the_longest_length_is_taken_and_one_byte_more_is_not() {
    for text in ["a".repeat(5_000), noise(5_000).iter().map(|&byte| char::from(byte)).collect()] {
        let payload: Sequence = Segment::from(bytes::Bytes::from(text.clone())).into();
        let wire = compressed(Opcode::Text, &payload).concat();
        for assembly in ASSEMBLIES {
            let limits = Limits::default().with_message_bytes_max(text.len() as u64);
            let events = decode(&[&wire], assembly, limits, &pool()).expect("just fits");
            assert_eq!(texts(&events), [&text]);
            let limits = Limits::default().with_message_bytes_max(text.len() as u64 - 1);
            let error = decode(&[&wire], assembly, limits, &pool()).expect_err("too long");
            assert_eq!(error.kind(), DecodeErrorKind::MessageTooLong);
        }
    }
}

/// ASCII that cannot be compressed much.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8 & 0x7f
    };
    (0..len).map(next).collect()
}

fn options() -> impl Strategy<Value = DeflateConfig> {
    (any::<[bool; 2]>(), 9_u8..=15, 9_u8..=15, 1_u8..=9, 0_u64..100).prop_map(
        |(takeover, server, client, level, bytes_min)| {
            let bits = |bits| WindowBits::new(bits).expect("9 to 15");
            let mut options = DeflateConfig::default()
                .with_server_window(bits(server))
                .with_client_window(bits(client))
                .with_level(Level::new(level).expect("1 to 9"))
                .with_bytes_min(bytes_min);
            if takeover[0] {
                options = options.without_server_takeover();
            }
            if takeover[1] {
                options = options.without_client_takeover();
            }
            options
        },
    )
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0_usize..40_000).prop_map(noise),
        (0_usize..40_000).prop_map(|len| b"again and ".iter().copied().cycle().take(len).collect()),
        (0_usize..80).prop_map(noise),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn messages_come_out_as_they_went_in(
        client in options(),
        server in options(),
        payloads in prop::collection::vec(payload(), 1..6),
        sender in prop::sample::select(&ROLES),
        assembly in prop::sample::select(&ASSEMBLIES),
        in_parts in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            // A client that wants less than the server gives it hears of it or declines.
            let Some([client, server]) = agree(&client, &server) else { return };
            for role in ROLES {
                assert_eq!(client.takeover(role), server.takeover(role));
                assert!(client.window_bits(role) <= server.window_bits(role));
            }
            let (near, far) = tokio::io::duplex(700);
            let pool = pool();
            let near = Connection::client(near, &pool).with_assembly(assembly);
            let far = Connection::server(far, &pool).with_assembly(assembly);
            let (near, far) = (near.with_deflate(&client), far.with_deflate(&server));
            let (mut from, mut to) = match sender {
                Role::Client => (near, far),
                Role::Server => (far, near),
            };
            let send = async {
                for payload in &payloads {
                    if in_parts {
                        let mut writer = from.start(MessageKind::Text, 900)?;
                        for part in payload.chunks(333) {
                            writer.write(part).await?;
                        }
                        writer.finish().await?;
                    } else {
                        from.send_text(core::str::from_utf8(payload).expect("ASCII")).await?;
                        from.send(&Message::binary(payload.clone())).await?;
                    }
                }
                from.close(&CloseFrame::new(CloseCode::NORMAL, "")).await
            };
            let receive = async {
                let mut received = Vec::new();
                while let Some(message) = to.next().await? {
                    received.push((message.kind(), message.data().to_vec()));
                }
                Ok::<_, ConnectionError>(received)
            };
            let (sent, received) = tokio::join!(send, receive);
            sent.expect("open");
            let received = received.expect("valid");
            let kinds: &[MessageKind] =
                if in_parts { &[MessageKind::Text] } else { &[MessageKind::Text, MessageKind::Binary] };
            let expected: Vec<_> = payloads
                .iter()
                .flat_map(|payload| kinds.iter().map(|&kind| (kind, payload.clone())))
                .collect();
            assert_eq!(received, expected);
            drop((from, to));
            assert_eq!(pool.stats().in_use_bytes(), 0);
        });
    }
}

#[test]
fn messages_are_compressed_without_a_connection() {
    let mut compressor =
        MessageCompressor::new(&agreed(), Role::Server).expect("a window that can be made");
    let pool = pool();
    let mut output = SegmentedBuf::new(&pool);
    let messages = [Message::text("Hello"), Message::text("Hello"), Message::text("")];
    for message in &messages {
        compressor.encode_message(message, None, &mut output).expect("memory");
    }
    let wire = output.freeze().to_vec();
    assert_eq!(wire[..9], *b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    for assembly in ASSEMBLIES {
        let events = decode(&[&wire], assembly, Limits::default(), &pool).expect("valid");
        assert_eq!(texts(&events), ["Hello", "Hello", ""]);
    }
}

#[test]
fn a_compressor_without_memory_goes_on_when_there_is_some() {
    let mut compressor =
        MessageCompressor::new(&agreed(), Role::Server).expect("a window that can be made");
    let small = Pool::builder().segment_size(SegmentSize::K1).bytes_max(1 << 16).build();
    let hold: Vec<_> =
        core::iter::from_fn(|| small.try_take_size(small.segment_size()).ok()).collect();
    let pool = pool();
    let mut output = SegmentedBuf::new(&pool);
    let message = Message::text(String::from_utf8(noise(5_000)).expect("ASCII"));
    compressor.encode_message(&message, None, &mut output).expect("memory");
    let mut starved = SegmentedBuf::new(&small);
    assert!(compressor.encode_message(&message, None, &mut starved).is_err());
    assert_eq!(starved.len(), 0);
    drop(hold);
    compressor.encode_message(&message, None, &mut output).expect("memory");
    let wire = output.freeze().to_vec();
    let events = decode(&[&wire], Assembly::Segmented, Limits::default(), &pool).expect("valid");
    assert_eq!(texts(&events), [message.as_str().expect("text"); 2]);
}

#[test]
fn what_repeats_goes_out_shorter_with_takeover() {
    let text =
        "{\"id\":1,\"name\":\"a name that comes again\",\"tags\":[\"one\",\"two\"]}".repeat(2);
    let written = |options: DeflateConfig| {
        let [_, agreed] = agree(&options, &options).expect("agreed");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (near, far) = tokio::io::duplex(1 << 16);
            let pool = pool();
            let mut connection = Connection::server(near, &pool).with_deflate(&agreed);
            for _ in 0..10 {
                connection.send_text(&text).await.expect("open");
            }
            drop(connection);
            let mut all = SegmentedBuf::new(&pool);
            let mut far = far;
            let mut buffer = [0; 4096];
            loop {
                let count =
                    tokio::io::AsyncReadExt::read(&mut far, &mut buffer).await.expect("open");
                if count == 0 {
                    return all.len();
                }
                all.extend_from_slice(&buffer[..count]);
            }
        })
    };
    let with = written(DeflateConfig::default());
    let without = written(DeflateConfig::default().without_server_takeover());
    assert!(with < without / 2 && without < 10 * text.len() as u64, "{with}, {without}");
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1
#[test]
fn a_server_takes_the_first_offer_that_follows_the_rules() {
    let offers = [
        ("permessage-deflate", Some("permessage-deflate")),
        ("PerMessage-Deflate ; client_max_window_bits", Some("permessage-deflate")),
        ("x-webkit-deflate-frame, permessage-deflate", Some("permessage-deflate")),
        (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        (
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=\"12\"",
            Some("permessage-deflate; server_max_window_bits=10; client_max_window_bits=12"),
        ),
        (
            "permessage-deflate; server_max_window_bits=8",
            Some("permessage-deflate; server_max_window_bits=8"),
        ),
        (
            "permessage-deflate; server_max_window_bits=15",
            Some("permessage-deflate; server_max_window_bits=15"),
        ),
        (
            "permessage-deflate; server_max_window_bits=\"1\\0\"",
            Some("permessage-deflate; server_max_window_bits=10"),
        ),
        ("other; x=\"a\", permessage-deflate", Some("permessage-deflate")),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=09", None),
        ("permessage-deflate; server_max_window_bits=+9", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
        ("permessage-deflate; unknown", None),
        ("permessage-deflate; unknown, permessage-deflate", Some("permessage-deflate")),
        ("permessage-deflated", None),
    ];
    for (offer, expected) in offers {
        let request = request(&with_extensions(&plain_client().request(), offer));
        let acceptance = request.accept().deflate(&DeflateConfig::default());
        let extensions = "Sec-WebSocket-Extensions";
        let value =
            acceptance.fields().find_map(|(name, value)| (name == extensions).then_some(value));
        assert_eq!(value, expected.map(str::as_bytes), "{offer}");
        assert_eq!(acceptance.agreed_deflate().is_some(), expected.is_some(), "{offer}");
    }
}

#[test]
fn a_client_refuses_what_it_did_not_offer() {
    let plain = DeflateConfig::default();
    let small = plain.clone().with_server_window(WindowBits::MIN);
    let single = plain.clone().without_server_takeover();
    let cases = [
        (Some(&plain), "permessage-deflate", true),
        (Some(&plain), "permessage-deflate; server_no_context_takeover", true),
        (Some(&plain), "permessage-deflate; client_no_context_takeover", true),
        (Some(&plain), "permessage-deflate; client_max_window_bits=8", true),
        (Some(&plain), "permessage-deflate; server_max_window_bits=9", true),
        (Some(&plain), "permessage-deflate; client_max_window_bits", false),
        (Some(&plain), "permessage-deflate; client_max_window_bits=7", false),
        (Some(&plain), "permessage-deflate; server_max_window_bits=16", false),
        (Some(&plain), "permessage-deflate; x=1", false),
        (
            Some(&plain),
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            false,
        ),
        (Some(&plain), "permessage-deflate, permessage-deflate", false),
        (Some(&plain), "permessage-bzip2", false),
        (Some(&small), "permessage-deflate; server_max_window_bits=9", true),
        (Some(&small), "permessage-deflate; server_max_window_bits=10", false),
        (Some(&small), "permessage-deflate", false),
        (Some(&single), "permessage-deflate; server_no_context_takeover", true),
        (Some(&single), "permessage-deflate", false),
        (None, "permessage-deflate", false),
    ];
    for (options, value, is_good) in cases {
        let mut client = plain_client();
        if let Some(options) = options {
            client = client.deflate(options.clone());
        }
        let response = request(&client.request()).accept().response();
        match client.push(&mut &with_extensions(&response, value)[..]) {
            Ok(response) => {
                let response = response.expect("whole");
                assert!(is_good && response.deflate().is_some(), "{value}");
            }
            Err(error) => {
                assert!(!is_good, "{value}: {error}");
                assert_eq!(error.kind(), HandshakeErrorKind::ExtensionUnexpected, "{value}");
            }
        }
    }
}

#[test]
fn states_between_messages_belong_to_the_configuration() {
    let config = DeflateConfig::default().without_server_takeover().without_client_takeover();
    let [client, server] = agree(&config, &config).expect("agreed");
    let pool = Pool::new();
    let mut ends = [(); 3].map(|()| {
        let near = Session::server(&pool).with_deflate(&server);
        (near, Session::client(&pool).with_deflate(&client))
    });
    let message = Message::text("again and ".repeat(100));
    for (near, far) in &mut ends {
        near.send(&message).expect("open");
        let wire: Vec<u8> = near.outgoing().io_slices().flat_map(|slice| slice.to_vec()).collect();
        near.wrote(wire.len());
        assert_eq!(far.feed(&wire), wire.len());
        assert_eq!(far.next().expect("valid"), Some(message.clone()));
    }
    assert_eq!(config.contexts().count(), 2, "one state of each kind serves all of them");
    assert!(config.contexts().bytes() <= config.contexts().bytes_max());
    config.contexts().trim();
    assert_eq!(config.contexts().bytes(), 0);
    assert_eq!(DeflateConfig::default().contexts().count(), 0, "another configuration has its own");
}
