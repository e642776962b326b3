//! Everything at once, for as long as wanted: HTTP and WebSocket connections, compressed and not, over
//! sockets and in memory, that are cut anywhere, stall, are cancelled, dropped and refused, against a
//! server whose pool is full half of the time; and threads that die with all of it open.
//!
//! ```text
//! threads that die                       threads of the server            a thread
//! clients ── http-chunked, ws-assemble ─▶ echo ── pool with a limit ◀── takes all of it, gives it back
//!    └─ what came back ─▶ another thread: checked and dropped there
//! ```

mod cancel;
mod client;
mod http;
mod hunger;
mod quiet;
mod random;
mod server;
mod state;
mod tally;
mod wire;
mod ws;

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{sync::Arc, thread, time::Instant};

use anyhow::{Context as _, ensure};
use http_chunked::Contexts;
use seg_pool::{Pool, SegmentMut, SegmentSize};

pub use self::{
    quiet::cpu_time,
    tally::{Happening, Tally},
};
use self::{
    random::Random,
    server::Server,
    state::{ClientState, ServerState},
};

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where the random numbers start.
    pub seed: u64,
    /// Rounds are begun until so much time is over, and at least so many.
    pub time: Duration,
    /// At least so many rounds.
    pub rounds: u64,
    /// Threads of clients in each round.
    pub threads: usize,
    /// Connections at a time on each.
    pub connections: usize,
    /// How often each is opened, one time after another.
    pub lives: usize,
    /// Steps of each client, if it does not end before.
    pub steps: usize,
}

impl Plan {
    /// A plan that goes on for some time.
    #[must_use]
    pub const fn lasting(time: Duration) -> Self {
        Self { seed: 1, time, rounds: 8, threads: 6, connections: 8, lives: 4, steps: 100 }
    }

    /// Returns how many connections are open at a time.
    #[must_use]
    pub const fn open_at_a_time(&self) -> usize {
        self.threads * self.connections
    }
}

/// The limit of the server's pool, for each connection. All connections together hold less, so that
/// nobody waits for memory that only those who wait could give back.
const POOL_BYTES_A_CONNECTION: usize = 512 << 10;

/// How long the pool is full, and how long it is not.
const FULL: Duration = Duration::from_millis(10);

/// The processor time that a message or a body may take, with its share of handshakes, deaths and
/// everything else. What spins takes a processor for itself and brings no message back.
const CPU_A_MESSAGE_MAX: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 20 } else { 2 });

/// Runs a plan and returns what happened.
///
/// # Errors
///
/// Returns an error when what came back differs from what was sent, a limit does not hold, a
/// connection ends that should not or stands still, a byte does not come back to its pool, or the
/// processor works for nothing.
///
/// # Panics
///
/// Panics when a server ends a connection for something that no client does.
pub fn run(plan: Plan) -> anyhow::Result<Arc<Tally>> {
    let start = Instant::now();
    let tally = Arc::new(Tally::default());
    let server_state = Arc::new(ServerState {
        pool: Pool::builder().bytes_max(plan.open_at_a_time() * POOL_BYTES_A_CONNECTION).build(),
        contexts: Contexts::new(4 << 20),
        tally: Arc::clone(&tally),
    });
    let of_clients = Pool::new();
    let mut round = 0;
    while round < plan.rounds || start.elapsed() < plan.time {
        round += 1;
        let seed = plan.seed.wrapping_add(round << 20);
        one_round(plan, &server_state, &of_clients, seed, round)
            .with_context(|| format!("round {round}, seed {}", plan.seed))?;
        check_books(&server_state, &of_clients).with_context(|| format!("after round {round}"))?;
    }
    let cpu = cpu_time()?;
    let each = cpu / u32::try_from(tally.echoes().max(1))?;
    ensure!(each <= CPU_A_MESSAGE_MAX, "{each:?} of processor time a message");
    tally.add(Happening::WaitedForMemory, server_state.pool.stats().waits());
    Ok(tally)
}

fn one_round(
    plan: Plan,
    server_state: &Arc<ServerState>,
    of_clients: &Pool,
    seed: u64,
    round: u64,
) -> anyhow::Result<()> {
    let mut random = Random::new(seed);
    let tally = &server_state.tally;
    let server = Server::start(Arc::clone(server_state), Random::new(random.next()))?;
    let (shared, elsewhere) = ClientState::new(server.entrance(), of_clients, tally);
    let hog = Hog::start(Arc::clone(server_state));
    let threads: Vec<_> = (0..plan.threads)
        .map(|_| {
            let of_thread = Random::new(random.next());
            let dies_after = Duration::from_millis(20 + random.next() % 200);
            let death = random.one_in(3).then_some(dies_after);
            client::spawn(
                shared.clone(),
                of_thread,
                plan.connections,
                plan.lives,
                plan.steps,
                death,
            )
        })
        .collect();
    let mut server = Some(server);
    if round.is_multiple_of(4)
        && let Some(server) = server.take()
    {
        thread::sleep(Duration::from_millis(50 + random.next() % 100));
        shared.is_server_gone.store(true, Ordering::Release);
        server.die();
        tally.count(Happening::ServerDied);
    }
    let ends: Vec<_> = threads.into_iter().map(|thread| client::join(thread, tally)).collect();
    hog.end();
    // What a server does wrong shows at its clients, too: its own word comes first.
    server.map_or(Ok(()), Server::end)?;
    ends.into_iter().collect::<anyhow::Result<()>>()?;
    drop(shared);
    elsewhere.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    quiet::check(server_state, of_clients, random)
}

/// Fails when anything is left where no connection is.
fn check_books(server_state: &ServerState, of_clients: &Pool) -> anyhow::Result<()> {
    server_state.contexts.trim();
    ensure!(
        server_state.contexts.bytes() == 0,
        "{} bytes of contexts are kept",
        server_state.contexts.bytes()
    );
    for (name, pool) in [("server's", &server_state.pool), ("clients'", of_clients)] {
        let stats = pool.stats();
        ensure!(stats.in_use_bytes() == 0, "not all came back to the {name} pool: {stats:?}");
        ensure!(stats.held_bytes_peak() <= stats.bytes_max(), "the {name} limit: {stats:?}");
        pool.trim();
        let stats = pool.stats();
        ensure!(stats.held_bytes() == 0, "the {name} pool keeps memory: {stats:?}");
    }
    Ok(())
}

/// Takes all memory that the pool has.
fn fill(pool: &Pool) -> Vec<SegmentMut> {
    let mut taken = Vec::new();
    for size in SegmentSize::ALL.into_iter().rev() {
        while let Ok(segment) = pool.try_take_size(size) {
            taken.push(segment);
        }
    }
    taken
}

/// A thread that makes a pool full half of the time.
struct Hog {
    thread: thread::JoinHandle<()>,
    is_over: Arc<AtomicBool>,
}

impl Hog {
    fn start(server_state: Arc<ServerState>) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Acquire) {
                let taken = fill(&server_state.pool);
                server_state.tally.count(Happening::PoolFull);
                thread::sleep(FULL);
                drop(taken);
                thread::sleep(FULL);
            }
        });
        Self { thread, is_over }
    }

    fn end(self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    }
}
