//! Connections that all wait for memory, and take no processor time meanwhile.

use core::time::Duration;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};
use seg_pool::Pool;
use tokio::{runtime::Builder, task::JoinSet, time::sleep};

use ws_assemble::{ClientHandshake, connect, random_nonce};

use super::{
    fill, random::Random, server::Server, state::ServerState, tally::Happening, wire::Protocol,
};

/// Connections that wait.
const CONNECTIONS: usize = 8;

/// How long nothing is to happen. One thread that spins takes all of it.
const QUIET: Duration = Duration::from_millis(200);

/// Returns the processor time of all threads of this process.
///
/// # Errors
///
/// Returns an error when the system does not tell.
pub fn cpu_time() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let of = |time: TimeVal| -> anyhow::Result<Duration> {
        let seconds = Duration::from_secs(time.tv_sec().try_into()?);
        Ok(seconds + Duration::from_micros(time.tv_usec().try_into()?))
    };
    Ok(of(usage.user_time())? + of(usage.system_time())?)
}

/// Lets every connection of a server wait for memory, and looks at how the process rests; then gives
/// the memory back, so that every message comes back.
pub(super) fn check(
    server_state: &Arc<ServerState>,
    of_clients: &Pool,
    mut random: Random,
) -> anyhow::Result<()> {
    let waits = server_state.pool.stats().waits();
    // Threads of its own: they keep no segment in reserve.
    let server = Server::start(Arc::clone(server_state), Random::new(random.next()))?;
    let entrance = server.entrance();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let mut open = Vec::new();
        // Before they connect, which takes no memory: a server's thread keeps what it read into.
        let taken = fill(&server_state.pool);
        for _ in 0..CONNECTIONS {
            let wire = entrance.connect(Protocol::Ws, &mut random, &server_state.tally).await?;
            let handshake = ClientHandshake::new("chaos", "/wait", random_nonce())?;
            open.push(connect(wire, handshake, of_clients).await?.0);
        }
        for mut connection in open {
            tasks.spawn(async move {
                connection.send_text("hungry").await?;
                connection.next().await
            });
        }
        // Until all of them wait.
        sleep(QUIET / 2).await;
        let before = cpu_time()?;
        sleep(QUIET).await;
        let used = cpu_time()? - before;
        ensure!(used < QUIET / 2, "{used:?} of processor time while all wait for {QUIET:?}");
        let early = tasks.try_join_next();
        ensure!(early.is_none(), "without memory: {early:?}, {:?}", server_state.pool.stats());
        drop(taken);
        while let Some(read) = tasks.join_next().await {
            let message = read??.context("the server closed a connection that waits")?;
            ensure!(message.as_str() == Some("hungry"), "{message:?}");
        }
        anyhow::Ok(())
    })?;
    drop(entrance);
    server.end()?;
    ensure!(server_state.pool.stats().waits() > waits, "nobody waited in the pool's queue");
    server_state.tally.count(Happening::Quiet);
    Ok(())
}
