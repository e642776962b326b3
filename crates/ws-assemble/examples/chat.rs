//! Everybody gets what anybody says. Open the address in a browser:
//! `cargo run --example chat --features tokio -- 127.0.0.1:9001`

use core::{error::Error, future::pending, time::Duration};
use std::{env, io, sync::Arc, time::Instant};

use seg_pool::Pool;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};
use ws_assemble::{
    Broadcast, CloseCode, CloseFrame, Connection, ConnectionError, Heartbeat, Limits, MessageKind,
    ReadHalf, ServerHandshake, UpgradeRequest, WriteHalf,
};

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>chat</title>\
    <p id=state>connecting</p><ul id=said></ul>\
    <form id=form><input id=text aria-label=message autofocus disabled></form><script>\
    const [state, said, form, text] =\
      ['state', 'said', 'form', 'text'].map((id) => document.getElementById(id));\
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';\
    const socket = new WebSocket(`${scheme}://${location.host}/`);\
    socket.onopen = () => {\
      state.textContent = 'connected';\
      text.disabled = false;\
      text.focus();\
    };\
    socket.onclose = (event) => {\
      state.textContent = `closed: ${event.code} ${event.reason}`;\
      text.disabled = true;\
    };\
    socket.onmessage = (event) => {\
      const item = document.createElement('li');\
      item.textContent = event.data;\
      said.append(item);\
    };\
    form.onsubmit = (event) => {\
      event.preventDefault();\
      if (text.value) socket.send(text.value);\
      text.value = '';\
    };</script></html>";

/// How long a request may take, and one message to a peer that reads slowly.
const REQUEST_MAX: Duration = Duration::from_secs(10);
const WRITE_MAX: Duration = Duration::from_secs(10);

/// A peer that is silent is pinged, and is gone when nothing follows.
const HEARTBEAT: Heartbeat = Heartbeat::new(Duration::from_secs(30), Duration::from_secs(10));

/// How long a connection that failed is held to tell the peer why, and what it may send meanwhile.
const FINISH_MAX: Duration = Duration::from_secs(2);
const DISCARD_BYTES_MAX: u64 = 1 << 20;

/// Messages that may wait for a slow reader.
const WAITING_MAX: usize = 256;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: chat ADDRESS")?;
    let listener = TcpListener::bind(&address).await?;
    println!("open http://{}", listener.local_addr()?);
    let pool = Pool::builder().bytes_max(64 << 20).build();
    let (room, _) = broadcast::channel(WAITING_MAX);
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
    room: broadcast::Sender<Arc<Broadcast>>,
) -> Result<(), ConnectionError> {
    let asked =
        timeout(REQUEST_MAX, read_request(&mut stream)).await.map_err(io::Error::from)??;
    let Some((request, ahead)) = asked else { return send_page(&mut stream).await };
    stream.write_all(&request.accept().response()).await?;
    let limits = Limits::default().with_message_bytes_max(64 << 10);
    let mut connection =
        Connection::server(stream, pool).with_limits(limits).with_read_ahead(ahead);
    connection.session_mut().set_heartbeat(HEARTBEAT, Instant::now());
    talk(connection, room, pool).await
}

/// Returns the request and what came after it; `None` when it is not one for a WebSocket.
async fn read_request(
    stream: &mut TcpStream,
) -> Result<Option<(UpgradeRequest, Vec<u8>)>, ConnectionError> {
    let mut handshake = ServerHandshake::new();
    let mut received = Vec::new();
    loop {
        received.clear();
        if stream.read_buf(&mut received).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut rest = &received[..];
        match handshake.push(&mut rest) {
            Ok(Some(request)) => return Ok(Some((request, rest.to_vec()))),
            Ok(None) => {}
            Err(_) => return Ok(None),
        }
    }
}

async fn send_page(stream: &mut TcpStream) -> Result<(), ConnectionError> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        PAGE.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(PAGE.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

async fn talk(
    connection: Connection<TcpStream>,
    room: broadcast::Sender<Arc<Broadcast>>,
    pool: &Pool,
) -> Result<(), ConnectionError> {
    let (mut read, write) = connection.split_with(TcpStream::into_split);
    let said = room.subscribe();
    let failed = async {
        match say(write, said).await {
            Err(error) => error,
            // After a close frame it is the peer's that is waited for.
            Ok(()) => pending().await,
        }
    };
    let ended = tokio::select! {
        heard = hear(&mut read, &room, pool) => heard,
        error = failed => Err(error),
    };
    if ended.is_err() {
        // The peer is to get the close frame that says why. There is nothing to do if it does not.
        let _ = timeout(FINISH_MAX, read.finish(DISCARD_BYTES_MAX)).await;
    }
    ended
}

/// Passes on what is said. A peer that does not read must not hold that up for ever.
async fn say(
    mut write: WriteHalf<OwnedWriteHalf>,
    mut said: broadcast::Receiver<Arc<Broadcast>>,
) -> Result<(), ConnectionError> {
    let late = io::Error::from;
    loop {
        match said.recv().await {
            Ok(message) => {
                timeout(WRITE_MAX, write.send_broadcast(&message)).await.map_err(late)??;
            }
            Err(RecvError::Lagged(_)) => {
                let close = CloseFrame::new(CloseCode::POLICY, "too slow");
                return timeout(WRITE_MAX, write.close(&close)).await.map_err(late)?;
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

async fn hear(
    read: &mut ReadHalf<OwnedReadHalf, OwnedWriteHalf>,
    room: &broadcast::Sender<Arc<Broadcast>>,
    pool: &Pool,
) -> Result<(), ConnectionError> {
    while let Some(message) = read.next_alive().await? {
        if message.kind() == MessageKind::Text {
            // Encoded once for all. Somebody listens: this connection's own writer.
            let _ = room.send(Arc::new(Broadcast::new(message, pool)?));
        }
    }
    if let Some(close) = read.peer_close() {
        println!("closed with {} {:?}", close.status(), close.reason());
    }
    Ok(())
}
