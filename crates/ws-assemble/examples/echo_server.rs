//! Sends every message back:
//! `cargo run --example echo_server --features deflate,tokio -- 127.0.0.1:9001 --deflate`; with `--blocking` in threads.

use core::{error::Error, time::Duration};
use std::{env, net, sync::Arc, thread};

use seg_pool::Pool;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use ws_assemble::{
    Acceptance, Assembly, Connection, ConnectionError, DeflateConfig, UpgradeRequest, accept_with,
    blocking,
};

const USAGE: &str =
    "usage: echo_server ADDRESS [--deflate] [--blocking] [--assembly segmented|contiguous]";

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
    /// Whether each connection has a thread, and no runtime.
    is_blocking: bool,
    assembly: Assembly,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (address, assembly) = (arguments.next()?, Assembly::Segmented);
        let mut options = Self { address, deflate: None, is_blocking: false, assembly };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--deflate" => options.deflate = Some(DeflateConfig::default()),
                "--blocking" => options.is_blocking = true,
                "--assembly" => {
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

    fn accept(&self, request: &UpgradeRequest) -> Acceptance {
        let acceptance = request.accept();
        match &self.deflate {
            Some(deflate) => acceptance.deflate(deflate),
            None => acceptance,
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(env::args().skip(1)).ok_or(USAGE)?;
    let listener = net::TcpListener::bind(&options.address)?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::builder().bytes_max(256 << 20).build();
    if !options.is_blocking {
        return listen(listener, &options, &pool);
    }
    for stream in listener.incoming() {
        let (stream, pool, options) = (stream?, pool.clone(), options.clone());
        thread::spawn(move || {
            open_blocking(stream, &options, &pool)
                .and_then(serve_blocking)
                .inspect_err(|error| eprintln!("{error}"))
        });
    }
    Ok(())
}

#[tokio::main]
async fn listen(
    listener: net::TcpListener,
    options: &Options,
    pool: &Pool,
) -> Result<(), Box<dyn Error>> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
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
    let connection = accept_with(stream, pool, |request| Ok(options.accept(request))).await?;
    Ok(connection.with_assembly(options.assembly))
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

fn open_blocking(
    stream: net::TcpStream,
    options: &Options,
    pool: &Pool,
) -> Result<blocking::Connection<net::TcpStream>, ConnectionError> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANDSHAKE_MAX))?;
    let connection = blocking::accept_with(stream, pool, |request| Ok(options.accept(request)))?;
    connection.get_ref().set_read_timeout(None)?;
    let connection = connection.with_shutdown(|stream| stream.shutdown(net::Shutdown::Write));
    Ok(connection.with_assembly(options.assembly))
}

fn serve_blocking(
    mut connection: blocking::Connection<net::TcpStream>,
) -> Result<(), ConnectionError> {
    let echoed = echo_blocking(&mut connection);
    if echoed.is_err() {
        connection.get_ref().set_read_timeout(Some(FINISH_MAX))?;
        let _ = connection.finish(DISCARD_BYTES_MAX);
    }
    echoed
}

fn echo_blocking(
    connection: &mut blocking::Connection<net::TcpStream>,
) -> Result<(), ConnectionError> {
    let mut batch = Vec::new();
    while connection.next_batch(&mut batch)? > 0 {
        for message in batch.drain(..) {
            connection.queue(&message)?;
        }
        connection.flush()?;
    }
    Ok(())
}
