//! Long messages, part by part.
#![cfg(feature = "tokio")]

use core::{
    pin::Pin,
    task::{Context, Poll},
};
use std::io;

use seg_pool::{Pool, SegmentSize};
use seg_seq::SegmentedBuf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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

/// Sends a header and then zeroes, and swallows what is written.
struct Zeroes {
    header: &'static [u8],
    left: u64,
}

impl io::Read for Zeroes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.header.is_empty() {
            return self.header.read(buffer);
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

impl AsyncWrite for Zeroes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A frame of `LONG` bytes, as a client receives it.
fn zeroes() -> Zeroes {
    let header = [&[0x82, 127][..], &LONG.to_be_bytes()].concat();
    Zeroes { header: header.leak(), left: LONG }
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
        let mut whole = Connection::new(zeroes(), session(assembly));
        let (mut half, _write) = Connection::new(zeroes(), session(assembly)).split();
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

#[test]
fn text_is_validated_and_limits_hold_across_parts() {
    let cases: [(&[u8], DecodeErrorKind, u64); 3] = [
        (b"\x01\x02a\xc3\x80\x01a", DecodeErrorKind::Utf8Invalid, 6),
        (b"\x81\x02a\xc3", DecodeErrorKind::Utf8Invalid, 4),
        (b"\x02\x05hello\x80\x06 world", DecodeErrorKind::MessageTooLong, 8),
    ];
    for assembly in Assembly::ALL {
        for (wire, kind, offset) in cases {
            for step in [1, 2, wire.len()] {
                let limits = Limits::default().with_message_bytes_max(10);
                let mut session =
                    Session::client(&Pool::new()).with_limits(limits).with_assembly(assembly);
                let error = parts(&mut session, wire, step).expect_err("invalid");
                let ConnectionError::Decode(error) = error else { panic!("{error}") };
                assert_eq!((error.kind(), error.offset()), (kind, offset), "{step} at a time");
            }
        }
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
#[test]
fn a_compressed_frame_passes_a_pool_that_is_a_small_part_of_it() {
    use ws_assemble::{ClientHandshake, DeflateConfig, ServerHandshake};

    let handshake = ClientHandshake::new("localhost", "/", *b"the sample nonce")
        .expect("valid")
        .deflate(DeflateConfig::default());
    let request =
        ServerHandshake::new().push(&mut &handshake.request()[..]).expect("valid").expect("whole");
    let acceptance = request.accept().deflate(&DeflateConfig::default());
    let agreed = acceptance.agreed_deflate().expect("offered");
    let len = usize::try_from(LONG).expect("it fits") / 16;
    let mut sender = Session::client(&Pool::new()).with_deflate(agreed);
    sender.send(&Message::binary(vec![0; len])).expect("no limit");
    let mut wire = Vec::new();
    while sender.wants().write {
        let before = wire.len();
        sender.outgoing().io_slices().for_each(|slice| wire.extend_from_slice(&slice));
        sender.wrote(wire.len() - before);
    }
    let pool = Pool::builder().bytes_max(len / 8).segment_size(SegmentSize::K4).build();
    let mut session = Session::server(&pool).with_deflate(agreed);
    let messages = parts(&mut session, &wire, wire.len()).expect("valid");
    assert!(messages == [vec![0; len]], "{} messages", messages.len());
}
