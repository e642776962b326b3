//! HTTP connections whose server sends every body back, and what clients do to them.

use std::io::{self, ErrorKind};

use anyhow::{Context as _, ensure};
use http_chunked::{
    Assembly, BodyLimits, ChunkedWriter, ContentCoding, Encode as _, Encoder, Framing, HeadWriter,
    Incoming, MessageError, MessageLimits, RequestReader, ResponseReader, Trailers,
};
use seg_flate::{Flush, Level};
use seg_seq::{SegmentedBuf, Sequence};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};

use super::{
    cancel::{cancelled, stall},
    hunger::{Hunger, MayLackMemory},
    random::Random,
    state::{BODY_BYTES_MAX, ClientState, Next, ServerState},
    tally::Happening,
    wire::Wire,
};
use crate::digest::Digest;

/// What a client that was refused may still send.
const DISCARD_BYTES_MAX: u64 = 256 << 10;

const CODINGS: [ContentCoding; 3] =
    [ContentCoding::Identity, ContentCoding::Gzip, ContentCoding::Deflate];

fn assembly(random: &mut Random) -> Assembly {
    if random.one_in(2) { Assembly::Segmented } else { Assembly::Contiguous }
}

/// Makes a call again until there is memory, unless the server leaves.
macro_rules! fed {
    ($sender:expr, $call:expr) => {
        loop {
            match $call {
                Ok(made) => break made,
                Err(error) => {
                    $sender
                        .hunger
                        .feed(error, &$sender.server_state.pool, &$sender.server_state.tally)
                        .await?;
                }
            }
        }
    };
}

/// Answers requests until the connection ends.
///
/// # Panics
///
/// Panics when a request is refused that a client did not break.
pub(super) async fn serve(wire: Wire, server_state: &ServerState, random: Random) {
    let mut answers = Answers { server_state, hunger: Hunger::TryAgain, random };
    match answers.serve(wire).await {
        Ok(()) => {}
        // A client that went away, or a server that did.
        Err(error) if error.lacks_memory() => {}
        Err(error) => match error.kind() {
            ErrorKind::UnexpectedEof
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::NotConnected => {}
            _ => panic!("the client did not do this: {error:?}"),
        },
    }
}

/// How one connection of a server answers.
struct Answers<'a> {
    server_state: &'a ServerState,
    hunger: Hunger,
    random: Random,
}

impl Answers<'_> {
    async fn serve(&mut self, wire: Wire) -> io::Result<()> {
        let (read, mut write) = split(wire);
        let limits = MessageLimits::new()
            .with_body(BodyLimits::new().with_body_bytes_max(BODY_BYTES_MAX as u64));
        let reader = RequestReader::new(&self.server_state.pool)
            .with_limits(limits)
            .with_contexts(&self.server_state.contexts)
            .with_assembly(assembly(&mut self.random));
        let mut requests = Incoming::new(read, reader, &self.server_state.pool);
        if self.random.one_in(2) {
            requests = requests.with_memory_wait(true);
        }
        loop {
            let (status, body) = match self.receive(&mut requests).await {
                Ok(Some(received)) => received,
                Ok(None) => return Ok(()),
                Err(error) => {
                    let Some(refused) =
                        error.get_ref().and_then(|e| e.downcast_ref::<MessageError>())
                    else {
                        return Err(error);
                    };
                    if error.kind() != ErrorKind::InvalidData {
                        return Err(error);
                    }
                    (refused.kind().status(), Sequence::new())
                }
            };
            let is_last = status != 200;
            let coding = CODINGS[self.random.below(CODINGS.len())];
            self.answer(&mut write, status, body, coding).await?;
            if is_last {
                // An answer would be lost by a reset if the socket went with bytes unread.
                write.shutdown().await?;
                let mut rest = requests.into_parts().0.take(DISCARD_BYTES_MAX);
                tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
                return Ok(());
            }
            requests.next_message(RequestReader::reset);
        }
    }

    /// Reads the next request; returns the status to answer with, and its body.
    async fn receive(
        &mut self,
        requests: &mut Incoming<ReadHalf<Wire>, RequestReader>,
    ) -> io::Result<Option<(u16, Sequence)>> {
        // The next request says what its client expects.
        self.hunger = Hunger::TryAgain;
        if !fed!(self, requests.read_head_async().await) {
            return Ok(None);
        }
        let target = requests.reader().head().map(|head| head.target().to_owned());
        let Some(hunger) = Hunger::from_target(&target.unwrap_or_default()) else {
            return Ok(Some((403, Sequence::new())));
        };
        self.hunger = hunger;
        let mut body = Sequence::new();
        loop {
            let tally = &self.server_state.tally;
            let data = fed!(self, cancelled!(requests.next_data(), self.random, tally));
            let Some(mut data) = data else { break };
            fed!(self, body.try_append(&mut data).map_err(io::Error::from));
            assert!(body.len() <= BODY_BYTES_MAX as u64, "a body of {} bytes", body.len());
        }
        Ok(Some((200, body)))
    }

    async fn answer(
        &mut self,
        write: &mut WriteHalf<Wire>,
        status: u16,
        body: Sequence,
        coding: ContentCoding,
    ) -> io::Result<()> {
        let (body, pool) = (self.encode(body, coding).await?, &self.server_state.pool);
        let framing = match self.random.below(2) {
            0 => Framing::Length(body.len()),
            _ => Framing::Chunked,
        };
        let head = fed!(self, {
            let made = HeadWriter::response(pool, status, b"as asked").and_then(|mut writer| {
                if coding != ContentCoding::Identity {
                    writer.field("Content-Encoding", coding.name().as_bytes())?;
                }
                if status != 200 {
                    writer.field("Connection", b"close")?;
                }
                writer.finish(Some(framing))
            });
            made.map_err(io::Error::from)
        });
        if framing != Framing::Chunked {
            self.write(write, head).await?;
            return self.write(write, body).await;
        }
        let parts: Vec<_> = body.chunks().cloned().collect();
        drop(body);
        if self.random.below(2) == 0 {
            let mut writer = ChunkedWriter::new(write, pool).with_head(head);
            for part in parts {
                let mut data = part.into();
                fed!(self, writer.write_chunk(&mut data).await);
            }
            fed!(self, writer.finish_async(&Trailers::new()).await);
            return Ok(());
        }
        self.write(write, head).await?;
        let mut encoder = Encoder::new(pool);
        for mut part in parts {
            fed!(self, encoder.push_segment(&mut part).map_err(io::Error::from));
            self.write(write, encoder.take()).await?;
        }
        fed!(self, encoder.finish(&Trailers::new()).map_err(io::Error::from));
        self.write(write, encoder.take()).await
    }

    async fn encode(&self, body: Sequence, coding: ContentCoding) -> io::Result<Sequence> {
        let Some(mut encoder) = coding.encoder(Level::FAST, &self.server_state.contexts) else {
            return Ok(body);
        };
        let mut output = SegmentedBuf::new(&self.server_state.pool);
        for chunk in body.chunks() {
            let mut input = &chunk[..];
            fed!(self, encoder.push(&mut input, Flush::None, &mut output).map_err(io::Error::from));
        }
        fed!(self, encoder.push(&mut &[][..], Flush::Finish, &mut output).map_err(io::Error::from));
        Ok(output.freeze())
    }

    /// Writes, in futures that are dropped and begun again.
    async fn write(&mut self, write: &mut WriteHalf<Wire>, mut bytes: Sequence) -> io::Result<()> {
        write_all(write, &mut bytes, &mut self.random, &self.server_state.tally).await
    }
}

async fn write_all(
    write: &mut WriteHalf<Wire>,
    bytes: &mut Sequence,
    random: &mut Random,
    tally: &super::Tally,
) -> io::Result<()> {
    cancelled!(write.write_all_buf(bytes), random, tally)?;
    write.flush().await
}

/// A client's connection.
struct Client<'a> {
    shared: &'a ClientState,
    random: Random,
    write: WriteHalf<Wire>,
    responses: Incoming<ReadHalf<Wire>, ResponseReader>,
}

/// One connection of a client: requests until it ends.
pub(super) async fn visit(
    shared: &ClientState,
    mut random: Random,
    steps: usize,
) -> anyhow::Result<()> {
    let Some(wire) = shared.connect(super::wire::Protocol::Http, &mut random).await? else {
        return Ok(());
    };
    let (read, write) = split(wire);
    let reader = ResponseReader::new(&shared.pool).with_assembly(assembly(&mut random));
    let responses = Incoming::new(read, reader, &shared.pool);
    let mut client = Client { shared, random, write, responses };
    for _ in 0..steps {
        let (hunger, target) = Hunger::ALL[client.random.below(Hunger::ALL.len())];
        match client.step(target).await {
            Ok(Next::Stay) => {}
            Ok(Next::Leave) => return Ok(()),
            Err(error) => {
                return shared.check_end(hunger == Hunger::Leave, client.check_error(error)?);
            }
        }
    }
    shared.tally.count(Happening::Closed);
    Ok(())
}

impl Client<'_> {
    /// Returns the error of a connection that ended, or fails with one that no end explains.
    fn check_error(&self, error: anyhow::Error) -> anyhow::Result<anyhow::Error> {
        let is_end = error.downcast_ref::<io::Error>().is_some_and(|error| {
            let kind = error.kind();
            kind != ErrorKind::InvalidData && kind != ErrorKind::OutOfMemory
        });
        if is_end { Ok(error) } else { Err(error) }
    }

    async fn step(&mut self, target: &str) -> anyhow::Result<Next> {
        match self.random.below(60) {
            0 => self.leave_within_a_request(target).await,
            1 => self.expect_refusal("/nowhere", 10, 403, Happening::Refused).await,
            2 => self.expect_refusal(target, BODY_BYTES_MAX + 1, 413, Happening::RuleBroken).await,
            3 => self.send_no_chunk(target).await,
            _ => self.exchange(target).await.map(|()| Next::Stay),
        }
    }

    /// Encodes a request with a body of some bytes.
    fn request(&mut self, target: &str, body: &[u8]) -> anyhow::Result<Sequence> {
        let coding = CODINGS[self.random.below(CODINGS.len())];
        let mut encoded = SegmentedBuf::new(&self.shared.pool);
        match coding.encoder(Level::FAST, &http_chunked::Contexts::default()) {
            Some(mut encoder) => {
                encoder.push(&mut &*body, Flush::Finish, &mut encoded)?;
                self.shared.tally.count(Happening::HttpCompressed);
            }
            None => {
                encoded.extend_from_slice(body);
                self.shared.tally.count(Happening::HttpPlain);
            }
        }
        let encoded = encoded.freeze();
        let is_chunked = self.random.one_in(2);
        let framing = if is_chunked { Framing::Chunked } else { Framing::Length(encoded.len()) };
        let mut writer = HeadWriter::request(&self.shared.pool, "POST", target)?;
        writer.field("Host", b"chaos")?;
        if coding != ContentCoding::Identity {
            writer.field("Content-Encoding", coding.name().as_bytes())?;
        }
        let mut wire = writer.finish(Some(framing))?;
        if is_chunked {
            let mut chunks = Encoder::new(&self.shared.pool);
            for chunk in encoded.chunks() {
                for part in chunk.chunks(1 + self.random.below(3_000)) {
                    chunks.push(&mut &*part)?;
                    chunks.flush();
                }
            }
            chunks.finish(&Trailers::new())?;
            wire.append(chunks.take());
        } else {
            wire.append(encoded);
        }
        Ok(wire)
    }

    /// Sends a request while its answer is read: neither waits for the other.
    async fn exchange(&mut self, target: &str) -> anyhow::Result<()> {
        let body = self.random.bytes(BODY_BYTES_MAX / 3);
        let wire = self.request(target, &body)?;
        let (status, received) = self.send_and_receive(wire).await?;
        ensure!(status == 200, "status {status} for a request that is right");
        let digest = Digest::of_chunks([&body[..]]);
        self.shared.check(received, digest, Happening::BodyBack, &mut self.random)
    }

    async fn send_and_receive(&mut self, mut wire: Sequence) -> anyhow::Result<(u16, Sequence)> {
        let tally = &*self.shared.tally;
        let mut of_sender = Random::new(self.random.next());
        let Self { write, responses, random, .. } = self;
        let sent = async {
            if of_sender.one_in(8) {
                let mut part = wire.split_to(wire.len() / 2);
                write_all(write, &mut part, &mut of_sender, tally).await?;
                stall(&mut of_sender, tally).await;
            }
            write_all(write, &mut wire, &mut of_sender, tally).await
        };
        let received = receive(responses, random, tally);
        let (sent, received) = tokio::join!(sent, received);
        // A server may refuse before it has read all.
        match received {
            Ok((200, body)) => sent.map(|()| (200, body)).map_err(Into::into),
            Ok(refused) => Ok(refused),
            Err(error) => Err(error),
        }
    }

    async fn expect_refusal(
        &mut self,
        target: &str,
        len: usize,
        status: u16,
        happening: Happening,
    ) -> anyhow::Result<Next> {
        let body: Vec<u8> = (0..len).map(|at| at.to_le_bytes()[0]).collect();
        let wire = self.request(target, &body)?;
        let (got, _) = self.send_and_receive(wire).await?;
        ensure!(got == status, "status {got} instead of {status}");
        self.shared.tally.count(happening);
        Ok(Next::Leave)
    }

    /// Sends a body whose chunk has no size.
    async fn send_no_chunk(&mut self, target: &str) -> anyhow::Result<Next> {
        let mut writer = HeadWriter::request(&self.shared.pool, "POST", target)?;
        let mut wire = writer.field("Host", b"chaos")?.finish(Some(Framing::Chunked))?;
        wire.push(seg_pool::Segment::from_static(b"size\r\nbody\r\n"));
        let (status, _) = self.send_and_receive(wire).await?;
        ensure!(status == 400, "status {status} for a chunk without a size");
        self.shared.tally.count(Happening::RuleBroken);
        Ok(Next::Leave)
    }

    async fn leave_within_a_request(&mut self, target: &str) -> anyhow::Result<Next> {
        let body = self.random.bytes(3_000);
        let mut wire = self.request(target, &body)?;
        let len = self.random.below(usize::try_from(wire.len())?);
        let mut part = wire.split_to(len as u64);
        write_all(&mut self.write, &mut part, &mut self.random, &self.shared.tally).await?;
        self.shared.tally.count(Happening::Dropped);
        Ok(Next::Leave)
    }
}

/// Reads a response, in futures that are dropped and begun again.
async fn receive(
    responses: &mut Incoming<ReadHalf<Wire>, ResponseReader>,
    random: &mut Random,
    tally: &super::Tally,
) -> anyhow::Result<(u16, Sequence)> {
    responses.next_message(|reader| reader.expect_answer_to(http_chunked::RequestMethod::Other));
    if !cancelled!(responses.read_head_async(), random, tally)? {
        return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
    }
    let status = responses.reader().head().context("no head")?.status();
    let mut body = Sequence::new();
    while let Some(data) = cancelled!(responses.next_data(), random, tally)? {
        body.append(data);
    }
    Ok((status, body))
}
