//! Sends each argument as a message and prints what comes back:
//! `cargo run --example echo_client --features deflate,tokio -- 127.0.0.1:9001 --deflate hello world`

use core::error::Error;
use std::env;

use seg_pool::Pool;
use tokio::net::TcpStream;
use ws_assemble::{
    ClientHandshake, CloseCode, CloseFrame, DeflateConfig, Message, connect, random_nonce,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1).peekable();
    let Some(address) = arguments.next() else {
        return Err("usage: echo_client ADDRESS [--deflate] MESSAGE...".into());
    };
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut handshake = ClientHandshake::new(&address, "/", random_nonce())?;
    if arguments.next_if_eq("--deflate").is_some() {
        handshake = handshake.deflate(DeflateConfig::default());
    }
    let (mut connection, _) = connect(stream, handshake, &Pool::new()).await?;
    for text in arguments {
        connection.send(&Message::text(text)).await?;
        match connection.next().await? {
            Some(message) => println!("{}", message.as_str().unwrap_or("(binary)")),
            None => return Err("the server closed the connection".into()),
        }
    }
    connection.close(&CloseFrame::new(CloseCode::NORMAL, "")).await?;
    Ok(())
}
