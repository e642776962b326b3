//! Data through the encoder, in pieces of every kind, and back through both assemblies.
#![no_main]

use http_chunked::{Assembly, BodyAssembler, Encoder, Framing, Progress, Trailers};
use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, Segment, SegmentSize};
use seg_seq::Sequence;

fuzz_target!(|input: &[u8]| {
    let [chunk_len, cut, script @ ..] = input else { return };
    let mut script = script;
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut encoder = Encoder::new(&pool).with_chunk_bytes_max(1 + 3 * usize::from(*chunk_len));
    let (mut data, mut wire) = (Vec::new(), Sequence::new());
    while let [kind, len, rest @ ..] = script {
        let piece = vec![*kind; 5 * usize::from(*len)];
        data.extend_from_slice(&piece);
        match kind % 4 {
            0 => encoder.push(&mut &piece[..]),
            1 => encoder.push_segment(&mut Segment::from(bytes::Bytes::from(piece))),
            2 => {
                let segment = Segment::from(bytes::Bytes::from(piece));
                encoder.push_chunk(&mut Sequence::from(segment))
            }
            _ => {
                let pushed = encoder.push(&mut &piece[..]);
                encoder.flush();
                wire.append(encoder.take());
                pushed
            }
        }
        .expect("no limit");
        script = rest;
    }
    let mut trailers = Trailers::new();
    trailers.push("X-Len", data.len().to_string().as_bytes()).expect("a good field");
    encoder.finish(&trailers).expect("no limit");
    wire.append(encoder.take());
    let wire = wire.to_vec();
    for assembly in Assembly::ALL {
        let mut assembler = BodyAssembler::new(&pool, Framing::Chunked).with_assembly(assembly);
        let mut last = Progress::NeedMore;
        for piece in wire.chunks(1 + 7 * usize::from(*cut)) {
            assert_eq!(last, Progress::NeedMore);
            let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
            last = assembler.push(&mut received).expect("what we encode is good");
            assert!(received.is_empty());
        }
        assert_eq!(last, Progress::End);
        let body = assembler.take_body();
        assert_eq!(body.bytes(), data);
        assert_eq!(body.trailers(), &trailers);
    }
});
