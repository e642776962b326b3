//! What connections over TLS keep while they wait: bytes of the heap and of the pool each, of the server's
//! end, step by step. The clients are a process of their own.
//!
//! `cargo run --profile compare -p seg-bench --features compare --bin idle_tls -- [CONNECTIONS]`

use core::{
    future::Future as _,
    net::Ipv4Addr,
    pin::pin,
    task::{Context, Waker},
};
use std::{
    env,
    io::{BufRead as _, Read as _, Write as _},
    process::{Command, Stdio},
};

use seg_bench::{
    alloc_count::{CountingAlloc, Scope},
    compare::tls::{client_config, server_config},
};
use seg_pool::Pool;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Builder,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, rustls::pki_types::ServerName, server::TlsStream};
use ws_assemble::{ClientHandshake, Connection, accept, connect, random_nonce};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

const CONNECTIONS: usize = 10_000;

const MESSAGE_BYTES: usize = 1 << 20;

type Done<T = ()> = Result<T, Box<dyn core::error::Error>>;

fn main() -> Done {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match &arguments[..] {
        [who, port, count] if who == "clients" => {
            runtime.block_on(clients(port.parse()?, count.parse()?))
        }
        [] => runtime.block_on(server(CONNECTIONS)),
        [count] => runtime.block_on(server(count.parse()?)),
        _ => Err("usage: idle_tls [CONNECTIONS]".into()),
    }
}

async fn server(count: usize) -> Done {
    let (config, certificate) = server_config();
    let acceptor = TlsAcceptor::from(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = listener.local_addr()?.port().to_string();
    let mut child = Command::new(env::current_exe()?)
        .args(["clients", &port, &count.to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut orders = child.stdin.take().ok_or("no pipe")?;
    orders.write_all(&u32::try_from(certificate.len())?.to_le_bytes())?;
    orders.write_all(&certificate)?;
    let pool = Pool::new();

    let scope = Scope::start();
    let mut streams = Vec::with_capacity(count);
    writeln!(orders, "connect")?;
    for _ in 0..count {
        streams.push(listener.accept().await?.0);
    }
    let sockets = show("sockets of tokio", scope, 0, count, &pool);

    let scope = Scope::start();
    let mut over_tls = Vec::with_capacity(count);
    writeln!(orders, "tls")?;
    for stream in streams {
        over_tls.push(acceptor.accept(stream).await?);
    }
    let tls = show("with TLS (rustls)", scope, sockets, count, &pool);

    let scope = Scope::start();
    let mut connections = Vec::with_capacity(count);
    writeln!(orders, "upgrade")?;
    for stream in over_tls {
        let mut connection = accept(stream, &pool).await?;
        wait(&mut connection);
        connections.push(connection);
    }
    let upgraded = show("with our connection", scope, tls, count, &pool);

    let scope = Scope::start();
    writeln!(orders, "send")?;
    for connection in &mut connections {
        let message = connection.next().await?.ok_or("closed")?;
        assert_eq!(message.len(), MESSAGE_BYTES as u64);
        drop(message);
        wait(connection);
    }
    let after = show("after a message of 1 MiB each", scope, upgraded, count, &pool);
    println!("ours alone: {} before the message, {} after it", upgraded - tls, after - tls);
    drop(orders);
    child.wait()?;
    Ok(())
}

/// Polls once for a message that does not come.
fn wait(connection: &mut Connection<TlsStream<TcpStream>>) {
    let polled = pin!(connection.next()).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "nothing was sent");
}

/// Says what each connection keeps now, all of it, and returns that.
fn show(what: &str, scope: Scope, before: i64, count: usize, pool: &Pool) -> i64 {
    let counts = scope.finish();
    let each = before + counts.live_bytes / i64::try_from(count).expect("a number of connections");
    let segments = pool.stats().in_use_bytes();
    println!("{what}: {each} bytes of the heap each, {segments} bytes of segments in all");
    each
}

async fn clients(port: u16, count: usize) -> Done {
    let mut orders = std::io::stdin().lock();
    let mut len = [0; 4];
    orders.read_exact(&mut len)?;
    let mut certificate = vec![0; usize::try_from(u32::from_le_bytes(len))?];
    orders.read_exact(&mut certificate)?;
    let connector = TlsConnector::from(client_config(certificate.into()));
    let pool = Pool::new();
    let mut orders = orders.lines();
    let (mut streams, mut over_tls, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(order) = orders.next().transpose()? {
        match &*order {
            "connect" => {
                for _ in 0..count {
                    streams.push(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?);
                }
            }
            "tls" => {
                for stream in streams.drain(..) {
                    let name = ServerName::try_from("localhost")?;
                    over_tls.push(connector.connect(name, stream).await?);
                }
            }
            "upgrade" => {
                for stream in over_tls.drain(..) {
                    let handshake = ClientHandshake::new("localhost", "/", random_nonce())?;
                    connections.push(connect(stream, handshake, &pool).await?.0);
                }
            }
            "send" => {
                let message = vec![7; MESSAGE_BYTES];
                for connection in &mut connections {
                    connection.send_binary(&message).await?;
                }
            }
            other => return Err(format!("{other} is no order").into()),
        }
    }
    Ok(())
}
