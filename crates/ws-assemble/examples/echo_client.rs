//! Sends each argument as a message and prints what comes back:
//! `cargo run --example echo_client --features tokio -- 127.0.0.1:9001 hello world`

use core::error::Error;
use std::env;

use seg_pool::Pool;
use tokio::net::TcpStream;
use ws_assemble::{
    Assembly, ClientHandshake, CloseCode, CloseFrame, Limits, Message, connect, random_nonce,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let Some(address) = arguments.next() else {
        return Err("usage: echo_client ADDRESS MESSAGE...".into());
    };
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let handshake = ClientHandshake::new(address, "/", random_nonce());
    let mut connection =
        connect(stream, &handshake, Assembly::Segmented, Limits::default(), &Pool::new()).await?;
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
