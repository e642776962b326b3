//! What the connections of one side share.

use core::sync::atomic::{AtomicBool, Ordering};
use std::{
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{anyhow, ensure};
use http_chunked::Contexts;
use seg_pool::Pool;
use seg_seq::Sequence;

use super::{
    random::Random,
    tally::{Happening, Tally},
    wire::{Entrance, Protocol, Wire},
};
use crate::digest::Digest;

/// The longest body, and the longest message, that a server takes.
pub(super) const BODY_BYTES_MAX: usize = 40_000;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) pool: Pool,
    pub(super) contexts: Contexts,
    pub(super) tally: Arc<Tally>,
}

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
pub(super) struct ClientState {
    pub(super) entrance: Entrance,
    pub(super) pool: Pool,
    pub(super) tally: Arc<Tally>,
    /// Whether the server may be dead.
    pub(super) is_server_gone: Arc<AtomicBool>,
    elsewhere: mpsc::Sender<(Sequence, Digest)>,
}

impl ClientState {
    /// Also returns the thread that drops what the clients send there; it ends after the last client.
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
        let shared = Self {
            entrance,
            pool: pool.clone(),
            tally: Arc::clone(tally),
            is_server_gone: Arc::default(),
            elsewhere,
        };
        (shared, elsewhere_thread)
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
