//! What all clients share, and the threads that they live and die on.

use core::{
    any::Any,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{
    io::{self, ErrorKind},
    panic,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{anyhow, ensure};
use seg_pool::Pool;
use seg_seq::Sequence;
use tokio::{runtime::Builder, task::JoinSet, time::timeout};

use super::{
    http,
    random::Random,
    tally::{Happening, Tally},
    wire::{Entrance, Protocol, Wire},
    ws,
};
use crate::digest::Digest;

/// The longest body, and the longest message, that a server takes.
pub(super) const BODY_BYTES_MAX: usize = 40_000;

/// How long one connection may take. None takes a hundredth of it, unless somebody is never woken.
const CONNECTION_MAX: Duration = Duration::from_secs(60);

/// Messages that wait on another thread before they are dropped.
const ELSEWHERE_MAX: usize = 16;

/// How a client goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Stay,
    Leave,
}

/// What the clients of one server share.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    pub(super) entrance: Entrance,
    pub(super) pool: Pool,
    pub(super) tally: Arc<Tally>,
    /// Whether the server may be dead.
    pub(super) is_server_gone: Arc<AtomicBool>,
    elsewhere: mpsc::Sender<(Sequence, Digest)>,
}

impl Guest {
    /// Also returns the thread that drops what the clients send there; it ends after the last guest.
    pub(super) fn new(
        entrance: Entrance,
        pool: &Pool,
        tally: &Arc<Tally>,
    ) -> (Self, thread::JoinHandle<()>) {
        let (elsewhere, messages) = mpsc::channel::<(Sequence, Digest)>();
        let counted = Arc::clone(tally);
        let elsewhere_thread = thread::spawn(move || {
            let mut held = std::collections::VecDeque::new();
            for (message, digest) in messages {
                let found = Digest::of_chunks(message.chunks().map(|chunk| &**chunk));
                assert_eq!(found, digest, "a message changed on its way to another thread");
                counted.count(Happening::ElsewhereDropped);
                held.push_back(message);
                if held.len() > ELSEWHERE_MAX {
                    held.pop_front();
                }
            }
        });
        let guest = Self {
            entrance,
            pool: pool.clone(),
            tally: Arc::clone(tally),
            is_server_gone: Arc::default(),
            elsewhere,
        };
        (guest, elsewhere_thread)
    }

    /// Connects, or finds that the server is dead.
    pub(super) async fn connect(
        &self,
        protocol: Protocol,
        random: &mut Random,
    ) -> anyhow::Result<Option<Wire>> {
        match self.entrance.connect(protocol, random, &self.tally).await {
            Ok(wire) => Ok(Some(wire)),
            Err(_) if self.is_server_gone.load(Ordering::Acquire) => {
                self.tally.count(Happening::NoServer);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Fails when a connection ended that the server should have kept.
    pub(super) fn check_end(&self, may_leave: bool, error: anyhow::Error) -> anyhow::Result<()> {
        if may_leave || self.is_server_gone.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(error.context("the server ended a connection"))
    }

    /// Compares what came back with what was sent, and drops it here or on another thread.
    pub(super) fn check(
        &self,
        received: Sequence,
        sent: Digest,
        happening: Happening,
        random: &mut Random,
    ) -> anyhow::Result<()> {
        self.tally.count(happening);
        if random.one_in(8) {
            let other = self.elsewhere.send((received, sent));
            return other.map_err(|_| anyhow!("a message was not what was sent"));
        }
        let found = Digest::of_chunks(received.chunks().map(|chunk| &**chunk));
        ensure!(found == sent, "{happening:?}: {found:?} came back for {sent:?}");
        Ok(())
    }
}

/// The end of a thread that unwinds on purpose.
struct Death;

/// Starts a thread with some connections at a time, each opened again when it ends.
///
/// A thread that dies does so after `death`, with all of them open.
pub(super) fn spawn(
    guest: Guest,
    mut random: Random,
    connections: usize,
    lives: usize,
    steps: usize,
    death: Option<Duration>,
) -> thread::JoinHandle<anyhow::Result<()>> {
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let mut tasks = JoinSet::new();
            for _ in 0..connections {
                let (guest, random) = (guest.clone(), Random::new(random.next()));
                tasks.spawn(live(guest, random, lives, steps));
            }
            let all = async {
                while let Some(ended) = tasks.join_next().await {
                    ended??;
                }
                Ok(())
            };
            match death {
                None => all.await,
                Some(after) => match timeout(after, all).await {
                    Ok(ended) => ended,
                    Err(_) => panic::resume_unwind(Box::new(Death)),
                },
            }
        })
    })
}

async fn live(guest: Guest, mut random: Random, lives: usize, steps: usize) -> anyhow::Result<()> {
    for _ in 0..lives {
        let (is_http, of_client) = (random.one_in(2), Random::new(random.next()));
        let visit = async {
            if is_http {
                http::visit(&guest, of_client, steps).await
            } else {
                ws::visit(&guest, of_client, steps).await
            }
        };
        timeout(CONNECTION_MAX, visit)
            .await
            .map_err(|_| io::Error::new(ErrorKind::TimedOut, "a connection stands still"))??;
    }
    Ok(())
}

/// Waits for a thread's end.
///
/// # Errors
///
/// Returns an error when a connection ended as it should not. A panic that is no [`Death`] goes on.
pub(super) fn join(
    thread: thread::JoinHandle<anyhow::Result<()>>,
    tally: &Tally,
) -> anyhow::Result<()> {
    match thread.join() {
        Ok(ended) => ended,
        Err(payload) if <dyn Any>::is::<Death>(&*payload) => {
            tally.count(Happening::ThreadDied);
            Ok(())
        }
        Err(payload) => panic::resume_unwind(payload),
    }
}
