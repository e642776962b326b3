//! The hottest operations, each on the input that it meets most.

use core::hint::black_box;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use http_chunked::{BodyAssembler, ContentCoding, Encoder, Framing};
use seg_flate::{Decode, Format, Inflater, Limits};
use seg_pool::{Pool, Segment};
use seg_seq::{SegmentedBuf, Sequence};
use ws_assemble::{
    Decoder, Event, Header, Opcode, Role, Utf8Validator, encode_frame, mask, unmask_text,
};

/// An operation, with all that it needs made.
type Operation = Box<dyn FnMut()>;

/// An operation's name, and how to make it.
type Named = (&'static str, fn() -> Operation);

/// Every operation, lowest layer first.
pub(crate) const OPERATIONS: &[Named] = &[
    ("pool/take_and_drop", take_and_drop),
    ("segment/clone_and_drop", clone_and_drop),
    ("segment/split_off_125", split),
    ("seq/append_16k", append),
    ("seq/read_1024_u32", read),
    ("seq/find_in_64k", find),
    ("flate/gunzip_16k", gunzip),
    ("chunked/copy_64_chunks", || decode_chunks(64, 200)),
    ("chunked/link_15_chunks", || decode_chunks(15, 1_024)),
    ("chunked/encode_16_linked", encode_linked),
    ("chunked/encode_64_of_1k", || encode_copied(64, 1_024)),
    ("chunked/encode_256_of_16", || encode_copied(256, 16)),
    ("ws/decode_125_bytes", decode_message),
    ("ws/encode_125_bytes", encode_message),
    ("ws/unmask_16k_text", unmask),
];

fn filled(pool: &Pool, bytes: &[u8]) -> Segment {
    let mut segment = pool.take(bytes.len());
    segment.extend_from_slice(bytes);
    segment.freeze()
}

fn text(len: usize) -> Vec<u8> {
    "{\"id\": 4711, \"name\": \"a plain line of text\"}\n".bytes().cycle().take(len).collect()
}

fn long_sequence(pool: &Pool, len: usize) -> Sequence {
    let mut buffer = SegmentedBuf::new(pool);
    buffer.extend_from_slice(&text(len));
    buffer.freeze()
}

fn take_and_drop() -> Operation {
    let pool = Pool::new();
    Box::new(move || drop(black_box(pool.take(16_384))))
}

fn clone_and_drop() -> Operation {
    let segment = filled(&Pool::new(), &text(16_384));
    Box::new(move || drop(black_box(segment.clone())))
}

fn split() -> Operation {
    let segment = filled(&Pool::new(), &text(16_384));
    Box::new(move || {
        let mut rest = segment.clone();
        drop(black_box(rest.split_to(125)));
    })
}

fn append() -> Operation {
    let (pool, bytes) = (Pool::new(), text(16_384));
    Box::new(move || {
        let mut buffer = SegmentedBuf::new(&pool);
        for piece in bytes.chunks(1_400) {
            buffer.extend_from_slice(black_box(piece));
        }
        drop(black_box(buffer.freeze()));
    })
}

fn read() -> Operation {
    // Its cuts fall inside integers, too.
    let sequence = long_sequence(&Pool::new(), 64 << 10).slice(1..);
    Box::new(move || {
        let mut reader = sequence.as_reader();
        let sum = (0..1024).filter_map(|_| reader.read_u32_be().ok()).fold(0, u32::wrapping_add);
        black_box(sum);
    })
}

fn find() -> Operation {
    let sequence = long_sequence(&Pool::new(), 64 << 10);
    Box::new(move || {
        black_box(black_box(&sequence).find(b"not there"));
    })
}

fn gunzip() -> Operation {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&text(16_384)).expect("writing into memory");
    let wire = encoder.finish().expect("writing into memory");
    let mut output = SegmentedBuf::new(&Pool::new());
    let mut inflater = Inflater::new(Format::Gzip, Limits::default());
    Box::new(move || {
        inflater.reset(Format::Gzip);
        inflater.push(&mut black_box(&wire[..]), &mut output).expect("a valid stream");
        inflater.finish().expect("a whole stream");
        drop(black_box(output.split()));
    })
}

fn decode_chunks(count: usize, len: usize) -> Operation {
    let mut wire = Vec::new();
    for chunk in text(count * len).chunks(len) {
        wire.extend_from_slice(format!("{len:x}\r\n").as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    let pool = Pool::new();
    let received = filled(&pool, &wire);
    let mut assembler = BodyAssembler::new(&pool, Framing::Chunked);
    Box::new(move || {
        assembler.reset(Framing::Chunked, ContentCoding::Identity);
        assembler.push(&mut received.clone()).expect("a valid body");
        drop(black_box(assembler.take_body()));
    })
}

/// Long chunks, written as one batch.
fn encode_linked() -> Operation {
    let pool = Pool::new();
    let data: Vec<Segment> = (0..16).map(|_| filled(&pool, &text(16_384))).collect();
    let mut encoder = Encoder::new(&pool);
    Box::new(move || {
        for segment in &data {
            encoder.push_segment(&mut segment.clone()).expect("the pool has no cap");
        }
        drop(black_box(encoder.take()));
    })
}

/// Chunks of so many bytes each, written as one batch.
fn encode_copied(count: usize, len: usize) -> Operation {
    let (mut encoder, data) = (Encoder::new(&Pool::new()), text(len));
    Box::new(move || {
        for _ in 0..count {
            encoder.push(&mut black_box(&data[..])).expect("the pool has no cap");
            encoder.flush();
        }
        drop(black_box(encoder.take()));
    })
}

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

fn decode_message() -> Operation {
    let mut payload = text(125);
    mask(&mut payload, KEY, 0);
    let payload_len = payload.len() as u64;
    let (fin, opcode, mask) = (true, Opcode::Text, Some(KEY));
    let (head, len) = Header { fin, is_compressed: false, opcode, mask, payload_len }.to_bytes();
    let wire = [&head[..len], &payload].concat();
    let pool = Pool::new();
    let mut decoder = Decoder::new(Role::Server);
    Box::new(move || {
        // Unmasking writes, so each message comes anew.
        let mut received = pool.take(16_384);
        received.extend_from_slice(&wire);
        let event = decoder.decode(&mut received).expect("a good wire");
        assert!(matches!(event, Some(Event::Message(_))), "a whole message");
        drop(black_box(event));
    })
}

fn encode_message() -> Operation {
    let pool = Pool::new();
    let payload = Sequence::from(filled(&pool, &text(125)));
    Box::new(move || {
        let mut output = SegmentedBuf::new(&pool);
        encode_frame(true, Opcode::Text, None, black_box(&payload), &mut output)
            .expect("the pool has no cap");
        drop(black_box(output.freeze()));
    })
}

fn unmask() -> Operation {
    let mut bytes = text(16_384);
    mask(&mut bytes, KEY, 0);
    Box::new(move || {
        let mut validator = Utf8Validator::new();
        let valid = unmask_text(black_box(&mut bytes), KEY, 0, &mut validator);
        assert!(valid.is_ok() && validator.is_complete(), "ASCII");
        mask(&mut bytes, KEY, 0);
    })
}
