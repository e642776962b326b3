//! Everybody gets what anybody says. Open the address in a browser:
//! `cargo run --example chat --features tokio -- 127.0.0.1:9001`

use core::error::Error;
use std::env;

use seg_pool::Pool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, error::RecvError},
};
use ws_assemble::{
    Assembly, CloseCode, CloseFrame, Connection, ConnectionError, HEAD_BYTES_MAX, Limits, Message,
    MessageKind, Role, ServerHandshake,
};

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>chat</title>\
    <ul id=said></ul><form id=form><input id=text autofocus></form><script>\
    const socket = new WebSocket(`ws://${location.host}/`);\
    socket.onmessage = (event) => {\
      const item = document.createElement('li');\
      item.textContent = event.data;\
      said.append(item);\
    };\
    form.onsubmit = (event) => {\
      event.preventDefault();\
      socket.send(text.value);\
      text.value = '';\
    };</script>";

/// Messages that a slow reader may be behind.
const BEHIND_MAX: usize = 256;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: chat ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    println!("open http://{}", listener.local_addr()?);
    let pool = Pool::builder().max_bytes(64 << 20).build();
    let (room, _) = broadcast::channel(BEHIND_MAX);
    loop {
        let (stream, peer) = listener.accept().await?;
        let (pool, room) = (pool.clone(), room.clone());
        tokio::spawn(async move {
            if let Err(error) = serve(stream, &pool, room).await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

/// Upgrades the connection, or sends the page.
async fn serve(
    mut stream: TcpStream,
    pool: &Pool,
    room: broadcast::Sender<Message>,
) -> Result<(), ConnectionError> {
    let mut head = Vec::new();
    let whole = loop {
        let parsed = ServerHandshake::parse(&head);
        match parsed {
            Ok(Some(whole)) => break whole,
            Ok(None) if head.len() < HEAD_BYTES_MAX => {
                if stream.read_buf(&mut head).await? == 0 {
                    return Ok(());
                }
            }
            _ => return send_page(&mut stream).await,
        }
    };
    let (request, len) = whole;
    stream.write_all(request.accept(None).as_bytes()).await?;
    let limits = Limits::default().message_bytes_max(64 << 10);
    let ahead = &head[len..];
    talk(Connection::new(stream, Role::Server, Assembly::Segmented, limits, pool, ahead)?, room)
        .await
}

async fn send_page(stream: &mut TcpStream) -> Result<(), ConnectionError> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        PAGE.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(PAGE.as_bytes()).await?;
    Ok(())
}

async fn talk(
    connection: Connection<TcpStream>,
    room: broadcast::Sender<Message>,
) -> Result<(), ConnectionError> {
    let (mut read, mut write) = connection.split();
    let mut said = room.subscribe();
    let writer = tokio::spawn(async move {
        loop {
            match said.recv().await {
                // Cloning shares the segments: nobody's text is copied.
                Ok(message) => write.send(&message).await?,
                Err(RecvError::Lagged(_)) => {
                    return write.close(&CloseFrame::new(CloseCode::POLICY, "too slow")).await;
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    });
    while let Some(message) = read.next().await? {
        if message.kind() == MessageKind::Text {
            // Somebody listens: this connection's own writer.
            let _ = room.send(message);
        }
    }
    writer.abort();
    Ok(())
}
