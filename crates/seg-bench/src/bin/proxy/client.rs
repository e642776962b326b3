//! The client: sends what is to go through a proxy, and checks what comes back.

use core::time::Duration;
use std::{io::Write as _, net::TcpStream, thread};

use anyhow::ensure;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, client};
use hyper_util::rt::TokioIo;

use crate::{Traffic, child, origin};

/// How long unread downloads are left alone: buffers are full by then.
const STALL: Duration = Duration::from_secs(2);

pub(crate) fn run(port: u16, traffic: Traffic, bytes: u64) -> anyhow::Result<()> {
    if let Traffic::Stalled(count) = traffic {
        let ask = |_| {
            let mut socket = TcpStream::connect(("127.0.0.1", port))?;
            write!(socket, "GET /{bytes} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            std::io::Result::Ok(socket)
        };
        let sockets = (0..count).map(ask).collect::<Result<Vec<_>, _>>()?;
        thread::sleep(STALL);
        drop(sockets);
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let socket = TokioIo::new(child::connect(port).await?);
        let (mut sender, connection) = client::conn::http1::handshake(socket).await?;
        tokio::spawn(connection);
        let nothing = Empty::<Bytes>::new().map_err(|never| match never {}).boxed();
        let (method, path, body) = match traffic {
            Traffic::Up => ("POST", "/count".to_owned(), origin::body(bytes)),
            Traffic::Echo => ("POST", "/echo".to_owned(), origin::body(bytes)),
            _ => ("GET", format!("/{bytes}"), nothing),
        };
        let request = Request::builder().method(method).uri(path).header("host", "localhost");
        let response = sender.send_request(request.body(body)?).await?;
        ensure!(response.status() == 200, "{}", response.status());
        let body = response.into_body();
        let len = match traffic {
            Traffic::Up => {
                let answer = body.collect().await?.to_bytes();
                core::str::from_utf8(&answer)?.parse()?
            }
            _ => origin::length(body).await?,
        };
        ensure!(len == bytes, "{len} bytes came through instead of {bytes}");
        Ok(())
    })
}
