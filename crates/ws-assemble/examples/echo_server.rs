//! Sends every message back:
//! `cargo run --example echo_server --features deflate,tokio -- 127.0.0.1:9001 --deflate`

use core::{error::Error, time::Duration};
use std::{env, sync::Arc};

use seg_pool::Pool;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use ws_assemble::{Assembly, Connection, ConnectionError, DeflateConfig, accept_with};

const USAGE: &str = "usage: echo_server ADDRESS [--deflate] [--assembly segmented|contiguous]";

/// How long a client may take for its handshake, and how many may be at it at a time: the others wait
/// in the listener's backlog.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const HANDSHAKES_MAX: usize = 1_000;

/// How long a connection that failed is held to tell the peer why, and what it may send meanwhile.
const FINISH_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: u64 = 64 << 20;

#[derive(Clone, Debug)]
struct Options {
    address: String,
    deflate: Option<DeflateConfig>,
    assembly: Assembly,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let address = arguments.next()?;
        let mut options = Self { address, deflate: None, assembly: Assembly::Segmented };
        while let Some(argument) = arguments.next() {
            match (argument.as_str(), argument == "--assembly") {
                ("--deflate", _) => options.deflate = Some(DeflateConfig::default()),
                (_, true) => {
                    options.assembly = match arguments.next()?.as_str() {
                        "segmented" => Assembly::Segmented,
                        "contiguous" => Assembly::Contiguous,
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1)).ok_or(USAGE)?;
    let listener = TcpListener::bind(&options.address).await?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::builder().bytes_max(256 << 20).build();
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let unfinished = Arc::clone(&handshakes).acquire_owned().await?;
        let (stream, peer) = listener.accept().await?;
        let (pool, options) = (pool.clone(), options.clone());
        tokio::spawn(async move {
            let opened = timeout(HANDSHAKE_MAX, open(stream, &options, &pool)).await;
            drop(unfinished);
            let served = match opened {
                Ok(Ok(connection)) => serve(connection).await,
                Ok(Err(error)) => Err(error),
                Err(elapsed) => Err(ConnectionError::Io(elapsed.into())),
            };
            if let Err(error) = served {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn open(
    stream: TcpStream,
    options: &Options,
    pool: &Pool,
) -> Result<Connection<TcpStream>, ConnectionError> {
    stream.set_nodelay(true)?;
    let connection = accept_with(stream, pool, |request| {
        let acceptance = request.accept();
        Ok(match &options.deflate {
            Some(deflate) => acceptance.deflate(deflate),
            None => acceptance,
        })
    });
    Ok(connection.await?.with_assembly(options.assembly))
}

async fn serve(mut connection: Connection<TcpStream>) -> Result<(), ConnectionError> {
    let echoed = echo(&mut connection).await;
    if echoed.is_err() {
        // The peer is to get the close frame that says why. There is nothing to do if it does not.
        let _ = timeout(FINISH_MAX, connection.finish(DISCARD_BYTES_MAX)).await;
    }
    echoed
}

async fn echo(connection: &mut Connection<TcpStream>) -> Result<(), ConnectionError> {
    let mut batch = Vec::new();
    // All that came in one read goes out in one write.
    while connection.next_batch(&mut batch).await? > 0 {
        if let [message] = &batch[..] {
            connection.send(message).await?;
        } else {
            for message in &batch {
                connection.queue(message).await?;
            }
            connection.flush().await?;
        }
        batch.clear();
    }
    Ok(())
}
