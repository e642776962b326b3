//! A connection without its stream.

mod controls;
mod counters;
mod filling;
mod heartbeat;
mod output;
mod payload;
mod read_length;
mod receive;

use core::time::Duration;
use std::{borrow::Cow, collections::VecDeque, io, sync::Arc, time::Instant};

use seg_pool::{OutOfMemory, Pool, SegmentMut};
use seg_seq::{Assembly, Sequence};

use self::{
    heartbeat::{Beat, Pulse},
    output::Output,
    read_length::ReadLength,
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParams;
use crate::{
    broadcast::Broadcast,
    close_frame::{CloseFrame, PeerClose},
    connection_error::ConnectionError,
    control::ControlPayload,
    decoder::Decoder,
    events,
    handshake::{Acceptance, UpgradeResponse},
    limits::Limits,
    message::{Message, MessageKind},
    opcode::Opcode,
    role::Role,
};

pub use counters::{Counters, Traffic};
pub(crate) use filling::{Filling, Found, Unit};
pub use heartbeat::Heartbeat;
pub use output::Outgoing;
pub(crate) use output::{Encoded, SmallFrame};
pub(crate) use payload::Payload;

/// One WebSocket connection after its handshake, without a stream, a clock or a runtime.
///
/// It is given what was received, and has messages and bytes to be written. It answers pings and
/// close frames, keeps what waits to be written, and knows how the connection ended. `Connection` and
/// [`blocking::Connection`](crate::blocking::Connection) move the bytes for it.
///
/// - **Order.** Messages that came before a close frame or an error are handed out first, and can be
///   answered: the close frame is answered, and the error reported, by the call of
///   [`next`](Self::next) that finds nothing else.
/// - **Out of memory** ([`ConnectionError::OutOfMemory`]) changes nothing: the same call goes on when
///   there is memory. Pongs and close frames need no memory of the pool.
/// - **Every other error of `next` is final**, and comes back from then on.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::Session;
///
/// # fn main() -> Result<(), ws_assemble::ConnectionError> {
/// let mut session = Session::server(&Pool::new());
/// // A client's masked "Hello" (RFC 6455 section 5.7) and a ping.
/// let received = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\0\0\0\0";
/// assert_eq!(session.feed(received), received.len());
/// let message = session.next()?.expect("a whole message");
/// session.send(&message)?;
/// assert!(session.next()?.is_none());
///
/// let mut written = Vec::new();
/// while session.wants().write {
///     let outgoing = session.outgoing();
///     let before = written.len();
///     outgoing.io_slices().for_each(|slice| written.extend_from_slice(&slice));
///     session.wrote(written.len() - before);
/// }
/// assert_eq!(written, b"\x8a\x00\x81\x05Hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Session {
    decoder: Decoder,
    /// Received and not decoded yet, or the spare capacity after the payload that was kept last.
    input: Option<SegmentMut>,
    output: Output,
    /// Messages that were read ahead, or did not fit where they should go.
    unread: Option<Box<Unread>>,
    /// What most connections do not have.
    rare: Option<Box<Rare>>,
    state: State,
    /// What ended the connection, unless the decoder has it.
    failure: Option<Failure>,
    /// Why nothing can be written any more.
    write_failure: Option<io::ErrorKind>,
    /// Whether the last write took nothing.
    is_blocked: bool,
    /// Whether the last call found no memory.
    is_starved: bool,
    keeps_pongs: bool,
    /// Whether the peer has ended the stream.
    has_ended: bool,
    /// Whether anything was received since the last beat.
    has_heard: bool,
    /// Whether the segment that was given to be read into is one that is held anyway.
    keeps_space: bool,
    read_length: ReadLength,
}

/// Messages that are read ahead at most.
const UNREAD_MESSAGES_MAX: usize = 1 << 10;

#[derive(Debug, Default)]
struct Unread {
    messages: VecDeque<Message>,
    /// Their payload.
    bytes: u64,
}

/// In a box of its own, so that idle connections are small.
#[derive(Debug, Default)]
struct Rare {
    /// Bytes that were fed as a slice, and how many of them are used up.
    fed: Vec<u8>,
    fed_used: usize,
    /// The newest pong that nobody has taken.
    pong: Option<ControlPayload>,
    peer_close: Option<PeerClose>,
    /// The subprotocol that the handshake agreed on.
    protocol: Option<Box<str>>,
    pulse: Option<Box<Pulse>>,
    /// Bytes that may still come until the peer's close frame, once this end has sent its own.
    closing_bytes: u64,
    /// Whether more came. Those are dropped.
    has_overrun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// This end has sent its close frame.
    CloseSent,
    /// Both have, or this end has given up; nothing is read or sent any more.
    Closed,
}

/// An error that is not the decoder's.
#[derive(Clone, Copy, Debug)]
enum Failure {
    CloseIgnored,
    PeerSilent,
    Io(io::ErrorKind),
}

impl Failure {
    fn error(self) -> ConnectionError {
        match self {
            Self::CloseIgnored => ConnectionError::CloseIgnored,
            Self::PeerSilent => ConnectionError::PeerSilent,
            Self::Io(kind) => ConnectionError::Io(kind.into()),
        }
    }
}

/// What a [`Session`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing else to wait for")]
pub struct Wants {
    /// Received bytes, or the end of them.
    pub read: bool,
    /// That what is [`outgoing`](Session::outgoing) is written.
    pub write: bool,
    /// Memory of the pool, which the last call did not get.
    pub memory: bool,
}

/// Framing of what a peer may send until its close frame, beside the message whose end is not here.
const CLOSING_FRAMING_BYTES: u64 = 64 << 10;

/// Bytes that [`Session::feed`] keeps at most.
const FED_BYTES_MAX: usize = 64 << 10;

impl Session {
    /// Creates the server's end, with default limits and segmented assembly. Takes no memory of the
    /// pool.
    #[must_use]
    pub fn server(pool: &Pool) -> Self {
        Self::new(Role::Server, pool)
    }

    /// Creates the client's end, as [`server`](Self::server).
    #[must_use]
    pub fn client(pool: &Pool) -> Self {
        Self::new(Role::Client, pool)
    }

    /// Creates the end of this role, as [`server`](Self::server).
    #[must_use]
    pub fn new(role: Role, pool: &Pool) -> Self {
        Self {
            decoder: Decoder::new(role),
            input: None,
            output: Output::new(role, pool),
            unread: None,
            rare: None,
            state: State::Open,
            failure: None,
            write_failure: None,
            is_blocked: false,
            is_starved: false,
            keeps_pongs: false,
            has_ended: false,
            has_heard: false,
            keeps_space: false,
            read_length: ReadLength::default(),
        }
    }

    /// Creates the server's end of a connection that was accepted, with what was agreed on. What came
    /// after the request goes to [`with_read_ahead`](Self::with_read_ahead).
    #[must_use]
    pub fn accepted(acceptance: &Acceptance, pool: &Pool) -> Self {
        let session = Self::server(pool).with_protocol(acceptance.protocol());
        #[cfg(feature = "deflate")]
        if let Some(agreed) = acceptance.agreed_deflate() {
            return session.with_deflate(agreed);
        }
        session
    }

    /// Creates the client's end of a connection that a server has opened, as
    /// [`accepted`](Self::accepted).
    #[must_use]
    pub fn connected(response: &UpgradeResponse, pool: &Pool) -> Self {
        let session = Self::client(pool).with_protocol(response.protocol());
        #[cfg(feature = "deflate")]
        if let Some(agreed) = response.deflate() {
            return session.with_deflate(agreed);
        }
        session
    }

    fn with_protocol(mut self, agreed: Option<&str>) -> Self {
        if let Some(protocol) = agreed {
            self.rare.get_or_insert_default().protocol = Some(protocol.into());
        }
        self
    }

    /// Returns the subprotocol that the handshake agreed on (RFC 6455 section 1.9); `None` without one,
    /// and when the session was not made of the [acceptance](Self::accepted) or the
    /// [response](Self::connected).
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.rare.as_ref()?.protocol.as_deref()
    }

    /// Takes what was received after the handshake's head, however long it is. Copies a slice, and
    /// takes a vector as it is.
    #[must_use]
    pub fn with_read_ahead(mut self, received: impl Into<Vec<u8>>) -> Self {
        let received = received.into();
        if !received.is_empty() {
            self.rare.get_or_insert_default().fed = received;
        }
        self
    }

    /// Sets the limits of what is received.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.set_limits(limits);
        self
    }

    /// Sets how many bytes may wait to be written before [`send`](Self::send) refuses more. 64 KiB by
    /// default. One message may exceed it.
    #[must_use]
    pub const fn with_output_bytes_max(mut self, bytes: u64) -> Self {
        self.output.bytes_max = bytes;
        self
    }

    /// Returns how many bytes may wait to be written.
    #[must_use]
    pub const fn output_bytes_max(&self) -> u64 {
        self.output.bytes_max
    }

    /// Sets how messages are put together, before anything is received.
    #[must_use]
    pub const fn with_assembly(mut self, assembly: Assembly) -> Self {
        self.decoder.set_assembly(assembly);
        self
    }

    /// Returns how messages are put together.
    #[must_use]
    pub const fn assembly(&self) -> Assembly {
        self.decoder.assembly()
    }

    /// Compresses what is sent and decompresses what is received, as the handshake agreed on. To be
    /// called before anything is.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_deflate(mut self, agreed: &DeflateParams) -> Self {
        self.decoder = self.decoder.with_deflate(agreed, self.output.pool());
        self.output.deflate(agreed, self.decoder.role());
        self
    }

    /// Changes the limits of what is received, from the next frame on: for a peer that has logged in,
    /// say.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.decoder.set_limits(limits);
    }

    /// Returns the limits.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.decoder.limits()
    }

    /// Returns which end this is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.decoder.role()
    }

    /// Returns the pool that segments are taken from.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        self.output.pool()
    }

    /// Returns what is to be done before [`next`](Self::next) has more: nothing when the connection
    /// has ended.
    #[must_use]
    pub fn wants(&self) -> Wants {
        let reads = !self.has_ended && !self.is_closed() && !self.has_overrun();
        let reads = reads && self.failure.is_none();
        Wants {
            read: reads && self.decoder.error().is_none() && !self.is_paused(),
            write: !self.output.is_empty(),
            memory: self.is_starved,
        }
    }

    /// Returns whether the connection has ended in order, or was given up.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns how the peer closed the connection: the code and the reason of its close frame (RFC
    /// 6455 sections 7.1.5 and 7.1.6).
    ///
    /// `None` as long as no close frame was read, and for good after an error: that is what is called
    /// 1006 elsewhere.
    #[must_use]
    pub fn peer_close(&self) -> Option<&PeerClose> {
        self.rare.as_ref()?.peer_close.as_ref()
    }

    /// Returns the number of bytes that are encoded and not written.
    #[must_use]
    pub fn unsent_bytes(&self) -> u64 {
        self.output.len()
    }

    /// Returns whether a segment is held for reading.
    #[must_use]
    pub const fn holds_input(&self) -> bool {
        self.input.is_some()
    }

    /// Keeps the newest pong for [`take_pong`](Self::take_pong). Pongs are dropped otherwise.
    pub const fn keep_pongs(&mut self) {
        self.keeps_pongs = true;
    }

    /// Returns whether the newest pong is kept.
    #[must_use]
    pub const fn keeps_pongs(&self) -> bool {
        self.keeps_pongs
    }

    /// Returns the newest pong that came since the last call. With pings that are sent by a clock of
    /// the user's, that is a heartbeat.
    pub fn take_pong(&mut self) -> Option<ControlPayload> {
        self.rare.as_mut()?.pong.take()
    }

    /// Pings the peer when it is silent, and takes it for dead when it stays so. It is
    /// [`beat`](Self::beat) that does either. Keeps 100 bytes.
    pub fn set_heartbeat(&mut self, heartbeat: Heartbeat, now: Instant) {
        self.has_heard = false;
        let pulse = Pulse::new(heartbeat, now);
        self.rare.get_or_insert_default().pulse = Some(Box::new(pulse));
    }

    /// Returns the heartbeat.
    #[must_use]
    pub fn heartbeat(&self) -> Option<Heartbeat> {
        Some(self.rare.as_ref()?.pulse.as_ref()?.heartbeat)
    }

    /// Returns how long the newest ping of the [heartbeat](Self::set_heartbeat) that was answered took,
    /// until the [`beat`](Self::beat) after its pong.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.rare.as_ref()?.pulse.as_ref()?.latency
    }

    /// Does what the [heartbeat](Self::set_heartbeat) asks for at the time `now`: sends a ping, which is
    /// [`outgoing`](Self::outgoing) then, or ends the connection. Returns when this is to be called
    /// again, if nothing is received before: call it after what was received is decoded as well. After this
    /// end's close frame no ping is sent; the peer is dead when nothing is received for the timeout. `None`
    /// without a heartbeat, and once the connection is closed.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::PeerSilent`] when the peer is taken for dead, which is final; otherwise what
    /// ended the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use core::time::Duration;
    /// use std::time::Instant;
    ///
    /// use seg_pool::Pool;
    /// use ws_assemble::{ConnectionError, Heartbeat, Session};
    ///
    /// # fn main() -> Result<(), ws_assemble::ConnectionError> {
    /// let (start, second) = (Instant::now(), Duration::from_secs(1));
    /// let mut session = Session::server(&Pool::new());
    /// session.set_heartbeat(Heartbeat::new(30 * second, 10 * second), start);
    /// assert_eq!(session.beat(start)?, Some(start + 30 * second));
    /// assert_eq!(session.beat(start + 30 * second)?, Some(start + 40 * second));
    /// assert!(session.wants().write, "a ping");
    /// let dead = session.beat(start + 40 * second);
    /// assert!(matches!(dead, Err(ConnectionError::PeerSilent)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn beat(&mut self, now: Instant) -> Result<Option<Instant>, ConnectionError> {
        self.ended()?;
        let has_heard = core::mem::take(&mut self.has_heard);
        if self.state == State::Closed || self.write_failure.is_some() {
            return Ok(None);
        }
        let Some(pulse) = self.rare.as_mut().and_then(|rare| rare.pulse.as_mut()) else {
            return Ok(None);
        };
        let beat = match self.state {
            State::Open => pulse.beat(has_heard, now),
            _ => pulse.wait_for_close(has_heard, now),
        };
        match beat {
            Beat::Wait(due) => Ok(due),
            Beat::Ping(payload, due) => {
                // Where earlier control frames wait, the peer does not even read: it is waited for.
                self.output.queue_control(Opcode::Ping, &payload);
                Ok(due)
            }
            Beat::Dead => {
                self.failure = Some(Failure::PeerSilent);
                self.decoder.drop_unfinished();
                self.ended().map(|()| None)
            }
        }
    }

    /// Encodes a message in one frame, to be written after what waits. An accepted message is
    /// [`outgoing`](Self::outgoing) from then on; one that is not has changed nothing.
    ///
    /// # Errors
    ///
    /// [`ConnectionError::Closed`] after a close frame was sent,
    /// [`ConnectionError::MessageUnfinished`] inside a message that is sent in parts,
    /// [`ConnectionError::OutputFull`] when more wait than
    /// [may](Self::output_bytes_max),
    /// [`ConnectionError::Io`] when writing has failed, and [`ConnectionError::OutOfMemory`].
    pub fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        self.check_sendable()?;
        if self.output.is_full() {
            return Err(ConnectionError::OutputFull);
        }
        self.queue(message.kind(), Payload::Shared(message.sequence()))
    }

    /// Sends a message that is encoded already, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_broadcast(&mut self, broadcast: &Broadcast) -> Result<(), ConnectionError> {
        self.check_sendable()?;
        if self.output.is_full() {
            return Err(ConnectionError::OutputFull);
        }
        // Nothing is written here: all of it is queued.
        self.encode_broadcast(broadcast, 0).map(|_| ())
    }

    /// Sends a ping of at most 125 bytes, before the messages that wait.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); [`ConnectionError::OutputFull`] when earlier control frames wait.
    pub fn ping(&mut self, payload: &ControlPayload) -> Result<(), ConnectionError> {
        self.check_open()?;
        match self.output.queue_control(Opcode::Ping, payload) {
            true => Ok(()),
            false => Err(ConnectionError::OutputFull),
        }
    }

    /// Sends a close frame, after the messages that wait; nothing is sent after it. Needs no memory
    /// of the pool. Does nothing when one was sent before.
    pub fn close(&mut self, close: &CloseFrame) {
        self.queue_close(close.payload());
    }

    fn queue_close(&mut self, body: &[u8]) {
        if self.state == State::Open {
            events::close_sent(self.role(), body);
            self.output.queue_control(Opcode::Close, body);
            self.state = State::CloseSent;
            // A peer may be in the middle of a message of the longest kind when it hears of the end.
            let bytes = self.limits().message_bytes_max().saturating_add(CLOSING_FRAMING_BYTES);
            self.rare.get_or_insert_default().closing_bytes = bytes;
            self.limit_input();
        }
    }

    /// Counts what is received and not decoded, as what comes later is: where the stream was cut
    /// changes nothing.
    fn limit_input(&mut self) {
        let len = self.input.as_ref().map_or(0, |input| input.len());
        let len = self.allowed(len);
        if let Some(input) = &mut self.input {
            input.truncate(len);
        }
        let len = self.rare.as_ref().map_or(0, |rare| rare.fed.len() - rare.fed_used);
        let len = self.allowed(len);
        if let Some(rare) = &mut self.rare {
            rare.fed.truncate(rare.fed_used + len);
        }
    }

    /// Returns how many of so many bytes that came are to be decoded: all before a close frame was
    /// sent, and as many as may come after that.
    fn allowed(&mut self, count: usize) -> usize {
        if self.state != State::CloseSent {
            return count;
        }
        let rare = self.rare.get_or_insert_default();
        let allowed = usize::try_from(rare.closing_bytes).map_or(count, |left| left.min(count));
        rare.closing_bytes -= allowed as u64;
        rare.has_overrun |= allowed < count;
        allowed
    }

    /// Returns what is to be written next. Tell [`wrote`](Self::wrote) how much was.
    pub fn outgoing(&mut self) -> Outgoing {
        self.output.outgoing()
    }

    /// Drops the first `count` bytes of what was [`outgoing`](Self::outgoing), which are written. 0
    /// when nothing could be: of the pings that come from then on the newest is answered.
    ///
    /// # Panics
    ///
    /// Panics when that was less.
    pub fn wrote(&mut self, count: usize) {
        self.is_blocked = count == 0 && !self.output.is_empty();
        self.output.advance(count);
    }

    /// Notes that nothing can be written any more, and drops what was to be. What was received is
    /// still handed out, and a close frame that is in it.
    pub fn fail_write(&mut self, kind: io::ErrorKind) {
        self.write_failure = Some(kind);
        self.output.clear();
    }

    /// Notes that nothing can be read any more, as the stream failed. What was received is still
    /// handed out.
    pub fn fail_read(&mut self, kind: io::ErrorKind) {
        if self.failure.is_none() {
            events::stream_failed(self.role(), kind);
            self.failure = Some(Failure::Io(kind));
        }
        if !self.has_input() {
            self.input = None;
            self.decoder.end_unfinished();
        }
    }

    /// Ends the connection on this side: nothing is received or sent from now on, but what is
    /// encoded. What was received and not taken is dropped.
    pub fn abandon(&mut self) {
        self.state = State::Closed;
        self.drop_input();
    }

    /// Drops what was received and not taken, and messages whose end is not here.
    pub(crate) fn drop_input(&mut self) {
        (self.input, self.unread) = (None, None);
        self.drop_fed();
        self.decoder.drop_unfinished();
    }

    /// Takes the first message that was read before it was asked for.
    fn take_unread(&mut self) -> Option<Message> {
        let unread = self.unread.as_mut()?;
        let message = unread.messages.pop_front();
        unread.bytes -= message.as_ref().map_or(0, Message::len);
        if unread.messages.is_empty() {
            self.unread = None;
        }
        message
    }

    /// Keeps a message that was taken too early.
    fn put_unread(&mut self, message: Message) {
        let unread = self.unread.get_or_insert_default();
        unread.bytes += message.len();
        unread.messages.push_front(message);
    }

    /// Returns whether a message waits that did not fit where it should go, or was read ahead.
    #[inline]
    pub(crate) const fn holds_message(&self) -> bool {
        self.unread.is_some()
    }

    /// Decodes what was received, to be handed out later; returns whether more may be: not after an
    /// end, nor when that would be more than one message of the longest kind.
    pub(crate) fn read_ahead(&mut self) -> bool {
        let bytes_max = self.limits().message_bytes_max();
        loop {
            let is_full = self.unread.as_ref().is_some_and(|unread| {
                unread.bytes >= bytes_max || unread.messages.len() >= UNREAD_MESSAGES_MAX
            });
            if is_full {
                return false;
            }
            match self.decoded_anew() {
                Ok(Some(message)) => {
                    let unread = self.unread.get_or_insert_default();
                    unread.bytes += message.len();
                    unread.messages.push_back(message);
                }
                Ok(None) => return self.wants().read,
                Err(_) => return false,
            }
        }
    }

    /// Takes a segment that somebody waited for.
    pub(crate) fn give(&mut self, segment: SegmentMut) {
        self.is_starved = false;
        match self.input {
            None => self.input = Some(segment),
            #[cfg(feature = "deflate")]
            Some(_) => self.decoder.give(segment),
            #[cfg(not(feature = "deflate"))]
            Some(_) => drop(segment),
        }
    }

    #[inline]
    pub(crate) fn check_open(&self) -> Result<(), ConnectionError> {
        match self.write_failure {
            Some(kind) => Err(ConnectionError::Io(kind.into())),
            None if self.state == State::Open => Ok(()),
            None => Err(ConnectionError::Closed),
        }
    }

    #[inline]
    pub(crate) fn check_sendable(&self) -> Result<(), ConnectionError> {
        self.check_open()?;
        if self.output.is_inside_message() {
            return Err(ConnectionError::MessageUnfinished);
        }
        Ok(())
    }

    /// Returns whether so much waits that nothing more is to be encoded.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.output.is_full()
    }

    #[inline]
    pub(crate) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    #[inline]
    pub(crate) const fn write_failure(&self) -> Option<io::ErrorKind> {
        self.write_failure
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn queue_fragment(
        &mut self,
        kind: MessageKind,
        payload: &Sequence,
        is_last: bool,
    ) -> Result<(), ConnectionError> {
        self.check_open()?;
        self.starving(|session| session.output.queue_fragment(kind, payload, is_last))
    }

    /// Encodes a message that is to be written at once; `None` when it is to be
    /// [queued](Self::queue).
    #[inline]
    pub(crate) fn encode(
        &mut self,
        kind: MessageKind,
        payload: Payload<'_>,
        is_vectored: bool,
        small: &mut SmallFrame,
    ) -> Option<Encoded> {
        self.output.encode(kind, payload, is_vectored, small)
    }

    /// Encodes a message after what waits.
    pub(crate) fn queue(
        &mut self,
        kind: MessageKind,
        payload: Payload<'_>,
    ) -> Result<(), ConnectionError> {
        self.starving(|session| session.output.queue(kind, payload))
    }

    /// Takes a message that is encoded already. Returns its frame when it is to be written at once, which
    /// needs a stream that takes so many slices; queues it otherwise.
    pub(crate) fn encode_broadcast<'b>(
        &mut self,
        broadcast: &'b Broadcast,
        slices_max: usize,
    ) -> Result<Option<Cow<'b, Arc<Sequence>>>, ConnectionError> {
        self.starving(|session| session.output.encode_broadcast(broadcast, slices_max))
    }

    pub(crate) fn keep(&mut self, header: &[u8], rest: Payload<'_>, sent: usize) {
        self.output.keep(header, rest, sent);
    }

    /// Notes whether there was memory.
    #[inline]
    fn starving<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> Result<T, OutOfMemory>,
    ) -> Result<T, ConnectionError> {
        let done = call(self);
        self.is_starved = done.is_err();
        Ok(done?)
    }

    /// Returns whether bytes that were fed are not used up.
    pub(crate) fn has_fed(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.fed.is_empty())
    }

    fn drop_fed(&mut self) {
        if let Some(rare) = &mut self.rare {
            (rare.fed, rare.fed_used) = (Vec::new(), 0);
        }
    }

    /// Takes what was fed as far as it fits into `buffer`; returns how much that is.
    fn take_fed(&mut self, buffer: &mut [u8]) -> usize {
        let Some(rare) = &mut self.rare else { return 0 };
        let left = &rare.fed[rare.fed_used..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        rare.fed_used += count;
        if rare.fed_used == rare.fed.len() {
            self.drop_fed();
        }
        count
    }
}
