//! A server that echoes, on threads of its own.

use core::time::Duration;
use std::{io, sync::Arc};

use anyhow::{Context as _, bail};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::JoinSet,
    time::timeout,
};

use super::{
    http,
    random::Random,
    state::ServerState,
    wire::{Doors, Entrance, Protocol},
    ws,
};

/// How long the last connections may take to see that their clients are gone. No end takes a
/// hundredth of it, unless somebody is never woken.
const LAST_ENDS: Duration = Duration::from_secs(60);

/// A server and its threads.
pub(super) struct Server {
    runtime: Runtime,
    entrance: Entrance,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Server {
    pub(super) fn start(server_state: Arc<ServerState>, random: Random) -> anyhow::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (doors, entrance) = runtime.block_on(Doors::open()).context("no port")?;
        let (stop, stopped) = oneshot::channel();
        let done = runtime.spawn(serve(doors, stopped, server_state, random));
        Ok(Self { runtime, entrance, stop, done })
    }

    pub(super) fn entrance(&self) -> Entrance {
        self.entrance.clone()
    }

    /// Ends the threads with all connections that are open.
    pub(super) fn die(self) {
        drop(self.runtime);
    }

    /// Waits for the ends of all connections, whose clients are gone, and ends the threads.
    ///
    /// # Errors
    ///
    /// Returns an error when a connection does not end, or ended in a way that it should not.
    pub(super) fn end(self) -> anyhow::Result<()> {
        // A server that has failed has dropped its end, and `done` says why.
        let _ = self.stop.send(());
        match self.runtime.block_on(async { timeout(LAST_ENDS, self.done).await }) {
            Ok(done) => done?,
            Err(_) => bail!("a connection of the server does not end, though its client is gone"),
        }
    }
}

/// Takes connections until it is stopped, then waits for their ends.
async fn serve(
    mut doors: Doors,
    mut stopped: oneshot::Receiver<()>,
    server_state: Arc<ServerState>,
    mut random: Random,
) -> anyhow::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let of_wire = Random::new(random.next());
        let (protocol, wire) = tokio::select! {
            accepted = doors.accept(of_wire) => accepted?,
            Some(ended) = connections.join_next() => {
                check(ended)?;
                continue;
            }
            _ = &mut stopped => break,
        };
        let (server_state, random) = (Arc::clone(&server_state), Random::new(random.next()));
        connections.spawn(async move {
            match protocol {
                Protocol::Http => http::serve(wire, &server_state, random).await,
                Protocol::Ws => ws::serve(wire, &server_state, random).await,
            }
            let stats = server_state.pool.stats();
            assert!(stats.held_bytes_peak() <= stats.bytes_max(), "{stats:?}");
        });
    }
    drop(doors);
    while let Some(ended) = connections.join_next().await {
        check(ended)?;
    }
    Ok(())
}

fn check(ended: Result<(), tokio::task::JoinError>) -> io::Result<()> {
    ended.map_err(|error| io::Error::other(format!("a connection of the server: {error}")))
}
