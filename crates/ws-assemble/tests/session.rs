//! A session against a plain model: what is received is cut at random, what is written is taken as
//! it comes, and the pool is empty now and then.

use proptest::{collection::vec, prelude::*};
use seg_pool::{Pool, SLAB_BYTES, SegmentMut, SegmentSize};
use seg_seq::SegmentedBuf;
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, ConnectionError, Decoder, Event, Message, Opcode, Role,
    Session, encode_frame, encode_message,
};

const CASES: u32 = if cfg!(miri) { 4 } else { 256 };

/// What the peer sends.
#[derive(Clone, Debug)]
enum Sent {
    Message(Vec<u8>, u64),
    Ping(Vec<u8>),
}

/// What is done next.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// So many bytes come, as a slice or into a segment.
    Feed(usize),
    Receive(usize),
    /// So many bytes can be written.
    Write(usize),
    /// Nothing can.
    Block,
    Starve(bool),
}

fn sent() -> impl Strategy<Value = Sent> {
    prop_oneof![
        3 => (vec(any::<u8>(), 0..3_000), 0..900_u64).prop_map(|(bytes, cut)| Sent::Message(bytes, cut)),
        2 => vec(any::<u8>(), 0..=125).prop_map(Sent::Ping),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..600_usize).prop_map(Step::Feed),
        4 => (1..600_usize).prop_map(Step::Receive),
        4 => (1..900_usize).prop_map(Step::Write),
        1 => Just(Step::Block),
        1 => any::<bool>().prop_map(Step::Starve),
    ]
}

/// The session, its peer's bytes on the way, and what became of them.
struct Run {
    session: Session,
    pool: Pool,
    received: Vec<u8>,
    at: usize,
    written: Vec<u8>,
    messages: Vec<Message>,
    /// A message that is to be sent back when there is memory and space for it.
    unsent: Option<Message>,
    taken: Vec<SegmentMut>,
}

impl Run {
    fn step(&mut self, step: Step) {
        match step {
            Step::Feed(count) => {
                let count = count.min(self.received.len() - self.at);
                let fed = self.session.feed(&self.received[self.at..self.at + count]);
                assert_eq!(fed, count, "little is fed at a time");
                self.at += count;
            }
            Step::Receive(count) => {
                if let Ok(mut space) = self.session.space() {
                    let spare = space.spare_initialized_mut();
                    let count = count.min(self.received.len() - self.at).min(spare.len());
                    spare[..count].copy_from_slice(&self.received[self.at..self.at + count]);
                    self.session.received(space, count);
                    self.at += count;
                }
            }
            Step::Write(count) => {
                let outgoing = self.session.outgoing();
                let start = self.written.len();
                outgoing.io_slices().for_each(|slice| self.written.extend_from_slice(&slice));
                self.written.truncate(start + count);
                self.session.wrote(self.written.len() - start);
            }
            Step::Block => {
                let _ = self.session.outgoing();
                self.session.wrote(0);
            }
            Step::Starve(is_empty) => {
                self.taken.clear();
                if is_empty {
                    let take = || self.pool.try_take_size(self.pool.segment_size()).ok();
                    self.taken = core::iter::from_fn(take).collect();
                }
            }
        }
        self.answer();
    }

    /// Sends back what there is, as far as that goes.
    fn answer(&mut self) {
        loop {
            if let Some(message) = self.unsent.take() {
                match self.session.send(&message) {
                    Ok(()) => self.messages.push(message),
                    Err(ConnectionError::OutputFull | ConnectionError::OutOfMemory(_)) => {
                        self.unsent = Some(message);
                        return;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            match self.session.next() {
                Ok(Some(message)) => self.unsent = Some(message),
                Ok(None) => return,
                Err(ConnectionError::OutOfMemory(_)) => {
                    assert!(self.session.wants().memory);
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn is_done(&self) -> bool {
        self.at == self.received.len() && self.session.is_closed() && !self.session.wants().write
    }
}

fn wire(sent: &[Sent], role: Role) -> Vec<u8> {
    let mut output = SegmentedBuf::new(Pool::global());
    let key = (role == Role::Server).then_some([1, 2, 3, 4]);
    for sent in sent {
        match sent {
            Sent::Message(bytes, fragment_bytes) => {
                let message = Message::binary(bytes.clone());
                encode_message(&message, *fragment_bytes, || key, &mut output).expect("memory");
            }
            Sent::Ping(payload) => {
                let payload = Message::binary(payload.clone()).into_sequence();
                encode_frame(true, Opcode::Ping, key, &payload, &mut output).expect("memory");
            }
        }
    }
    let close = CloseFrame::new(CloseCode::NORMAL, "bye");
    let body = Message::binary(close.payload().to_vec()).into_sequence();
    encode_frame(true, Opcode::Close, key, &body, &mut output).expect("memory");
    output.freeze().to_vec()
}

/// What the peer makes of what was written.
fn events(written: &[u8], role: Role) -> Vec<Event> {
    let peer = if role == Role::Server { Role::Client } else { Role::Server };
    let mut decoder = Decoder::new(peer).with_assembly(Assembly::Contiguous);
    let mut events = Vec::new();
    for piece in written.chunks(16_384) {
        let mut input = Pool::global().try_take(piece.len()).expect("no limit");
        input.extend_from_slice(piece);
        while let Some(event) = decoder.decode(&mut input).expect("valid frames") {
            events.push(event);
        }
    }
    assert!(decoder.is_between_messages());
    events
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_session_answers_everything_in_order_however_it_is_driven(
        sent in vec(sent(), 0..12),
        steps in vec(step(), 0..120),
        is_server: bool,
        is_segmented: bool,
    ) {
        let role = if is_server { Role::Server } else { Role::Client };
        let assembly = if is_segmented { Assembly::Segmented } else { Assembly::Contiguous };
        let pool = Pool::builder().segment_size(SegmentSize::K1).bytes_max(16 * SLAB_BYTES).build();
        let mut run = Run {
            session: Session::new(role, &pool).with_assembly(assembly),
            pool: pool.clone(),
            received: wire(&sent, role),
            at: 0,
            written: Vec::new(),
            messages: Vec::new(),
            unsent: None,
            taken: Vec::new(),
        };
        let is_plain = !steps.iter().any(|step| matches!(step, Step::Block));
        for step in steps {
            run.step(step);
        }
        // What is left comes and goes without anything in the way.
        run.step(Step::Starve(false));
        for _ in 0..10_000 {
            if run.is_done() {
                break;
            }
            run.step(Step::Write(usize::MAX / 2));
            run.step(Step::Receive(10_000));
        }
        prop_assert!(run.is_done());
        let expected: Vec<_> = sent
            .iter()
            .filter_map(|sent| match sent {
                Sent::Message(bytes, _) => Some(Message::binary(bytes.clone())),
                Sent::Ping(_) => None,
            })
            .collect();
        prop_assert_eq!(&run.messages, &expected);

        let mut events = events(&run.written, role);
        let close = Event::Close(Some(CloseFrame::new(CloseCode::NORMAL, "")));
        prop_assert_eq!(events.pop(), Some(close), "the close frame is the last one");
        let mut echoed = Vec::new();
        let mut pongs = Vec::new();
        for event in events {
            match event {
                Event::Message(message) => echoed.push(message),
                Event::Pong(payload) => pongs.push(payload.to_vec()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(&echoed, &expected, "in order, nothing twice");
        let pings: Vec<_> = sent
            .iter()
            .filter_map(|sent| match sent {
                Sent::Ping(payload) => Some(payload.clone()),
                Sent::Message(..) => None,
            })
            .collect();
        if is_plain {
            // Nothing kept them from being written: each is answered.
            prop_assert_eq!(&pongs, &pings);
        }
        let mut rest = pings.iter();
        for pong in &pongs {
            prop_assert!(rest.any(|ping| ping == pong), "an answer to nothing, or out of order");
        }
        drop(run);
        prop_assert_eq!(pool.stats().in_use_bytes(), 0);
    }
}

#[test]
fn feeding_takes_no_more_than_its_limit_until_that_is_used() {
    const LIMIT: usize = 64 << 10;
    let pool = Pool::new();
    let mut session = Session::client(&pool);
    let wire = [&b"\x82\x7f\0\0\0\0\0\x02\0\0"[..], &vec![7; 2 * LIMIT]].concat();
    let (mut rest, mut turns) = (&wire[..], 0);
    let message = loop {
        let count = session.feed(rest);
        assert!(count <= LIMIT);
        assert_eq!(session.feed(&rest[count..]), 0, "the limit is reached, or all is fed");
        rest = &rest[count..];
        turns += 1;
        if let Some(message) = session.next().expect("valid") {
            break message;
        }
    };
    assert_eq!((message.len(), turns, rest.len()), (2 * LIMIT as u64, 3, 0));
}

#[test]
fn what_may_follow_a_close_frame_is_counted_alike_in_every_cut() {
    /// Around the limit the stream is cut at each byte.
    const NEAR: usize = if cfg!(miri) { 2 } else { 150 };
    const LIMIT: usize = (64 << 10) + 100;
    let masked = |first: u8, payload: &[u8]| {
        let len = u8::try_from(payload.len()).expect("short");
        [&[first, 0x80 | len, 0, 0, 0, 0], payload].concat()
    };
    let (message, close) = (masked(0x82, &[7; 100]), masked(0x88, &1000_u16.to_be_bytes()));
    for after in [0, 1, 2, 9, 107] {
        // The last byte of the close frame is so many bytes after the limit.
        let before = LIMIT + after - close.len();
        let mut wire = message.repeat(before / message.len() - 1);
        // Pongs fill it up.
        while wire.len() < before {
            let missing = before - wire.len();
            let len = if missing > 131 { 100 } else { missing };
            wire.extend(masked(0x8a, &[7; 125][..len - 6]));
        }
        wire.extend_from_slice(&close);
        wire.extend_from_slice(&message);
        let chunks =
            [1, 7, 106, 1_000, 16 << 10].map(|chunk| vec![chunk; wire.len().div_ceil(chunk)]);
        let near = (LIMIT - NEAR..LIMIT + NEAR.min(after + 100)).map(|cut| vec![cut, wire.len()]);
        let mut outcomes = chunks.into_iter().chain(near).flat_map(|cuts| {
            [false, true].map(|feeds| (after_close(&wire, &cuts, feeds), cuts.clone()))
        });
        let (first, _) = outcomes.next().expect("some cuts");
        assert_eq!(first.1, after == 0, "{after}");
        for (outcome, cuts) in outcomes {
            assert_eq!(outcome, first, "{after}, {:?}", &cuts[..cuts.len().min(2)]);
        }
    }
}

/// Receives after a close frame; returns how many messages came, and whether the peer's close frame did.
fn after_close(mut wire: &[u8], cuts: &[usize], feeds: bool) -> (usize, bool) {
    let pool = Pool::new();
    let limits = ws_assemble::Limits::default().with_message_bytes_max(100);
    let mut session = Session::server(&pool).with_limits(limits);
    session.close(&CloseFrame::new(CloseCode::NORMAL, ""));
    let mut messages = 0;
    for &cut in cuts {
        let (mut piece, rest) = wire.split_at(cut.min(wire.len()));
        wire = rest;
        while !piece.is_empty() {
            let count = if feeds {
                session.feed(piece)
            } else {
                let mut segment = session.space().expect("no limit");
                let spare = segment.spare_initialized_mut();
                let count = spare.len().min(piece.len());
                spare[..count].copy_from_slice(&piece[..count]);
                session.received(segment, count);
                count
            };
            piece = &piece[count..];
            loop {
                match session.next() {
                    Ok(Some(_)) => messages += 1,
                    Ok(None) => break,
                    Err(error) => {
                        assert!(matches!(error, ConnectionError::CloseIgnored), "{error}");
                        assert!(!session.wants().read);
                        session.end_input();
                        assert!(matches!(session.next(), Err(ConnectionError::CloseIgnored)));
                        return (messages, false);
                    }
                }
            }
            if session.is_closed() {
                return (messages, true);
            }
        }
    }
    panic!("neither the limit nor a close frame was met");
}
