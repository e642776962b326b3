//! WebSocket connections whose server sends every message back, and what clients do to them.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind},
};

use anyhow::ensure;
use tokio::io::AsyncWriteExt as _;
use ws_assemble::{
    Assembly, ClientHandshake, CloseCode, CloseFrame, Connection, ConnectionError, ControlPayload,
    DecodeErrorKind, DeflateConfig, HandshakeErrorKind, Limits, Message, MessageKind, ReadInto,
    Refusal, accept_with, connect, random_nonce,
};

use super::{
    cancel::{cancelled, polls, stall},
    hunger::{Hunger, MayLackMemory},
    random::Random,
    state::{BODY_BYTES_MAX, ClientState, Next, ServerState},
    tally::Happening,
    wire::{Protocol, Wire},
};
use crate::digest::Digest;

/// Echoes that a client has not read yet.
const OUTSTANDING_MAX: usize = 3;

/// What a server reads of a client that it refused.
const DISCARD_BYTES_MAX: u64 = 256 << 10;

/// Echoes until the connection ends, in one way of reading or another.
///
/// # Panics
///
/// Panics when a limit does not hold, and when the connection ends in a way that no client ended it.
pub(super) async fn serve(wire: Wire, server_state: &ServerState, mut random: Random) {
    let mut hunger = Hunger::Leave;
    let opened = accept_with(wire, &server_state.pool, |request| {
        match Hunger::from_target(request.target()) {
            Some(chosen) => {
                hunger = chosen;
                Ok(request.accept().deflate(&DeflateConfig::default()))
            }
            None => Err(Refusal::new(403)?),
        }
    });
    let connection = match opened.await {
        Ok(connection) => connection,
        // A client that went away or asked for nothing that there is.
        Err(ConnectionError::Io(_)) => return,
        Err(ConnectionError::Handshake(error)) => {
            let kind = error.kind();
            let is_known =
                matches!(kind, HandshakeErrorKind::Refused(_) | HandshakeErrorKind::Truncated);
            assert!(is_known, "the client did not do this: {error:?}");
            return;
        }
        Err(error) => panic!("the client did not do this: {error:?}"),
    };
    let assembly = if random.one_in(2) { Assembly::Segmented } else { Assembly::Contiguous };
    let mut connection = connection
        .with_limits(Limits::default().with_message_bytes_max(BODY_BYTES_MAX as u64))
        .with_assembly(assembly)
        .with_memory_wait(hunger == Hunger::Wait);
    let Err(error) = echo(&mut connection, hunger, server_state, &mut random).await else { return };
    match error {
        // The server leaves.
        error if error.lacks_memory() => {}
        ConnectionError::Decode(error) => match error.kind() {
            DecodeErrorKind::Truncated => {}
            DecodeErrorKind::ReservedOpcode
            | DecodeErrorKind::MessageTooLong
            | DecodeErrorKind::Utf8Invalid => {
                // The client is to read why; it may be gone.
                let _ = connection.finish(DISCARD_BYTES_MAX).await;
            }
            kind => panic!("the client did not do this: {kind:?}"),
        },
        // The client went away while something was sent to it.
        ConnectionError::Io(_) | ConnectionError::Closed => {}
        error => panic!("the client did not do this: {error:?}"),
    }
}

async fn echo(
    connection: &mut Connection<Wire>,
    hunger: Hunger,
    server_state: &ServerState,
    random: &mut Random,
) -> Result<(), ConnectionError> {
    let (pool, tally) = (&server_state.pool, &*server_state.tally);
    let mut buffer = vec![0; 1_000];
    loop {
        let read = match random.below(3) {
            0 => read_into(connection, &mut buffer, random, tally).await,
            _ => cancelled!(connection.next(), random, tally),
        };
        let message = match read {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(()),
            Err(error) => {
                hunger.feed(error, pool, tally).await?;
                continue;
            }
        };
        while let Err(error) = connection.send(&message).await {
            hunger.feed(error, pool, tally).await?;
        }
        let waits = connection.unsent_bytes();
        assert!(waits <= (64 << 10) + BODY_BYTES_MAX as u64 + 200, "{waits} bytes wait");
    }
}

/// Reads into a buffer that is mostly too small at first.
async fn read_into(
    connection: &mut Connection<Wire>,
    buffer: &mut Vec<u8>,
    random: &mut Random,
    tally: &super::Tally,
) -> Result<Option<Message>, ConnectionError> {
    loop {
        match cancelled!(connection.read_message_into(buffer), random, tally)? {
            ReadInto::Message { kind: MessageKind::Text, len } => {
                let text = core::str::from_utf8(&buffer[..len]).expect("validated");
                return Ok(Some(Message::text(text)));
            }
            ReadInto::Message { len, .. } => {
                return Ok(Some(Message::binary(buffer[..len].to_vec())));
            }
            ReadInto::TooSmall { needed } => {
                buffer.resize(usize::try_from(needed).expect("within the limit"), 0);
            }
            ReadInto::Closed => return Ok(None),
        }
    }
}

/// A client's connection.
struct Client<'a> {
    shared: &'a ClientState,
    connection: Connection<Wire>,
    random: Random,
    /// What is to come back.
    expected: VecDeque<(MessageKind, Digest)>,
}

/// Opens one connection, and uses it until it ends.
pub(super) async fn visit(
    shared: &ClientState,
    mut random: Random,
    steps: usize,
) -> anyhow::Result<()> {
    let Some(wire) = shared.connect(Protocol::Ws, &mut random).await? else { return Ok(()) };
    let (hunger, target) = Hunger::ALL[random.below(Hunger::ALL.len())];
    let may_leave = hunger == Hunger::Leave;
    let is_refused = random.one_in(16);
    let target = if is_refused { "/nowhere" } else { target };
    let mut handshake = ClientHandshake::new("chaos", target, random_nonce())?;
    if random.one_in(2) {
        handshake = handshake.deflate(DeflateConfig::default());
    }
    let (connection, response) = match connect(wire, handshake, &shared.pool).await {
        Ok(connected) => connected,
        Err(ConnectionError::Handshake(error)) if is_refused && error.response().is_some() => {
            let status = error.response().map(|response| response.status());
            ensure!(status == Some(403), "{error}");
            shared.tally.count(Happening::Refused);
            return Ok(());
        }
        Err(error) => return shared.check_end(false, error.into()),
    };
    ensure!(!is_refused, "a server granted what there is not");
    shared.tally.count(match response.deflate() {
        Some(_) => Happening::WsCompressed,
        None => Happening::WsPlain,
    });
    let mut client = Client { shared, connection, random, expected: VecDeque::new() };
    match client.run(steps).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let is_end = match error.downcast_ref::<ConnectionError>() {
                Some(ConnectionError::Io(_) | ConnectionError::Closed) => true,
                Some(ConnectionError::Decode(error)) => error.kind() == DecodeErrorKind::Truncated,
                _ => false,
            };
            if is_end { shared.check_end(may_leave, error) } else { Err(error) }
        }
    }
}

impl Client<'_> {
    async fn run(&mut self, steps: usize) -> anyhow::Result<()> {
        for _ in 0..steps {
            if self.step().await? == Next::Leave {
                return Ok(());
            }
        }
        let close = CloseFrame::new(CloseCode::NORMAL, "done");
        self.connection.close(&close).await?;
        self.shared.tally.count(Happening::Closed);
        Ok(())
    }

    async fn step(&mut self) -> anyhow::Result<Next> {
        match self.random.below(200) {
            0 => {
                // Perhaps within a frame.
                self.shared.tally.count(Happening::Dropped);
                return Ok(Next::Leave);
            }
            1 => return self.half_close().await,
            2 => return self.break_a_rule().await,
            3..=20 => stall(&mut self.random, &self.shared.tally).await,
            21..=40 => {
                let payload = ControlPayload::new(b"there?").unwrap_or(ControlPayload::EMPTY);
                let ping = self.connection.ping(&payload);
                polls(ping, 2, &self.shared.tally).await.transpose()?;
            }
            41..=60 => self.send_in_parts().await?,
            61..=130 if self.expected.len() < OUTSTANDING_MAX => self.send().await?,
            _ if !self.expected.is_empty() => self.read().await?,
            _ => self.send().await?,
        }
        Ok(Next::Stay)
    }

    fn message(&mut self) -> Message {
        let bytes = self.random.bytes(BODY_BYTES_MAX / 3);
        if self.random.one_in(2) {
            return Message::text("a\u{e9}\u{20ac}\u{1f600}".repeat(bytes.len() / 10));
        }
        Message::binary(bytes)
    }

    fn expect(&mut self, message: &Message) {
        self.expected.push_back((message.kind(), Digest::of_chunks([message.data()])));
    }

    /// Queues a message: what is queued goes out while something is read.
    async fn send(&mut self) -> anyhow::Result<()> {
        let message = self.message();
        self.connection.queue(&message).await?;
        self.expect(&message);
        Ok(())
    }

    async fn send_in_parts(&mut self) -> anyhow::Result<()> {
        while !self.expected.is_empty() {
            // So that both ends do not wait for each other to read.
            self.read().await?;
        }
        let message = self.message();
        // Shorter fragments, each compressed on its own, would together exceed the server's limit.
        let fragment_bytes = 16 + self.random.next() % 2_000;
        let mut writer = self.connection.start(message.kind(), fragment_bytes)?;
        for part in message.data().chunks(1 + self.random.below(700)) {
            writer.write(part).await?;
        }
        writer.finish().await?;
        self.expect(&message);
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let read = cancelled!(self.connection.next(), self.random, &self.shared.tally)?;
        // A server that is out of memory may end the connection with a close frame.
        let Some(message) = read else {
            let end = io::Error::from(ErrorKind::UnexpectedEof);
            let why = self.connection.peer_close().cloned();
            let error = anyhow::Error::from(ConnectionError::from(end));
            return Err(error.context(format!("closed by the server: {why:?}")));
        };
        self.check(message)
    }

    fn check(&mut self, message: Message) -> anyhow::Result<()> {
        let expected = self.expected.pop_front();
        let Some((kind, digest)) = expected.filter(|(kind, _)| *kind == message.kind()) else {
            anyhow::bail!("a message came back that was not sent");
        };
        ensure!(kind == message.kind(), "another kind of message came back");
        self.shared.check(message.into_sequence(), digest, Happening::MessageBack, &mut self.random)
    }

    /// Ends its half of the stream without a close frame, and reads what comes.
    async fn half_close(&mut self) -> anyhow::Result<Next> {
        self.connection.get_mut().shutdown().await?;
        self.shared.tally.count(Happening::HalfClosed);
        // What was queued was not sent: less may come back, and nothing else.
        while let Ok(Some(message)) = self.connection.next().await {
            self.check(message)?;
        }
        Ok(Next::Leave)
    }

    /// Sends what the server has to refuse.
    async fn break_a_rule(&mut self) -> anyhow::Result<Next> {
        while !self.expected.is_empty() {
            self.read().await?;
        }
        self.connection.flush().await?;
        let (bytes, code): (&[u8], _) = match self.random.below(3) {
            // A reserved opcode, a message that is too long, a text that is none.
            0 => (b"\x83\x80abcd", CloseCode::PROTOCOL),
            1 => (b"\x82\xfe\xff\xffabcd", CloseCode::TOO_BIG),
            _ => (b"\x81\x81\x00\x00\x00\x00\xff", CloseCode::INVALID_PAYLOAD),
        };
        self.connection.get_mut().write_all(bytes).await.map_err(ConnectionError::from)?;
        // The server's close frame says why; then it is gone.
        let read = self.connection.next().await?;
        ensure!(read.is_none(), "the server takes what breaks a rule");
        let found = self.connection.peer_close().and_then(|close| close.code());
        // Or that it has no memory.
        let is_why = found.is_some_and(|found| [code, CloseCode::TRY_AGAIN_LATER].contains(&found));
        ensure!(is_why, "the server closes with {found:?}, not with {code:?}");
        self.shared.tally.count(Happening::RuleBroken);
        Ok(Next::Leave)
    }
}
