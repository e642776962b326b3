//! Long messages, part by part.
#![cfg(feature = "tokio")]

#[cfg(feature = "deflate")]
#[path = "harness/agreed.rs"]
mod agreed;
#[cfg(feature = "deflate")]
#[path = "harness/written.rs"]
mod written;

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::{collections::VecDeque, io};

use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;
use tokio::io::{AsyncRead, ReadBuf, join, sink};
use ws_assemble::{
    Assembly, Connection, ConnectionError, DecodeErrorKind, Limits, Message, MessageKind, Part,
    Role, Session, blocking, encode_message,
};

/// The payload of one frame: 1 GiB, less where it takes long.
const LONG: u64 = if cfg!(miri) {
    64 << 10
} else if cfg!(debug_assertions) {
    32 << 20
} else {
    1 << 30
};

const POOL_BYTES_MAX: usize = if cfg!(miri) { 48 << 10 } else { 4 << 20 };

/// Sends a header and then zeroes, and drops what is written.
struct Zeroes {
    header: io::Cursor<Vec<u8>>,
    left: u64,
}

impl io::Read for Zeroes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.header.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        buffer[..count].fill(0);
        self.left -= count as u64;
        Ok(count)
    }
}

impl io::Write for Zeroes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Zeroes {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 4096];
        let len = buffer.remaining().min(bytes.len());
        let count = io::Read::read(&mut *self, &mut bytes[..len])?;
        buffer.put_slice(&bytes[..count]);
        Poll::Ready(Ok(()))
    }
}

/// A frame of `LONG` bytes, as a client receives it.
fn zeroes() -> Zeroes {
    let header = [&[0x82, 127][..], &LONG.to_be_bytes()].concat();
    Zeroes { header: io::Cursor::new(header), left: LONG }
}

fn session(assembly: Assembly) -> Session {
    let pool = Pool::builder().bytes_max(POOL_BYTES_MAX).segment_size(SegmentSize::K4).build();
    let limits = Limits::default().with_message_bytes_max(LONG);
    Session::client(&pool).with_limits(limits).with_assembly(assembly)
}

/// One way of reading.
type NextPart<'a> = dyn FnMut() -> Result<Option<Part>, ConnectionError> + 'a;

#[test]
fn a_frame_passes_a_pool_that_is_a_small_part_of_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for assembly in Assembly::ALL {
        let open = || Connection::new(join(zeroes(), sink()), session(assembly));
        let (mut whole, (mut half, _write)) = (open(), open().split());
        let mut blocking = blocking::Connection::new(zeroes(), session(assembly));
        let mut ways: [(&str, Box<NextPart<'_>>); 3] = [
            ("whole", Box::new(|| runtime.block_on(whole.next_part()))),
            ("half", Box::new(|| runtime.block_on(half.next_part()))),
            ("blocking", Box::new(|| blocking.next_part())),
        ];
        for (way, next_part) in &mut ways {
            let mut len = 0;
            loop {
                let part = next_part().expect("valid").expect("not closed");
                assert_eq!(part.kind(), MessageKind::Binary, "{way}");
                len += part.sequence().len();
                if part.is_last() {
                    break;
                }
            }
            assert_eq!(len, LONG, "{way}");
        }
    }
}

/// Takes the parts of all that is in `wire`, `step` bytes at a time.
fn parts(session: &mut Session, wire: &[u8], step: usize) -> Result<Vec<Vec<u8>>, ConnectionError> {
    let (mut messages, mut begun) = (Vec::new(), Vec::new());
    for bytes in wire.chunks(step) {
        assert_eq!(session.feed(bytes), bytes.len());
        while let Some(part) = session.next_part()? {
            assert!(part.is_last() || !part.sequence().is_empty(), "a part has bytes");
            begun.extend_from_slice(&part.sequence().to_vec());
            if part.is_last() {
                messages.push(core::mem::take(&mut begun));
            }
        }
        if begun.is_empty() {
            assert!(!session.holds_input(), "nothing is held for what was handed out");
        }
    }
    Ok(messages)
}

#[test]
fn the_parts_are_the_messages_wherever_they_are_cut() {
    let texts = ["", "h\u{e9}llo", &"\u{20ac}uro ".repeat(100), "x"];
    let mut wire = SegmentedBuf::new(&Pool::new());
    for fragment_bytes in [0, 1, 7, 64] {
        for text in texts {
            let message = Message::text(text);
            encode_message(&message, fragment_bytes, || Some([1, 2, 3, 4]), &mut wire)
                .expect("no limit");
        }
    }
    let wire = wire.freeze().to_vec();
    let expected: Vec<_> =
        [texts; 4].concat().iter().map(|text| text.as_bytes().to_vec()).collect();
    for assembly in Assembly::ALL {
        for step in [1, 2, 3, 10, 100, wire.len()] {
            let mut session = Session::new(Role::Server, &Pool::new()).with_assembly(assembly);
            let messages = parts(&mut session, &wire, step).expect("valid");
            assert_eq!(messages, expected, "{step} bytes at a time");
        }
    }
}

/// What a server sends, the bytes of messages that come before the end of it, and that end.
type Ended = (&'static [u8], &'static [u8], Option<(DecodeErrorKind, u64)>);

const ENDED: [Ended; 14] = [
    (b"\x01\x02a\xc3\x80\x01a", b"a\xc3", Some((DecodeErrorKind::Utf8Invalid, 6))),
    (b"\x81\x02a\xc3", b"a\xc3", Some((DecodeErrorKind::Utf8Invalid, 4))),
    (b"\x81\x06abc\xffde", b"abc", Some((DecodeErrorKind::Utf8Invalid, 5))),
    (b"\x81\x06\xff12345", b"", Some((DecodeErrorKind::Utf8Invalid, 2))),
    (b"\x81\x05a\xe2\x82b\x82", b"a\xe2\x82", Some((DecodeErrorKind::Utf8Invalid, 5))),
    (b"\x82\x01x\x01\x03abc\x80\x02d\xff", b"xabcd", Some((DecodeErrorKind::Utf8Invalid, 11))),
    (b"\x02\x05hello\x80\x06 world", b"hello", Some((DecodeErrorKind::MessageTooLong, 8))),
    (b"\x82\x01x\x02\x02hi\xc2\x00", b"xhi", Some((DecodeErrorKind::ReservedBits, 7))),
    (b"\x02\x02hi\x82\x01x", b"hi", Some((DecodeErrorKind::MessageUnfinished, 4))),
    (b"\x02\x02hi\x00\x80", b"hi", Some((DecodeErrorKind::MaskUnexpected, 5))),
    (b"\x02\x02hi\x89\x01?\x09\x00", b"hi", Some((DecodeErrorKind::ControlFragmented, 7))),
    (b"\x02\x02hi\x00\x02..\x88\x01\x03", b"hi..", Some((DecodeErrorKind::CloseTooShort, 10))),
    (b"\x02\x02hi\x88\x02\x03\xe8", b"hi", None),
    (b"\x81\x02hi\x01\x02ho\x88\x00", b"hiho", None),
];

/// What is handed out of pieces of a stream, and how it ends; each part of it is asked for as soon as
/// it may be there.
fn handed_out(
    session: &mut Session,
    pieces: &[&[u8]],
) -> (Vec<u8>, Option<(DecodeErrorKind, u64)>) {
    let mut bytes = Vec::new();
    let end = pieces.iter().try_for_each(|piece| {
        // Nobody reads on after an end.
        if session.wants().read {
            assert_eq!(session.feed(piece), piece.len());
        }
        while let Some(part) = session.next_part()? {
            bytes.extend_from_slice(&part.into_sequence().to_vec());
        }
        Ok(())
    });
    let again = session.next_part().map(|part| part.is_some());
    match end {
        Ok(()) => assert!(session.is_closed(), "neither an error nor a close frame"),
        Err(ConnectionError::Decode(error)) => {
            let Err(ConnectionError::Decode(again)) = again else { panic!("{again:?}") };
            assert_eq!(again, error);
            return (bytes, Some((error.kind(), error.offset())));
        }
        Err(error) => panic!("{error}"),
    }
    assert!(matches!(again, Ok(false)), "{again:?}");
    (bytes, None)
}

#[test]
fn what_comes_right_before_an_end_is_handed_out_wherever_it_is_cut() {
    let limits = Limits::default().with_message_bytes_max(10);
    for assembly in Assembly::ALL {
        for (wire, bytes, end) in ENDED {
            let pool = Pool::new();
            let check = |pieces: &[&[u8]]| {
                let mut session =
                    Session::client(&pool).with_limits(limits).with_assembly(assembly);
                let expected = (bytes.to_vec(), end);
                assert_eq!(handed_out(&mut session, pieces), expected, "{pieces:?}");
                assert_eq!(pool.stats().in_use_bytes(), 0, "an ended session holds nothing");
            };
            for cut in 0..=wire.len() {
                let (head, tail) = wire.split_at(cut);
                check(&[head, tail]);
            }
            check(&wire.chunks(1).collect::<Vec<_>>());
        }
    }
}

/// Gives its pieces one by one, and then the end or an error.
struct Pieces {
    pieces: VecDeque<&'static [u8]>,
    is_reset: bool,
}

impl io::Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.pieces.pop_front() {
            Some(mut piece) => piece.read(buffer),
            None if self.is_reset => Err(io::ErrorKind::ConnectionReset.into()),
            None => Ok(0),
        }
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_comes_right_before_the_stream_ends_or_fails_is_handed_out() {
    const WIRE: &[u8] = b"\x81\x02hi\x01\x02ho\x80\x05h";
    for assembly in Assembly::ALL {
        for (cut, is_reset) in (1..WIRE.len()).flat_map(|cut| [(cut, false), (cut, true)]) {
            let (head, tail) = WIRE.split_at(cut);
            let stream = Pieces { pieces: [head, tail].into(), is_reset };
            let session = Session::client(&Pool::new()).with_assembly(assembly);
            let mut connection = blocking::Connection::new(stream, session);
            let mut bytes = Vec::new();
            let error = loop {
                match connection.next_part() {
                    Ok(part) => bytes.extend(part.expect("no close frame").sequence().to_vec()),
                    Err(error) => break error,
                }
            };
            assert_eq!(bytes, b"hihoh", "cut at {cut}");
            match error {
                ConnectionError::Io(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset)
                }
                ConnectionError::Decode(error) => {
                    assert_eq!(error.kind(), DecodeErrorKind::Truncated);
                    assert_eq!(error.offset(), WIRE.len() as u64);
                }
                error => panic!("{error}"),
            }
        }
    }
}

#[test]
fn what_was_fed_before_the_end_of_the_stream_is_handed_out_after_it() {
    for ends in [
        |session: &mut Session| session.end_input(),
        |session: &mut Session| {
            session.fail_read(io::ErrorKind::ConnectionReset);
        },
    ] {
        let mut session = Session::client(&Pool::new());
        assert_eq!(session.feed(b"\x81\x02hi\x81\x02ho\x81\x02h"), 11);
        ends(&mut session);
        assert!(!session.wants().read);
        for text in ["hi", "ho"] {
            let message = session.next().expect("valid").expect("received");
            assert_eq!(message.as_str(), Some(text));
        }
        assert!(session.next().is_err());
        assert!(!session.holds_input());
    }
}

#[test]
fn what_is_left_of_a_message_comes_with_next() {
    for assembly in Assembly::ALL {
        let mut session = Session::client(&Pool::new()).with_assembly(assembly);
        assert_eq!(session.feed(b"\x81\x05hel"), 5);
        let part = session.next_part().expect("valid").expect("some bytes");
        assert_eq!((part.is_last(), part.into_sequence().to_vec()), (false, b"hel".to_vec()));
        assert!(session.next_part().expect("valid").is_none());
        assert_eq!(session.feed(b"lo"), 2);
        let rest = session.next().expect("valid").expect("the rest");
        assert_eq!(rest.data(), b"lo");
    }
}

#[tokio::test]
async fn what_a_reader_has_is_sent_and_received_part_by_part() {
    let pool = Pool::builder().bytes_max(1 << 20).build();
    let (near, far) = tokio::io::duplex(8 << 10);
    let (mut server, mut client) =
        (Connection::server(near, &pool), Connection::client(far, &pool));
    let bytes: Vec<u8> = (0..300_000_u32).map(|index| index.to_le_bytes()[0]).collect();
    let sent = async {
        let mut writer = client.start(MessageKind::Binary, 20_000)?;
        assert_eq!(writer.write_from(&mut &bytes[..]).await?, bytes.len() as u64);
        writer.finish().await
    };
    let received = async {
        let mut received = Vec::new();
        loop {
            let part = server.next_part().await?.expect("not closed");
            received.extend_from_slice(&part.sequence().to_vec());
            if part.is_last() {
                return Ok::<_, ConnectionError>(received);
            }
        }
    };
    let (sent, received) = tokio::join!(sent, received);
    sent.expect("sent");
    assert_eq!(received.expect("received"), bytes);
    assert_eq!(pool.stats().in_use_bytes(), 0);

    let mut writer = client.start(MessageKind::Text, 20_000).expect("open");
    let refused = writer.write_from(&mut &b"a\xff"[..]).await;
    assert!(matches!(refused, Err(ConnectionError::TextInvalid)));
}

#[cfg(feature = "deflate")]
fn agreed() -> ws_assemble::DeflateParams {
    agreed::agreed(&ws_assemble::DeflateConfig::default())
}

#[cfg(feature = "deflate")]
#[test]
fn what_is_decompressed_right_before_an_end_is_handed_out_wherever_it_is_cut() {
    /// Stored blocks of DEFLATE (RFC 1951 section 3.2.4), and a block of a type that there is not.
    const COMPRESSED: [Ended; 4] = [
        (b"\xc1\x0b\x00\x06\x00\xf9\xffabc\xffde", b"abc", Some((DecodeErrorKind::Utf8Invalid, 2))),
        (b"\xc2\x08\x00\x02\x00\xfd\xffhi\x06", b"hi", Some((DecodeErrorKind::DeflateInvalid, 2))),
        (
            b"\xc2\x11\x00\x0c\x00\xf3\xff0123456789ab",
            b"0123456789",
            Some((DecodeErrorKind::MessageTooLong, 2)),
        ),
        (b"\x42\x08\x00\x02\x00\xfd\xffhi\x00\x88\x00", b"hi", None),
    ];
    let (agreed, limits) = (agreed(), Limits::default().with_message_bytes_max(10));
    for assembly in Assembly::ALL {
        for (wire, bytes, end) in COMPRESSED {
            for cut in 0..=wire.len() {
                let mut session = Session::client(&Pool::new())
                    .with_limits(limits)
                    .with_assembly(assembly)
                    .with_deflate(&agreed);
                let (head, tail) = wire.split_at(cut);
                let expected = (bytes.to_vec(), end);
                assert_eq!(handed_out(&mut session, &[head, tail]), expected, "{wire:?} at {cut}");
            }
        }
    }
}

/// Compresses a message of zeroes, as a client sends it.
#[cfg(feature = "deflate")]
fn compressed_zeroes(agreed: &ws_assemble::DeflateParams, len: usize) -> Vec<u8> {
    let mut sender = Session::client(&Pool::new()).with_deflate(agreed);
    sender.send(&Message::binary(vec![0; len])).expect("no limit");
    written::written(&mut sender)
}

#[cfg(feature = "deflate")]
#[test]
fn a_message_that_may_hold_less_than_one_read_becomes_comes_in_parts() {
    const LEN: usize = if cfg!(miri) { 32 << 10 } else { 1 << 20 };
    let agreed = agreed();
    let wire = compressed_zeroes(&agreed, LEN);
    let limits = Limits::default().with_held_bytes_max(LEN as u64 / 4);
    let session = || {
        let pool = Pool::builder().segment_size(SegmentSize::K1).build();
        Session::server(&pool).with_deflate(&agreed).with_limits(limits)
    };
    for step in [wire.len(), 100] {
        let messages = parts(&mut session(), &wire, step).expect("valid");
        assert!(messages == [vec![0; LEN]], "{} messages", messages.len());
    }
    let mut whole = session();
    assert_eq!(whole.feed(&wire), wire.len());
    let error = whole.next().expect_err("it holds too much");
    let ConnectionError::Decode(error) = error else { panic!("{error}") };
    assert_eq!(error.kind(), DecodeErrorKind::HeldTooMuch);
}

#[cfg(feature = "deflate")]
#[test]
fn a_compressed_frame_passes_a_pool_that_is_a_small_part_of_it() {
    let len = usize::try_from(LONG).expect("it fits") / 16;
    let agreed = agreed();
    let wire = compressed_zeroes(&agreed, len);
    let pool = Pool::builder().bytes_max(len / 8).segment_size(SegmentSize::K4).build();
    let mut session = Session::server(&pool).with_deflate(&agreed);
    let messages = parts(&mut session, &wire, wire.len()).expect("valid");
    assert!(messages == [vec![0; len]], "{} messages", messages.len());
}
