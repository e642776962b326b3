//! The threads that clients live and die on.

use core::{any::Any, time::Duration};
use std::{
    io::{self, ErrorKind},
    panic, thread,
};

use tokio::{runtime::Builder, task::JoinSet, time::timeout};

use super::{
    http,
    random::Random,
    state::ClientState,
    tally::{Happening, Tally},
    ws,
};

/// How long one connection may take. None takes a hundredth of it, unless somebody is never woken.
const CONNECTION_MAX: Duration = Duration::from_secs(60);

/// The end of a thread that unwinds on purpose.
struct Death;

/// Starts a thread with some connections at a time, each opened again when it ends.
///
/// A thread that dies does so after `death`, with all of them open.
pub(super) fn spawn(
    shared: ClientState,
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
                let (shared, random) = (shared.clone(), Random::new(random.next()));
                tasks.spawn(live(shared, random, lives, steps));
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

async fn live(
    shared: ClientState,
    mut random: Random,
    lives: usize,
    steps: usize,
) -> anyhow::Result<()> {
    for _ in 0..lives {
        let (is_http, of_client) = (random.one_in(2), Random::new(random.next()));
        let visit = async {
            if is_http {
                http::visit(&shared, of_client, steps).await
            } else {
                ws::visit(&shared, of_client, steps).await
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
