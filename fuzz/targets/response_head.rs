//! A response, whole and cut in three, in both assemblies: every way reads the same.
#![no_main]

use http_chunked::{
    Assembly, BodyLimits, MessageError, MessageLimits, MessageStep, RequestMethod, ResponseReader,
};
use libfuzzer_sys::fuzz_target;
use seg_pool::{Pool, Segment};

#[derive(Debug, PartialEq)]
struct Outcome {
    heads: Vec<Vec<u8>>,
    body: Option<Vec<u8>>,
    keeps_alive: bool,
    leftover: Vec<u8>,
    result: Result<(), MessageError>,
}

fn read(assembly: Assembly, method: RequestMethod, pieces: [&[u8]; 3]) -> Outcome {
    let limits = MessageLimits::new().with_body(BodyLimits::new().with_body_bytes_max(1 << 16));
    let mut reader = ResponseReader::new(&Pool::new()).with_assembly(assembly).with_limits(limits);
    reader.expect_answer_to(method);
    let (mut heads, mut leftover) = (Vec::new(), Vec::new());
    let (mut ended, mut result) = (false, Ok(()));
    for piece in pieces {
        let mut received = Segment::from(bytes::Bytes::copy_from_slice(piece));
        while !ended && result.is_ok() {
            match reader.push(&mut received) {
                Ok(MessageStep::NeedMore) => break,
                Ok(MessageStep::End) => ended = true,
                Ok(MessageStep::Head | MessageStep::Interim) => {
                    let head = reader.head().expect("a head was announced");
                    let fields = head
                        .fields()
                        .flat_map(|(name, value)| [name.as_bytes(), b"=", value, b"\n"].concat());
                    heads.push(head.status().to_be_bytes().into_iter().chain(fields).collect());
                }
                Err(error) => result = Err(error),
            }
        }
        if ended {
            leftover.extend_from_slice(&received);
        }
    }
    if result.is_ok() && !ended {
        result = reader.finish();
    }
    let response = reader.take_message();
    Outcome {
        heads,
        keeps_alive: response.as_ref().is_some_and(|response| response.keeps_alive()),
        body: response.map(|response| response.body().sequence().to_vec()),
        leftover,
        result,
    }
}

fuzz_target!(|input: &[u8]| {
    let [method, first, second, wire @ ..] = input else { return };
    let methods = [RequestMethod::Other, RequestMethod::Head, RequestMethod::Connect];
    let method = methods[usize::from(method % 3)];
    let mut cuts = [*first, *second].map(|part| wire.len() * usize::from(part) / 255);
    cuts.sort_unstable();
    let pieces = [&wire[..cuts[0]], &wire[cuts[0]..cuts[1]], &wire[cuts[1]..]];
    let whole = read(Assembly::Segmented, method, [wire, b"", b""]);
    for assembly in Assembly::ALL {
        assert_eq!(read(assembly, method, pieces), whole, "{assembly:?}, {cuts:?}");
    }
});
