//! Sends every message back: `cargo run --example echo_server --features tokio -- 127.0.0.1:9001`

use core::error::Error;
use std::env;

use seg_pool::Pool;
use tokio::net::{TcpListener, TcpStream};
use ws_assemble::{Assembly, ConnectionError, Limits, accept};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (address, assembly) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [address] => (address, Assembly::Segmented),
        [address, "--assembly", "contiguous"] => (address, Assembly::Contiguous),
        [address, "--assembly", "segmented"] => (address, Assembly::Segmented),
        _ => return Err("usage: echo_server ADDRESS [--assembly segmented|contiguous]".into()),
    };
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let pool = Pool::builder().max_bytes(256 << 20).build();
    loop {
        let (stream, peer) = listener.accept().await?;
        let pool = pool.clone();
        tokio::spawn(async move {
            if let Err(error) = echo(stream, assembly, &pool).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

async fn echo(stream: TcpStream, assembly: Assembly, pool: &Pool) -> Result<(), ConnectionError> {
    stream.set_nodelay(true)?;
    let mut connection = accept(stream, assembly, Limits::default(), pool).await?;
    while let Some(message) = connection.next().await? {
        connection.send(&message).await?;
    }
    Ok(())
}
