//! Loads an echo server and prints messages a second:
//! `cargo run --release --example load --features tokio -- 127.0.0.1:9001 32 1024 16 5`

use core::{
    error::Error,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{env, sync::Arc, time::Instant};

use seg_pool::Pool;
use tokio::{net::TcpStream, time::sleep};
use ws_assemble::{ClientHandshake, ConnectionError, Message, connect, random_nonce};

const USAGE: &str = "usage: load ADDRESS CONNECTIONS BYTES WINDOW SECONDS";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, numbers @ ..] = &arguments[..] else { return Err(USAGE.into()) };
    let numbers: Vec<usize> =
        numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?;
    let &[connections, bytes, window, seconds] = &numbers[..] else { return Err(USAGE.into()) };
    let (pool, echoed) = (Pool::new(), Arc::new(AtomicU64::new(0)));
    let seconds = Duration::from_secs(u64::try_from(seconds)?);
    let mut tasks = Vec::new();
    for _ in 0..connections {
        let task = load(address.clone(), bytes, window, pool.clone(), Arc::clone(&echoed));
        tasks.push(tokio::spawn(task));
    }
    // The first second warms up.
    sleep(Duration::from_secs(1)).await;
    let (start, before) = (Instant::now(), echoed.load(Ordering::Relaxed));
    sleep(seconds).await;
    let count = echoed.load(Ordering::Relaxed) - before;
    println!("{:.0} messages/s", count as f64 / start.elapsed().as_secs_f64());
    for task in tasks {
        if task.is_finished() {
            task.await??;
        } else {
            task.abort();
        }
    }
    Ok(())
}

/// Keeps `window` messages on their way.
async fn load(
    address: String,
    bytes: usize,
    window: usize,
    pool: Pool,
    echoed: Arc<AtomicU64>,
) -> Result<(), ConnectionError> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let handshake = ClientHandshake::new(&address, "/", random_nonce())?;
    let (mut connection, _) = connect(stream, handshake, &pool).await?;
    let message = Message::binary(vec![7; bytes]);
    let mut batch = Vec::new();
    let mut missing = window;
    loop {
        for _ in 0..missing {
            connection.queue(&message).await?;
        }
        connection.flush().await?;
        batch.clear();
        missing = connection.next_batch(&mut batch).await?;
        if missing == 0 {
            return Ok(());
        }
        echoed.fetch_add(missing as u64, Ordering::Relaxed);
    }
}
