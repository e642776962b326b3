//! A reverse proxy: passes requests on to one upstream and its responses back, a connection to it for
//! each client. Bodies are linked from socket to socket, and a slow side slows the other one down.
//!
//! `cargo run --example proxy --features tokio -- UPSTREAM [--listen 127.0.0.1:8081]`

use std::{
    io::{self, ErrorKind, IoSliceMut},
    sync::Arc,
};

use futures_util::FutureExt;
use http_chunked::{
    BodyLimits, ChunkedWriter, Framing, HeadWriter, Incoming, MessageError, MessageLimits,
    RequestReader, ResponseReader, StartLine,
};
use seg_pool::Pool;
use seg_seq::Sequence;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::tcp::OwnedReadHalf,
};

type Body<S, L> = Incoming<S, http_chunked::MessageReader<L>>;

/// What is gathered for one write of a body that goes on as it came.
const WRITE_BYTES: u64 = 64 << 10;

/// Where memory comes from.
pub(crate) struct Pools {
    /// What is read. Who finds none waits.
    pub(crate) received: Pool,
    /// The heads and the size lines that are written, a few KiB a connection. Another pool, so that what is received
    /// can be written, and its memory be free, when there is nothing left to read into.
    pub(crate) sent: Pool,
}

/// Writes a head and the body that follows it. Writes when there is much, or nothing more for now.
async fn send<S: AsyncRead + Unpin, L: StartLine, W: AsyncWrite + Unpin>(
    head: Sequence,
    framing: Framing,
    body: &mut Body<S, L>,
    socket: &mut W,
    pools: &Pools,
) -> io::Result<()> {
    if framing == Framing::Chunked {
        let mut writer = ChunkedWriter::new(socket, &pools.sent).with_head(head);
        loop {
            let data = match body.next_data().now_or_never() {
                Some(data) => data?,
                None => {
                    writer.flush().await?;
                    body.next_data().await?
                }
            };
            let Some(mut data) = data else { break };
            writer.write_chunk(&mut data).await?;
        }
        return writer.finish_async(body.trailers()).await;
    }
    let mut pending = head;
    loop {
        let is_short = pending.len() < WRITE_BYTES;
        let data = match is_short.then(|| body.next_data().now_or_never()).flatten() {
            Some(data) => data?,
            None => {
                socket.write_all_buf(&mut pending).await?;
                body.next_data().await?
            }
        };
        let Some(mut data) = data else { break };
        if pending.try_append(&mut data).is_err() {
            // Without memory for a list of both, one is written after the other.
            socket.write_all_buf(&mut pending).await?;
            pending = data;
        }
    }
    socket.write_all_buf(&mut pending).await
}

/// Passes a response on, interim ones first; returns whether another may follow.
async fn respond<S: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    upstream: &mut Body<S, http_chunked::StatusLine>,
    client: &mut W,
    is_http10: bool,
    pools: &Pools,
) -> io::Result<bool> {
    loop {
        if !upstream.read_head_async().await? {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let reader = upstream.reader();
        let head = reader.head().ok_or(ErrorKind::UnexpectedEof)?;
        let mut writer = HeadWriter::response(&pools.sent, head.status(), head.reason())?;
        writer.forward(head)?;
        if !head.keeps_alive() {
            writer.field("Connection", b"close")?;
        }
        let Some(framing) = reader.framing() else {
            client.write_all_buf(&mut writer.finish(None)?).await?;
            continue;
        };
        if !reader.has_body() {
            // What an answer to HEAD, or a 304, says of the body that does not come.
            let len = head.find("content-length").and_then(|len| core::str::from_utf8(len).ok());
            let len = len.and_then(|len| len.parse().ok()).map(Framing::Length);
            let is_chunked = !is_http10 && head.has_element("transfer-encoding", "chunked");
            let framing = len.or(is_chunked.then_some(Framing::Chunked));
            client.write_all_buf(&mut writer.finish(framing)?).await?;
            return Ok(reader.keeps_alive());
        }
        let framing = match framing {
            Framing::Length(_) => framing,
            _ if is_http10 => Framing::UntilClose,
            _ => Framing::Chunked,
        };
        send(writer.finish(Some(framing))?, framing, upstream, client, pools).await?;
        return Ok(upstream.reader().keeps_alive() && framing != Framing::UntilClose);
    }
}

/// Serves one client until either side closes. Takes how their sockets read into several buffers at once.
pub(crate) async fn serve<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    (read, mut client): (R, W),
    (up, mut upstream): (R, W),
    read_vectored: fn(&R, &mut [IoSliceMut<'_>]) -> io::Result<usize>,
    pools: &Pools,
) -> io::Result<()> {
    let pool = &pools.received;
    // Bodies go through and are not kept, so they may be of any length.
    let body = BodyLimits::new().with_body_bytes_max(u64::MAX);
    let limits = MessageLimits::new().with_body(body);
    let requests = RequestReader::new(pool).keep_encoded().with_limits(limits);
    let requests = Incoming::new(read, requests, pool).with_memory_wait(true);
    let mut requests = requests.with_vectored_reads(read_vectored);
    let responses = ResponseReader::new(pool).keep_encoded().with_limits(limits);
    let responses = Incoming::new(up, responses, pool).with_memory_wait(true).stop_at_interim();
    let mut responses = responses.with_vectored_reads(read_vectored);
    loop {
        match requests.read_head_async().await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let refused =
                    error.get_ref().and_then(|error| error.downcast_ref::<MessageError>());
                let status = refused.map_or(400, |error| error.kind().status());
                let mut writer = HeadWriter::response(&pools.sent, status, b"")?;
                writer.field("Connection", b"close")?;
                client.write_all_buf(&mut writer.finish(Some(Framing::Length(0)))?).await?;
                return Err(error);
            }
        }
        let reader = requests.reader();
        let head = reader.head().ok_or(ErrorKind::UnexpectedEof)?.clone();
        let framing = reader.framing().filter(|_| reader.has_body());
        let mut writer = HeadWriter::request(&pools.sent, head.method(), head.target())?;
        if head.has_element("te", "trailers") {
            // They are passed on. The field is for one connection, so this one has its own.
            writer.field("TE", b"trailers")?.field("Connection", b"TE")?;
        }
        let wire = writer.forward(&head)?.finish(framing)?;
        responses.next_message(|reader| reader.expect_answer_to(head.request_method()));
        let framing = framing.unwrap_or(Framing::Length(0));
        let is_http10 = head.version_minor() == 0;
        let follows = {
            let mut sent =
                core::pin::pin!(send(wire, framing, &mut requests, &mut upstream, pools));
            let mut response =
                core::pin::pin!(respond(&mut responses, &mut client, is_http10, pools));
            // An upstream may answer, and close, before it has taken the request.
            tokio::select! {
                biased;
                follows = &mut response => follows,
                sent = &mut sent => match sent {
                    Ok(()) => response.await,
                    Err(error) => response.now_or_never().unwrap_or(Err(error)),
                },
            }
        };
        let follows = match follows {
            Err(error) if responses.reader().framing().is_none() => {
                let mut writer = HeadWriter::response(&pools.sent, 502, b"Bad Gateway")?;
                writer.field("Connection", b"close")?;
                client.write_all_buf(&mut writer.finish(Some(Framing::Length(0)))?).await?;
                return Err(error);
            }
            follows => follows?,
        };
        if !follows || !requests.is_ended() || !requests.reader().keeps_alive() {
            return client.shutdown().await;
        }
        requests.next_message(RequestReader::reset);
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut words = std::env::args().skip(1);
    let upstream =
        words.next().ok_or(io::Error::other("usage: proxy UPSTREAM [--listen ADDRESS]"))?;
    let address = words.nth(1).unwrap_or("127.0.0.1:8081".to_owned());
    // So much for all connections together.
    let received = Pool::builder().bytes_max(256 << 20).build();
    let sent = Pool::builder().bytes_max(64 << 20).build();
    let pools = Arc::new(Pools { received, sent });
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/", listener.local_addr()?);
    loop {
        let (client, _) = listener.accept().await?;
        let (upstream, pools) = (upstream.clone(), pools.clone());
        tokio::spawn(async move {
            let served = async {
                client.set_nodelay(true)?;
                let upstream = tokio::net::TcpStream::connect(upstream).await?;
                upstream.set_nodelay(true)?;
                let (client, upstream) = (client.into_split(), upstream.into_split());
                serve(client, upstream, OwnedReadHalf::try_read_vectored, &pools).await
            };
            if let Err(error) = served.await {
                eprintln!("connection: {error}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex, split};

    use super::*;

    /// Serves sockets that do not read into several buffers.
    async fn serve(
        client: DuplexStream,
        upstream: DuplexStream,
        received: &Pool,
    ) -> io::Result<()> {
        let pools = Pools { received: received.clone(), sent: Pool::new() };
        let served = super::serve(split(client), split(upstream), read_nothing, &pools).await;
        assert_eq!(pools.sent.stats().in_use_bytes(), 0);
        served
    }

    fn read_nothing<R>(_: &R, _: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Err(ErrorKind::WouldBlock.into())
    }

    /// What the upstream gets of what a client sends, and the client of what the upstream answers; both
    /// close after that. The answer to a request comes after all of it.
    fn pass(requests: &[&str], answers: &[&str]) -> (String, String) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let pool = Pool::new();
            let ((mut client, near), (far, mut upstream)) = (duplex(1 << 20), duplex(1 << 20));
            let (mut sent, mut got) = (String::new(), String::new());
            let script = async {
                for (request, answer) in requests.iter().zip(answers) {
                    client.write_all(request.as_bytes()).await.expect("the proxy reads");
                    let mut octets = [0; 1 << 10];
                    let len = upstream.read(&mut octets).await.expect("the proxy writes");
                    sent.push_str(core::str::from_utf8(&octets[..len]).expect("text"));
                    upstream.write_all(answer.as_bytes()).await.expect("the proxy reads");
                    let mut octets = [0; 1 << 10];
                    while !answer.is_empty() {
                        let len = client.read(&mut octets).await.expect("the proxy writes");
                        got.push_str(core::str::from_utf8(&octets[..len]).expect("text"));
                        // The last answer ends with an exclamation mark, a last chunk or a head.
                        if len == 0 || got.ends_with(['!', '\n']) {
                            break;
                        }
                    }
                }
                client.shutdown().await.expect("open");
                upstream.shutdown().await.expect("open");
                client.read_to_string(&mut got).await.expect("text");
                upstream.read_to_string(&mut sent).await.expect("text");
            };
            // A refused message is an error of the connection as well.
            let (_, ()) = tokio::join!(serve(near, far, &pool), script);
            assert_eq!(pool.stats().in_use_bytes(), 0);
            (sent, got)
        })
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn what_a_response_says_of_its_body_is_what_is_passed_on() {
        let head = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        let old = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
        for (request, answer, expected) in [
            (GET, "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n"),
            (
                GET,
                "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
                "HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n",
            ),
            (
                head,
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            ),
            (
                head,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            (
                GET,
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!",
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi!",
            ),
            (
                GET,
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi!\r\n0\r\nETag: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi!\r\n0\r\nETag: x\r\n\r\n",
            ),
            (
                old,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi!\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi!",
            ),
            (
                GET,
                "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
                "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!",
            ),
            (
                GET,
                "nonsense\r\n\r\n",
                "HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            ),
        ] {
            assert_eq!(pass(&[request], &[answer]).1, expected, "{answer:?}");
        }
    }

    #[test]
    fn long_bodies_go_through_whole_however_slowly_they_are_taken() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let body: String = (0..1_000_000).map(|at| char::from(b'a' + (at % 23) as u8)).collect();
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
        let until_close = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
        for (answer, most) in [(head, 1 << 20), (head, 1_000), (until_close, 10_000)] {
            runtime.block_on(async {
                let pool = Pool::new();
                let ((mut client, near), (far, mut upstream)) = (duplex(most), duplex(1 << 20));
                let script = async {
                    client.write_all(GET.as_bytes()).await.expect("the proxy reads");
                    client.shutdown().await.expect("open");
                    upstream.write_all(answer.as_bytes()).await.expect("the proxy reads");
                    upstream.write_all(body.as_bytes()).await.expect("the proxy reads");
                    upstream.shutdown().await.expect("open");
                    let reader = ResponseReader::new(&pool);
                    Incoming::new(&mut client, reader, &pool).collect_async().await
                };
                let (served, got) = tokio::join!(serve(near, far, &pool), script);
                served.expect("good");
                let got = got.expect("a body");
                assert!(got.bytes() == body.as_bytes(), "{answer:?}: {} bytes", got.len());
            });
        }
    }

    #[test]
    fn requests_follow_each_other_and_lose_what_is_for_one_connection() {
        let post = "POST /b HTTP/1.1\r\nTE: trailers\r\nConnection: TE\r\nHost: a\r\nConnection: x\r\nX: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n";
        let (sent, got) = pass(&[GET, post], &["HTTP/1.1 204 A\r\n\r\n", "HTTP/1.1 204 B\r\n\r\n"]);
        let passed = post.replace("Connection: x\r\nX: 1\r\n", "");
        assert_eq!(sent, [GET, &passed].concat());
        assert_eq!(got, "HTTP/1.1 204 A\r\n\r\nHTTP/1.1 204 B\r\n\r\n");
    }

    #[test]
    fn a_client_that_waits_is_told_to_go_on_by_the_upstream() {
        let head =
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
        let (sent, got) = pass(
            &[head, "hi"],
            &["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        );
        assert_eq!(sent, [head, "hi"].concat());
        assert_eq!(
            got,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn a_pool_that_is_used_up_slows_a_download_down_and_ends_nothing() {
        const LEN: usize = 300_000;
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            for head in
                ["Content-Length: 300000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n493e0\r\n"]
            {
                let pool = Pool::builder().bytes_max(256 << 10).build();
                let ((mut client, near), (far, mut upstream)) = (duplex(4_096), duplex(1 << 20));
                let mut others = Vec::new();
                let script = async {
                    client.write_all(GET.as_bytes()).await.expect("open");
                    let mut octets = [0; 100];
                    let _ = upstream.read(&mut octets).await.expect("the request");
                    let answer =
                        [b"HTTP/1.1 200 OK\r\n", head.as_bytes(), &[b'x'; LEN], b"\r\n0\r\n\r\n"];
                    upstream.write_all(&answer.concat()).await.expect("open");
                    let mut got = 0;
                    while got < LEN {
                        // All that is free goes, now and again for a while.
                        while let Ok(segment) = pool.try_take(256) {
                            others.push(segment);
                        }
                        for _ in 0..9 {
                            tokio::task::yield_now().await;
                        }
                        others.clear();
                        let mut octets = [0; 4_096];
                        let len = client.read(&mut octets).await.expect("open");
                        got += octets[..len].iter().filter(|&&octet| octet == b'x').count();
                    }
                    drop((client, upstream));
                };
                // The client closes before it has seen the end.
                let (_, ()) = tokio::join!(serve(near, far, &pool), script);
                assert_eq!(pool.stats().in_use_bytes(), 0);
                assert!(pool.stats().refused() > 0, "it never was used up");
            }
        });
    }

    #[test]
    fn a_request_that_is_refused_is_answered_with_its_status() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let ((mut client, near), (far, _upstream)) = (duplex(1 << 10), duplex(1 << 10));
            client.write_all(b"GET / HTTP/2.0\r\n\r\n").await.expect("open");
            let served = serve(near, far, &Pool::new()).await;
            assert_eq!(served.expect_err("refused").kind(), ErrorKind::InvalidData);
            let mut got = String::new();
            client.read_to_string(&mut got).await.expect("text");
            assert!(got.starts_with("HTTP/1.1 505 \r\nConnection: close\r\n"), "{got}");
        });
    }
}
