//! The message as a WebSocket message in fragments.

use core::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use seg_pool::{Pool, Segment, SegmentMut};
use seg_seq::SegmentedBuf;
use ws_assemble::{
    ClientHandshake, Decoder, Event, Limits, MaskKeys, Message, Opcode, Role, encode_frame,
    random_nonce,
};

use super::{Assembly, Receive, progress::Progress, wire::Wire};
use crate::digest::Digest;

/// A connection past its handshake.
pub(super) struct Client {
    wire: Wire,
    decoder: Decoder,
    keys: MaskKeys,
    pool: Pool,
}

impl Client {
    /// Connects to `target` and shakes hands; asks for nothing yet.
    pub(super) fn connect(
        address: SocketAddr,
        target: &str,
        assembly: Assembly,
        message_bytes_max: u64,
        pool: &Pool,
    ) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(address, pool)?;
        shake_hands(
            &mut wire,
            ClientHandshake::new(&address.to_string(), target, random_nonce())?,
        )?;
        // How many fragments the message has is the peer's choice; its length is known.
        let limits = Limits::default()
            .with_message_bytes_max(message_bytes_max)
            .with_fragments_max(u32::MAX)
            .with_held_bytes_max(u64::MAX);
        let decoder = Decoder::new(Role::Client).with_assembly(assembly.into()).with_limits(limits);
        Ok(Self { wire, decoder, keys: MaskKeys::new(), pool: pool.clone() })
    }

    /// Sends the short message that the server answers.
    fn ask(&mut self) -> anyhow::Result<()> {
        let mut output = SegmentedBuf::new(&self.pool);
        let payload = Segment::from_static(b"again").into();
        encode_frame(true, Opcode::Text, Some(self.keys.next_key()), &payload, &mut output)?;
        for chunk in output.freeze().chunks() {
            self.wire.send(chunk)?;
        }
        Ok(())
    }

    /// Reads on until a message is complete; returns with it what came after it.
    fn read_message(&mut self, progress: &Progress) -> anyhow::Result<(Message, SegmentMut)> {
        while let Some(mut received) = self.wire.receive(progress)? {
            while let Some(event) = self.decoder.decode(&mut received)? {
                match event {
                    Event::Message(message) => return Ok((message, received)),
                    Event::Close(_) => {
                        bail!("the server closed the connection instead of sending the message")
                    }
                    // The server waits for no pong.
                    Event::Ping(_) | Event::Pong(_) => {}
                }
            }
        }
        self.decoder.finish()?;
        bail!("the server closed the connection instead of sending the message")
    }
}

fn shake_hands(wire: &mut Wire, mut handshake: ClientHandshake) -> anyhow::Result<()> {
    wire.send(&handshake.request())?;
    let progress = Progress::start();
    loop {
        let received = wire
            .receive(&progress)?
            .context("the server closed the connection in the handshake")?;
        let mut rest = &received[..];
        if handshake.push(&mut rest)?.is_some() {
            // The server has not been asked for anything.
            ensure!(rest.is_empty(), "the server sent {} bytes after the handshake", rest.len());
            wire.rest_until_asked();
            return Ok(());
        }
    }
}

impl Receive for Client {
    type Message = Message;

    fn receive(&mut self, progress: &Progress) -> anyhow::Result<Message> {
        self.ask()?;
        let (message, rest) = self.read_message(progress)?;
        ensure!(rest.is_empty(), "the server sent {} bytes after the message", rest.len());
        self.wire.rest_until_asked();
        Ok(message)
    }

    fn digest(message: &Message) -> Digest {
        Digest::of_chunks(message.sequence().chunks().map(|chunk| &**chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::wire::tests::serve_once, *};

    /// Receives from a server that answers the request for the message with `frames`.
    fn receive(frames: &'static [u8], assembly: Assembly) -> anyhow::Result<Message> {
        let pool = Pool::new();
        let mut client = Client {
            wire: Wire::connect(serve_once(frames), &pool)?,
            decoder: Decoder::new(Role::Client)
                .with_assembly(assembly.into())
                .with_limits(Limits::default().with_message_bytes_max(10)),
            keys: MaskKeys::new(),
            pool,
        };
        client.receive(&Progress::start())
    }

    #[test]
    fn a_message_in_fragments_is_received() {
        for assembly in Assembly::ALL {
            let message =
                receive(b"\x01\x03hel\x89\x01p\x80\x02lo", assembly).expect("a whole message");
            assert_eq!(Client::digest(&message), Digest::of_chunks([b"hello".as_slice()]));
        }
    }

    #[test]
    fn what_is_not_the_whole_message_is_an_error() {
        let cases: &[(&str, &[u8])] = &[
            ("nothing", b""),
            ("half a frame", b"\x81\x05hel"),
            ("half a message", b"\x01\x05hello"),
            ("a close frame", b"\x88\x00"),
            ("a close frame inside the message", b"\x01\x05hello\x88\x02\x03\xE8"),
            ("invalid UTF-8", b"\x81\x01\xFF"),
            ("a reserved opcode", b"\x83\x00"),
            ("too much", b"\x82\x0Bhello world"),
            ("more than the message", b"\x82\x01a\x82\x01b"),
        ];
        for assembly in Assembly::ALL {
            for (name, frames) in cases {
                assert!(receive(frames, assembly).is_err(), "{name}, {}", assembly.name());
            }
        }
    }

    #[test]
    fn a_server_that_does_not_upgrade_is_an_error() {
        let cases: [&[u8]; 3] = [b"", b"HTTP/1.1 101 Switch", b"HTTP/1.1 404 Not Found\r\n\r\n"];
        for answer in cases {
            let address = serve_once(answer);
            let client = Client::connect(address, "/text", Assembly::Segmented, 10, &Pool::new());
            assert!(client.is_err(), "{}", answer.escape_ascii());
        }
    }
}
