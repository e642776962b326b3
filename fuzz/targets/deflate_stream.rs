//! Bytes compressed in pieces with every flush, by either backend, and back by the inflater and flate2.
#![no_main]

#[path = "../../crates/seg-flate/tests/harness/decode.rs"]
mod decode;

use std::io::Read;

use decode::{Outcome, decode};
use libfuzzer_sys::fuzz_target;
use seg_flate::{Backend, Deflater, Encode, Flush, Format, Level, Limits, WindowBits};
use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;

fuzz_target!(|input: &[u8]| {
    let [choice, level, window, cut, script @ ..] = input else { return };
    let mut script = script;
    let format = [Format::Gzip, Format::Zlib, Format::Raw][usize::from(choice % 3)];
    let backend = Backend::ALL[usize::from(choice / 3) % Backend::ALL.len()];
    let level = Level::new(level % 10).expect("0 to 9");
    let window = WindowBits::new(9 + window % 7).expect("9 to 15");
    let pool = Pool::builder().segment_size(SegmentSize::B256).build();
    let mut deflater = Deflater::with_window(backend, format, level, window);
    let (mut wire, mut data) = (SegmentedBuf::new(&pool), Vec::new());
    // Where nothing refers back from: in the wire and in the data.
    let mut alone = (0, 0);
    while let [kind, len, rest @ ..] = script {
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        let flush = match kind % 8 {
            0..4 => Flush::None,
            4..7 => Flush::Sync,
            _ => Flush::Full,
        };
        // Now and then the same bytes over and over, for references.
        let piece = piece.repeat(1 + usize::from(*kind >> 5));
        deflater.push(&mut &piece[..], flush, &mut wire).expect("no limit");
        data.extend_from_slice(&piece);
        if flush == Flush::Full {
            alone = (wire.len(), data.len());
        }
        script = rest;
    }
    deflater.push(&mut &b""[..], Flush::Finish, &mut wire).expect("no limit");
    let wire = wire.freeze().to_vec();
    let (head, tail) = wire.split_at(wire.len() * usize::from(*cut) / 255);
    let outcome = decode(format, Limits::default(), &[head, tail]);
    assert_eq!(outcome, Outcome::whole(&data), "{backend:?}");
    if format == Format::Raw {
        let (wire_start, data_start) = (usize::try_from(alone.0).expect("in memory"), alone.1);
        let outcome = decode(format, Limits::default(), &[&wire[wire_start..]]);
        assert_eq!(outcome, Outcome::whole(&data[data_start..]), "{backend:?} alone");
    }
    let mut theirs = Vec::new();
    let read = match format {
        Format::Gzip => flate2::read::GzDecoder::new(&wire[..]).read_to_end(&mut theirs),
        Format::Zlib => flate2::read::ZlibDecoder::new(&wire[..]).read_to_end(&mut theirs),
        _ => flate2::read::DeflateDecoder::new(&wire[..]).read_to_end(&mut theirs),
    };
    assert!(read.is_ok() && theirs == data);
});
