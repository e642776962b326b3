//! Messages encoded in fragments, masked, compressed or neither, and decoded by both assemblies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;
use ws_assemble::{
    Assembly, ClientHandshake, Decoder, DeflateConfig, DeflateParams, Event, Message,
    MessageCompressor, MessageKind, Role, ServerHandshake, encode_message,
};

/// What two ends agree on that both like to compress.
fn agreed() -> DeflateParams {
    let options = DeflateConfig::default();
    let client = ClientHandshake::new("h", "/", [1; 16]).expect("valid").deflate(options.clone());
    let parsed = ServerHandshake::new().push(&mut &client.request()[..]).expect("our own request");
    let acceptance = parsed.expect("a whole head").accept().deflate(&options);
    acceptance.agreed_deflate().expect("it was offered").clone()
}

fuzz_target!(|input: &[u8]| {
    let [choice, fragment_len, piece_len, script @ ..] = input else { return };
    let mut script = script;
    let sender = if choice % 2 == 0 { Role::Client } else { Role::Server };
    let receiver = if choice % 2 == 0 { Role::Server } else { Role::Client };
    let key = (sender == Role::Client).then_some([choice ^ 0x5a, 1, *fragment_len, 0xff]);
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let agreed = (choice & 2 != 0).then(agreed);
    let mut compressor = agreed.as_ref().and_then(|agreed| MessageCompressor::new(agreed, sender));
    let (mut wire, mut sent) = (SegmentedBuf::new(&pool), Vec::new());
    while let [kind, len, rest @ ..] = script {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let payload = payload.repeat(1 + usize::from(*kind >> 4));
        let message = match String::from_utf8(payload) {
            Ok(text) if kind % 2 == 0 => Message::text(text),
            Ok(text) => Message::binary(text.into_bytes()),
            Err(bytes) => Message::binary(bytes.into_bytes()),
        };
        sent.push((message.kind(), message.data().to_vec()));
        match &mut compressor {
            Some(compressor) if kind & 2 != 0 => {
                compressor.encode_message(&message, key, &mut wire)
            }
            _ => encode_message(&message, 1 + u64::from(*fragment_len), || key, &mut wire),
        }
        .expect("no limit");
        script = rest;
    }
    let wire = wire.freeze().to_vec();
    for assembly in [Assembly::Segmented, Assembly::Contiguous] {
        let mut decoder = Decoder::new(receiver).with_assembly(assembly);
        if let Some(agreed) = &agreed {
            decoder = decoder.with_deflate(agreed, &pool);
        }
        let mut received = Vec::new();
        for piece in wire.chunks(usize::from(*piece_len).max(1)) {
            let mut input = pool.try_take_size(pool.segment_size()).expect("no limit");
            input.extend_from_slice(piece);
            while let Some(event) = decoder.decode(&mut input).expect("what we encode is good") {
                let Event::Message(message) = event else { panic!("{event:?}") };
                assert!(message.kind() == MessageKind::Binary || message.as_str().is_some());
                received.push((message.kind(), message.data().to_vec()));
            }
        }
        assert_eq!(received, sent, "{assembly:?}");
    }
});
