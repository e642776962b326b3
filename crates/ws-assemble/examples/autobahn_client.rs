//! Answers the cases of an Autobahn fuzzing server by sending every message back:
//! `cargo run --example autobahn_client --features deflate,tokio -- 127.0.0.1:9001 --assembly contiguous`

use core::{error::Error, time::Duration};
use std::env;

use seg_pool::Pool;
use tokio::{net::TcpStream, time::timeout};
use ws_assemble::{
    Assembly, ClientHandshake, Connection, ConnectionError, DeflateConfig, connect, random_nonce,
};

const USAGE: &str = "usage: autobahn_client HOST:PORT [--assembly segmented|contiguous]";

/// How long a connection that failed is held to tell the peer why, and what it may send meanwhile.
const FINISH_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: u64 = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (address, assembly) = match words[..] {
        [address] | [address, "--assembly", "segmented"] => (address, Assembly::Segmented),
        [address, "--assembly", "contiguous"] => (address, Assembly::Contiguous),
        _ => return Err(USAGE.into()),
    };
    let pool = Pool::new();
    let mut connection = open(address, "/getCaseCount", assembly, &pool).await?;
    let count = connection.next().await?.ok_or("the server says no number of cases")?;
    let count: u32 = count.as_str().unwrap_or_default().parse()?;
    for case in 1..=count {
        let path = format!("/runCase?case={case}&agent=peer");
        let mut connection = open(address, &path, assembly, &pool).await?;
        if echo(&mut connection).await.is_err() {
            // The peer is to get the close frame that says why.
            let _ = timeout(FINISH_MAX, connection.finish(DISCARD_BYTES_MAX)).await;
        }
    }
    let mut connection = open(address, "/updateReports?agent=peer", assembly, &pool).await?;
    while connection.next().await?.is_some() {}
    println!("{count} cases");
    Ok(())
}

async fn open(
    address: &str,
    path: &str,
    assembly: Assembly,
    pool: &Pool,
) -> Result<Connection<TcpStream>, Box<dyn Error>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let handshake =
        ClientHandshake::new(address, path, random_nonce())?.deflate(DeflateConfig::default());
    let (connection, _) = connect(stream, handshake, pool).await?;
    Ok(connection.with_assembly(assembly))
}

async fn echo(connection: &mut Connection<TcpStream>) -> Result<(), ConnectionError> {
    while let Some(message) = connection.next().await? {
        connection.send(&message).await?;
    }
    Ok(())
}
