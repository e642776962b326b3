//! Many connections that live and end in every way, against one server's pool.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};
use std::{collections::VecDeque, sync::Arc};

use seg_pool::{Pool, Stats};
use tokio::{io::AsyncWriteExt as _, task::yield_now};
use ws_assemble::{
    CloseCode, CloseFrame, Connection, ConnectionError, ControlPayload, DecodeErrorKind, Limits,
    Message, MessageKind, ReadInto,
};

use super::{random::Random, rough::Rough};

/// The longest message of a client that keeps to the limits.
const MESSAGE_BYTES_MAX: usize = 40_000;

/// Bytes that lie between the two ends of a connection.
const WIRE_BYTES: usize = 2_000;

/// Echoes that a client has not read yet.
const OUTSTANDING_MAX: usize = 3;

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How many live at a time.
    pub(crate) connections: u64,
    /// How often each is opened, one time after another.
    pub(crate) lives: usize,
    /// Steps of each client, if it does not end before.
    pub(crate) steps: usize,
    /// The limit of the server's pool.
    pub(crate) pool_bytes_max: usize,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Messages that came back to a client as they were sent.
    pub(crate) echoed: AtomicU64,
    pub(crate) closed: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) half_closed: AtomicU64,
    /// Clients whose breach of the rules the server refused.
    pub(crate) refused: AtomicU64,
    /// Connections that the server ended because its pool was used up.
    pub(crate) starved: AtomicU64,
}

impl Tally {
    fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs all connections to their ends; returns what happened and the pool as it is then.
pub(crate) async fn run(plan: Plan) -> (Arc<Tally>, Stats) {
    let tally = Arc::new(Tally::default());
    let pool = Pool::builder().bytes_max(plan.pool_bytes_max).build();
    let tasks: Vec<_> = (0..plan.connections)
        .map(|index| {
            let random = Random::new(plan.seed ^ index << 20);
            tokio::spawn(live(plan, pool.clone(), random, Arc::clone(&tally)))
        })
        .collect();
    for task in tasks {
        task.await.expect("no end of a connection panics");
    }
    let stats = pool.stats();
    (tally, stats)
}

/// Opens a connection again when it has ended.
async fn live(plan: Plan, pool: Pool, mut random: Random, tally: Arc<Tally>) {
    for _ in 0..plan.lives {
        let (near, far) = tokio::io::duplex(WIRE_BYTES);
        let near = Rough::new(near, Random::new(random.next()));
        let far = Rough::new(far, Random::new(random.next()));
        let (for_server, for_client) = (Random::new(random.next()), Random::new(random.next()));
        let server = tokio::spawn(serve(far, pool.clone(), for_server, Arc::clone(&tally)));
        Client::new(near, for_client, Arc::clone(&tally)).run(plan.steps).await;
        server.await.expect("no end of a connection panics");
    }
}

/// Echoes until the connection ends, in one way of reading or another, and checks its limits.
async fn serve(stream: Rough, pool: Pool, mut random: Random, tally: Arc<Tally>) {
    let limits = Limits::default().with_message_bytes_max(MESSAGE_BYTES_MAX as u64);
    let mut connection = Connection::server(stream, &pool).with_limits(limits);
    let mut buffer = vec![0; 1_000];
    loop {
        let read = match random.below(3) {
            0 => read_into(&mut connection, &mut buffer, &mut random).await,
            _ => {
                // Dropped in the middle and begun again.
                let dropped = polls(connection.next(), random.below(4)).await;
                match dropped {
                    Some(read) => read,
                    None => connection.next().await,
                }
            }
        };
        let stats = pool.stats();
        assert!(stats.held_bytes_peak() <= stats.bytes_max(), "{stats:?}");
        let sent = match read {
            Ok(Some(message)) => connection.send(&message).await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let waits = connection.unsent_bytes();
        assert!(waits <= (64 << 10) + MESSAGE_BYTES_MAX as u64 + 200, "{waits} bytes wait");
        match sent {
            Ok(()) => {}
            Err(ConnectionError::OutOfMemory(_)) => return Tally::count(&tally.starved),
            Err(ConnectionError::Decode(error)) => {
                return match error.kind() {
                    DecodeErrorKind::OutOfMemory(_) => Tally::count(&tally.starved),
                    // A client that went away, or that broke the rules on purpose.
                    DecodeErrorKind::Truncated
                    | DecodeErrorKind::ReservedOpcode
                    | DecodeErrorKind::MessageTooLong
                    | DecodeErrorKind::Utf8Invalid => drop(connection.flush().await),
                    kind => panic!("the client did not do this: {kind:?}"),
                };
            }
            // The client went away while something was sent to it.
            Err(ConnectionError::Io(_) | ConnectionError::Closed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads into a buffer that is mostly too small at first.
async fn read_into(
    connection: &mut Connection<Rough>,
    buffer: &mut Vec<u8>,
    random: &mut Random,
) -> Result<Option<Message>, ConnectionError> {
    loop {
        let dropped = polls(connection.read_message_into(buffer), random.below(4)).await;
        let read = match dropped {
            Some(read) => read?,
            None => connection.read_message_into(buffer).await?,
        };
        match read {
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

/// Polls a future so many times and drops it.
async fn polls<T>(future: impl Future<Output = T>, count: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..count {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

struct Client {
    connection: Connection<Rough>,
    random: Random,
    /// What is to come back.
    expected: VecDeque<Message>,
    tally: Arc<Tally>,
}

/// How a client goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Stay,
    Leave,
}

impl Client {
    fn new(stream: Rough, random: Random, tally: Arc<Tally>) -> Self {
        let connection = Connection::client(stream, Pool::global());
        Self { connection, random, expected: VecDeque::new(), tally }
    }

    async fn run(mut self, steps: usize) {
        for _ in 0..steps {
            match self.step().await {
                Ok(Next::Stay) => {}
                Ok(Next::Leave) => return,
                Err(error) => return self.check_end(&error),
            }
        }
        let close = CloseFrame::new(CloseCode::NORMAL, "done");
        match self.connection.close(&close).await {
            Ok(()) => Tally::count(&self.tally.closed),
            Err(error) => self.check_end(&error),
        }
    }

    /// A server ends a connection only when its pool is used up: it drops the stream then.
    fn check_end(&self, error: &ConnectionError) {
        let is_gone = match error {
            ConnectionError::Io(_) => true,
            ConnectionError::Decode(error) => error.kind() == DecodeErrorKind::Truncated,
            _ => false,
        };
        assert!(is_gone, "{error}");
    }

    async fn step(&mut self) -> Result<Next, ConnectionError> {
        match self.random.below(200) {
            0 => return Ok(self.leave()),
            1 => return self.half_close().await,
            2 => return self.break_a_rule().await,
            3..=20 => self.stall().await,
            21..=40 => {
                let payload = ControlPayload::new(b"there?").unwrap_or(ControlPayload::EMPTY);
                polls(self.connection.ping(&payload), 2).await.transpose()?;
            }
            41..=60 => self.send_in_parts().await?,
            61..=130 if self.expected.len() < OUTSTANDING_MAX => self.send().await?,
            _ if !self.expected.is_empty() => self.read().await?,
            _ => self.send().await?,
        }
        Ok(Next::Stay)
    }

    fn message(&mut self) -> Message {
        // Mostly short, sometimes long.
        let end = [40, 300, 3_000, MESSAGE_BYTES_MAX / 3][self.random.below(4)];
        let len = self.random.below(end);
        if self.random.one_in(2) {
            return Message::text("a\u{e9}\u{20ac}\u{1f600}".repeat(len / 10));
        }
        let start = self.random.below(251);
        Message::binary((0..=250).cycle().skip(start).take(len).collect::<Vec<u8>>())
    }

    /// Queues a message: what is queued goes out while something is read.
    async fn send(&mut self) -> Result<(), ConnectionError> {
        let message = self.message();
        self.connection.queue(&message).await?;
        self.expected.push_back(message);
        Ok(())
    }

    async fn send_in_parts(&mut self) -> Result<(), ConnectionError> {
        if self.expected.len() >= OUTSTANDING_MAX {
            return self.read().await;
        }
        while self.expected.front().is_some() {
            // So that both ends do not wait for each other to read.
            self.read().await?;
        }
        let message = self.message();
        let fragment_bytes = 1 + self.random.next() % 2_000;
        let mut writer = self.connection.start(message.kind(), fragment_bytes)?;
        for part in message.data().chunks(1 + self.random.below(700)) {
            writer.write(part).await?;
        }
        writer.finish().await?;
        self.expected.push_back(message);
        Ok(())
    }

    async fn read(&mut self) -> Result<(), ConnectionError> {
        let dropped = polls(self.connection.next(), self.random.below(5)).await;
        let read = match dropped {
            Some(read) => read?,
            None => self.connection.next().await?,
        };
        // A server that is out of memory may end the connection with a close frame.
        let Some(message) = read else {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        };
        assert_eq!(Some(message), self.expected.pop_front(), "an echo differs");
        Tally::count(&self.tally.echoed);
        Ok(())
    }

    /// Reads and writes nothing for a while.
    async fn stall(&mut self) {
        for _ in 0..self.random.below(50) {
            yield_now().await;
        }
    }

    /// Goes away, perhaps within a frame.
    fn leave(&self) -> Next {
        Tally::count(&self.tally.dropped);
        Next::Leave
    }

    /// Ends its half of the stream without a close frame, and reads what comes.
    async fn half_close(&mut self) -> Result<Next, ConnectionError> {
        self.connection.get_mut().shutdown().await?;
        Tally::count(&self.tally.half_closed);
        loop {
            match self.connection.next().await {
                Ok(Some(message)) => {
                    // What was queued was not sent: less may come back, and nothing else.
                    assert_eq!(Some(message), self.expected.pop_front(), "an echo differs");
                }
                Ok(None) | Err(_) => return Ok(Next::Leave),
            }
        }
    }

    /// Sends what the server has to refuse.
    async fn break_a_rule(&mut self) -> Result<Next, ConnectionError> {
        while !self.expected.is_empty() {
            self.read().await?;
        }
        self.connection.flush().await?;
        let bytes: &[u8] = match self.random.below(3) {
            // A reserved opcode, a message that is too long, a text that is none.
            0 => b"\x83\x80abcd",
            1 => b"\x82\xfe\xff\xffabcd",
            _ => b"\x81\x81\x00\x00\x00\x00\xff",
        };
        self.connection.get_mut().write_all(bytes).await?;
        // The server's close frame says why; then it is gone.
        let read = self.connection.next().await?;
        assert_eq!(read, None, "the server takes it");
        Tally::count(&self.tally.refused);
        Ok(Next::Leave)
    }
}
