//! Messages against a model of plain vectors: framed, cut and received at random.

use proptest::{collection::vec, prelude::*};
use seg_pool::{Pool, SegmentMut, SegmentSize};
use seg_seq::{SegmentedBuf, Sequence};
use ws_assemble::{
    Assembly, ControlPayload, DecodeError, Decoder, Event, Message, MessageKind, Opcode, Role,
    encode_control, encode_frame, encode_message,
};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };
const PAYLOAD_BYTES_MAX: usize = if cfg!(miri) { 60 } else { 3_000 };
const ASSEMBLIES: [Assembly; 2] = [Assembly::Segmented, Assembly::Contiguous];

const SIZES: [SegmentSize; 4] =
    [SegmentSize::B256, SegmentSize::K1, SegmentSize::K4, SegmentSize::K16];

/// An [`Event`] in plain bytes.
#[derive(Clone, Debug, PartialEq)]
enum Plain {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<Vec<u8>>),
}

/// A message, the places at which it is cut into fragments, and what stands between those.
#[derive(Clone, Debug)]
struct Framed {
    message: Plain,
    cuts: Vec<prop::sample::Index>,
    between: Vec<Plain>,
}

impl Plain {
    fn of(event: &Event) -> Self {
        match event {
            Event::Message(message) => match message.kind() {
                MessageKind::Text => Self::Text(message.as_str().expect("UTF-8").to_owned()),
                MessageKind::Binary => Self::Binary(message.data().to_vec()),
            },
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.as_ref().map(|it| it.payload().to_vec())),
        }
    }

    fn frame(&self) -> (Opcode, &[u8]) {
        match self {
            Self::Text(text) => (Opcode::Text, text.as_bytes()),
            Self::Binary(bytes) => (Opcode::Binary, bytes),
            Self::Ping(bytes) => (Opcode::Ping, bytes),
            Self::Pong(bytes) => (Opcode::Pong, bytes),
            Self::Close(body) => (Opcode::Close, body.as_deref().unwrap_or_default()),
        }
    }

    fn message(&self) -> Message {
        match self {
            Self::Text(text) => Message::text(text.clone()),
            Self::Binary(bytes) => Message::binary(bytes.clone()),
            Self::Ping(_) | Self::Pong(_) | Self::Close(_) => {
                panic!("a control frame is no message")
            }
        }
    }
}

impl Framed {
    /// Appends the frames to `wire` and what they mean to `events`.
    fn write(
        &self,
        keys: &mut impl FnMut() -> Option<[u8; 4]>,
        wire: &mut Vec<u8>,
        events: &mut Vec<Plain>,
    ) {
        let (mut opcode, payload) = self.message.frame();
        let mut cuts: Vec<_> = self.cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
        cuts.sort_unstable();
        let mut start = 0;
        for (index, end) in cuts.into_iter().enumerate() {
            write_frame(false, opcode, &payload[start..end], keys(), wire);
            if let Some(control) = self.between.get(index) {
                let (opcode, payload) = control.frame();
                write_frame(true, opcode, payload, keys(), wire);
                events.push(control.clone());
            }
            (start, opcode) = (end, Opcode::Continuation);
        }
        write_frame(true, opcode, &payload[start..], keys(), wire);
        events.push(self.message.clone());
    }
}

/// The frame byte by byte, with nothing of the crate but the opcode's number.
fn write_frame(
    fin: bool,
    opcode: Opcode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    wire: &mut Vec<u8>,
) {
    wire.push(u8::from(fin) << 7 | opcode as u8);
    let masked = u8::from(key.is_some()) << 7;
    if let Some(len) = u8::try_from(payload.len()).ok().filter(|len| *len < 126) {
        wire.push(masked | len);
    } else if let Ok(len) = u16::try_from(payload.len()) {
        wire.push(masked | 126);
        wire.extend_from_slice(&len.to_be_bytes());
    } else {
        wire.push(masked | 127);
        wire.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    wire.extend(key.into_iter().flatten());
    let key = key.unwrap_or_default();
    wire.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Receives `wire` into segments of one size, in pieces of the given lengths, over and over; returns
/// the events up to the end or the error.
fn receive(
    role: Role,
    assembly: Assembly,
    size: SegmentSize,
    wire: &[u8],
    pieces: &[usize],
) -> (Vec<Plain>, Result<bool, DecodeError>) {
    let pool = Pool::builder().segment_size(size).build();
    let mut decoder = Decoder::new(role).with_assembly(assembly);
    let mut events = Vec::new();
    let mut rest = wire;
    let mut pieces = pieces.iter().cycle();
    let end = loop {
        if rest.is_empty() {
            break Ok(decoder.is_between_messages());
        }
        let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
        let piece = rest.len().min(*pieces.next().unwrap_or(&usize::MAX)).min(input.capacity());
        input.extend_from_slice(&rest[..piece]);
        rest = &rest[piece..];
        if let Err(error) = decode_all(&mut decoder, &mut input, &mut events) {
            break Err(error);
        }
    };
    // Messages stay what they were while others are received.
    (events.iter().map(Plain::of).collect(), end)
}

fn decode_all(
    decoder: &mut Decoder,
    input: &mut SegmentMut,
    events: &mut Vec<Event>,
) -> Result<(), DecodeError> {
    while let Some(event) = decoder.decode(input)? {
        events.push(event);
    }
    Ok(())
}

fn message() -> impl Strategy<Value = Plain> {
    prop_oneof![
        "\\PC{0,400}".prop_map(Plain::Text),
        vec(any::<u8>(), 0..PAYLOAD_BYTES_MAX).prop_map(Plain::Binary),
        vec(any::<u8>(), 0..140).prop_map(Plain::Binary),
    ]
}

fn control() -> impl Strategy<Value = Plain> {
    (any::<bool>(), vec(any::<u8>(), 0..=125)).prop_map(|(is_ping, payload)| {
        if is_ping { Plain::Ping(payload) } else { Plain::Pong(payload) }
    })
}

fn framed() -> impl Strategy<Value = Framed> {
    (message(), vec(any::<prop::sample::Index>(), 0..6), vec(control(), 0..4))
        .prop_map(|(message, cuts, between)| Framed { message, cuts, between })
}

/// Keys for frames to a server, none for those to a client.
fn keys(role: Role, keys: &[[u8; 4]]) -> impl FnMut() -> Option<[u8; 4]> {
    let mut keys = keys.iter().copied().cycle();
    move || if role == Role::Server { keys.next() } else { None }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn messages_come_out_as_they_went_in(
        stream in vec(framed(), 1..6),
        key_list in vec(any::<[u8; 4]>(), 1..5),
        pieces in vec(1_usize..700, 1..8),
        size in prop::sample::select(&SIZES[..]),
    ) {
        for role in [Role::Client, Role::Server] {
            let (mut wire, mut expected) = (Vec::new(), Vec::new());
            let mut keys = keys(role, &key_list);
            for framed in &stream {
                framed.write(&mut keys, &mut wire, &mut expected);
            }
            for assembly in ASSEMBLIES {
                let (events, end) = receive(role, assembly, size, &wire, &pieces);
                prop_assert_eq!((&events, end), (&expected, Ok(true)));
            }
        }
    }

    #[test]
    fn broken_frames_come_to_the_same_end_in_every_cut_and_assembly(
        stream in vec(framed(), 1..4),
        breaks in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        noise in vec(any::<u8>(), 0..40),
        key in any::<[u8; 4]>(),
        pieces in vec(1_usize..30, 1..8),
    ) {
        for role in [Role::Client, Role::Server] {
            let mut wire = Vec::new();
            for framed in &stream {
                framed.write(&mut keys(role, &[key]), &mut wire, &mut Vec::new());
            }
            for (index, byte) in &breaks {
                let index = index.index(wire.len());
                wire[index] = *byte;
            }
            wire.extend_from_slice(&noise);
            let expected = receive(role, Assembly::Contiguous, SegmentSize::K16, &wire, &[]);
            for assembly in ASSEMBLIES {
                let found = receive(role, assembly, SegmentSize::B256, &wire, &pieces);
                prop_assert_eq!(&found, &expected);
            }
        }
    }

    #[test]
    fn encoded_messages_come_out_as_they_went_in(
        messages in vec(message(), 1..5),
        fragment_bytes in prop_oneof![Just(0_u64), 1_u64..50, 50_u64..5_000],
        key_list in vec(any::<[u8; 4]>(), 1..5),
        pieces in vec(1_usize..5_000, 1..8),
        size in prop::sample::select(&SIZES[..]),
    ) {
        for role in [Role::Client, Role::Server] {
            let mut output = SegmentedBuf::new(&Pool::builder().segment_size(size).build());
            let mut keys = keys(role, &key_list);
            for message in &messages {
                encode_message(&message.message(), fragment_bytes, &mut keys, &mut output)
                    .expect("no limit");
            }
            let wire = output.freeze().to_vec();
            for assembly in ASSEMBLIES {
                let (events, end) = receive(role, assembly, size, &wire, &pieces);
                prop_assert_eq!((&events, end), (&messages, Ok(true)));
            }
        }
    }

    #[test]
    fn frames_are_encoded_as_the_rfc_lays_them_out(
        payload in prop_oneof![
            vec(any::<u8>(), 0..PAYLOAD_BYTES_MAX),
            prop::sample::select(&[0_usize, 125, 126, 127, 4_095, 4_096, 4_097, 65_535, 65_536][..])
                .prop_map(|len| vec![0x5a; if cfg!(miri) { len.min(200) } else { len }]),
        ],
        cut in any::<prop::sample::Index>(),
        key in any::<Option<[u8; 4]>>(),
        fin in any::<bool>(),
    ) {
        let mut expected = Vec::new();
        write_frame(fin, Opcode::Binary, &payload, key, &mut expected);

        let (head, tail) = payload.split_at(cut.index(payload.len() + 1));
        let mut sequence: Sequence = Message::binary(head.to_vec()).into_sequence();
        sequence.append(Message::binary(tail.to_vec()).into_sequence());
        let mut output = SegmentedBuf::new(&Pool::new());
        encode_frame(fin, Opcode::Binary, key, &sequence, &mut output).expect("no limit");
        prop_assert_eq!(output.freeze().to_vec(), expected);
    }
}

#[test]
fn a_long_payload_without_a_mask_is_linked_and_not_copied() {
    let message = Message::binary(vec![7; 10_000]);
    let mut output = SegmentedBuf::new(&Pool::new());
    encode_message(&message, 0, || None, &mut output).expect("no limit");
    let sequence = output.freeze();
    let payload = sequence.chunks().next_back().expect("a header and a payload");
    assert_eq!(payload.as_ptr(), message.data().as_ptr());
}

#[test]
fn an_encoder_without_memory_leaves_the_output_as_it_was() {
    let pool = Pool::builder().bytes_max(seg_pool::SLAB_BYTES).build();
    let message = Message::binary(vec![7; 2 * seg_pool::SLAB_BYTES]);
    let mut output = SegmentedBuf::new(&pool);
    output.extend_from_slice(b"before");
    for fragment_bytes in [0, 1_000] {
        let masked = encode_message(&message, fragment_bytes, || Some([1, 2, 3, 4]), &mut output);
        assert!(masked.is_err());
        assert_eq!(output.sequence(), b"before");
    }
}

#[test]
fn a_message_has_no_more_fragments_than_its_length_asks_for() {
    let wires: [(&str, u64, &[u8]); 5] = [
        ("abcd", 2, b"\x01\x02ab\x80\x02cd"),
        ("abc", 2, b"\x01\x02ab\x80\x01c"),
        ("ab", 2, b"\x81\x02ab"),
        ("", 2, b"\x81\x00"),
        ("", 0, b"\x81\x00"),
    ];
    for (text, fragment_bytes, wire) in wires {
        let mut output = SegmentedBuf::new(&Pool::new());
        encode_message(&Message::text(text), fragment_bytes, || None, &mut output)
            .expect("no limit");
        assert_eq!(output.freeze(), wire, "{text:?} by {fragment_bytes}");
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn a_message_in_one_segment_is_small() {
    assert_eq!((size_of::<Message>(), size_of::<Event>()), (40, 40));
}

#[test]
fn an_encoded_control_frame_is_what_the_peer_decodes() {
    for (len, key) in
        [0, 22, 23, 125].into_iter().flat_map(|len| [(len, None), (len, Some([1, 2, 3, 4]))])
    {
        let payload = ControlPayload::new(&vec![7; len]).expect("short");
        let mut output = SegmentedBuf::new(&Pool::new());
        encode_control(Opcode::Ping, key, &payload, &mut output).expect("no limit");
        let wire = output.freeze().to_vec();
        let role = if key.is_some() { Role::Server } else { Role::Client };
        for cut in 0..=wire.len() {
            let mut decoder = Decoder::new(role);
            let mut events = Vec::new();
            for piece in [&wire[..cut], &wire[cut..]] {
                let mut input = Pool::global().take(256);
                input.extend_from_slice(piece);
                events.extend(decoder.decode(&mut input).expect("valid"));
            }
            assert_eq!(events, [Event::Ping(payload.clone())], "{len} bytes cut at {cut}");
        }
    }
}
