//! Tries a server with all kinds of messages and says how each case went:
//! `cargo run --example exercise --features deflate,rustls -- ws://127.0.0.1:9001 [--deflate [--reset] [--window BITS]]`
//!
//! With `--ca FILE` it trusts these certificates.
//!
//! The server's targets: `/` echoes; `/fragments` echoes in many frames with pings between them;
//! `/pings` answers `pong` when its ping was answered; `/extensions` answers with what it agreed to;
//! `/close/CODE` closes at the first message; `/last-close` answers with the code and the reason that
//! the last client of `/` closed with. `interop/ws` has two such servers.

use core::{error::Error, fmt::Write as _, future::Future, time::Duration};
use std::{env, process::ExitCode, sync::Arc, time::Instant};

use seg_flate::WindowBits;
use seg_pool::Pool;
use tokio::{net::TcpStream, time::timeout};
use ws_assemble::{
    CloseCode, CloseFrame, ControlPayload, DeflateConfig, Message, MessageKind, UrlStream,
    connect_url_with,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
    tls_config,
};

type Connection = ws_assemble::Connection<UrlStream<TcpStream>>;

type Done = Result<(), Box<dyn Error>>;

const USAGE: &str = "usage: exercise URL [--ca FILE] [--deflate [--reset] [--window BITS]]";

/// How long a case may take.
const CASE_MAX: Duration = Duration::from_secs(30);

/// Characters of one to four bytes.
const CHARACTERS: &str = "aé€𝄞";

/// The server, and how to talk to it.
struct Tried {
    url: String,
    tls: Arc<ClientConfig>,
    deflate: Option<DeflateConfig>,
    pool: Pool,
}

impl Tried {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (url, mut tls) = (arguments.next()?, tls_config());
        let mut deflate: Option<DeflateConfig> = None;
        while let Some(argument) = arguments.next() {
            if argument == "--ca" {
                tls = trusting(&arguments.next()?).ok()?;
                continue;
            }
            deflate = Some(match (argument.as_str(), deflate) {
                ("--deflate", None) => DeflateConfig::default().with_bytes_min(0),
                ("--reset", Some(options)) => {
                    options.without_server_takeover().without_client_takeover()
                }
                ("--window", Some(options)) => {
                    let bits = WindowBits::new(arguments.next()?.parse().ok()?)?;
                    options.with_server_window(bits).with_client_window(bits)
                }
                _ => return None,
            });
        }
        Some(Self { url, tls, deflate, pool: Pool::new() })
    }

    async fn open(&self, target: &str) -> Result<Connection, Box<dyn Error>> {
        let url = format!("{}{target}", self.url);
        let opened = connect_url_with(&url, &self.tls, &self.pool, |handshake| {
            Ok(match &self.deflate {
                Some(config) => handshake.deflate(config.clone()),
                None => handshake,
            })
        });
        let opened = opened.await?;
        Ok(opened.0)
    }
}

fn trusting(path: &str) -> Result<Arc<ClientConfig>, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Runs a case and says how it went; returns whether well.
async fn case(name: &str, case: impl Future<Output = Done>) -> bool {
    let start = Instant::now();
    let done = match timeout(CASE_MAX, case).await {
        Ok(done) => done,
        Err(_) => Err("not done in time".into()),
    };
    let seconds = start.elapsed().as_secs_f64();
    match &done {
        Ok(()) => println!("ok {seconds:.3} {name}"),
        Err(error) => println!("failed {seconds:.3} {name}: {error}"),
    }
    done.is_ok()
}

fn ensure(is_right: bool, why: &str) -> Done {
    if is_right { Ok(()) } else { Err(why.into()) }
}

/// Makes a text of at most so many bytes whose characters have all lengths.
fn text(bytes: usize) -> String {
    CHARACTERS
        .chars()
        .cycle()
        .scan(0, |len, character| {
            *len += character.len_utf8();
            (*len <= bytes).then_some(character)
        })
        .collect()
}

fn binary(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index.wrapping_mul(index) >> 7).to_le_bytes()[0]).collect()
}

/// Sends a message and expects the same.
async fn echo(connection: &mut Connection, message: &Message) -> Done {
    connection.send(message).await?;
    expect(connection, message).await
}

async fn expect(connection: &mut Connection, message: &Message) -> Done {
    let echoed = connection.next().await?.ok_or("closed")?;
    ensure(echoed.kind() == message.kind(), "another kind of message")?;
    ensure(echoed.sequence() == message.sequence(), "another message")
}

/// Sends a text and returns the answer.
async fn ask(connection: &mut Connection) -> Result<String, Box<dyn Error>> {
    connection.send_text("?").await?;
    let answer = connection.next().await?.ok_or("closed")?;
    Ok(answer.as_str().ok_or("not a text")?.to_owned())
}

async fn close(mut connection: Connection) -> Done {
    Ok(connection.close(&CloseFrame::new(CloseCode::NORMAL, "")).await?)
}

/// Every length around those where the header changes, as both kinds.
async fn lengths(tried: &Tried, target: &str) -> Done {
    let mut connection = tried.open(target).await?;
    for bytes in [0, 1, 2, 3, 124, 125, 126, 127, 1000, 65535, 65536, 65537, 1 << 20] {
        echo(&mut connection, &Message::text(text(bytes))).await?;
        echo(&mut connection, &Message::binary(binary(bytes))).await?;
    }
    close(connection).await
}

async fn large(tried: &Tried, target: &str) -> Done {
    let mut connection = tried.open(target).await?;
    echo(&mut connection, &Message::binary(binary(16 << 20))).await?;
    echo(&mut connection, &Message::text(text(16 << 20))).await?;
    close(connection).await
}

/// Sends messages in fragments that cut characters.
async fn fragments(tried: &Tried) -> Done {
    let mut connection = tried.open("/").await?;
    let whole = text(300_000);
    for fragment_bytes in [1_u16, 7, 125, 1000, 50_000] {
        // Many servers limit the number of fragments, some to 1000; `CHARACTERS` are ten bytes.
        let part = &whole.as_bytes()[..whole.len().min(1000 * usize::from(fragment_bytes))];
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let mut writer = connection.start(kind, fragment_bytes.into())?;
            for piece in part.chunks(1 << 13) {
                writer.write(piece).await?;
            }
            writer.finish().await?;
            let bytes = part.to_vec();
            let sent = match kind {
                MessageKind::Text => Message::text(String::from_utf8(bytes)?),
                MessageKind::Binary => Message::binary(bytes),
            };
            expect(&mut connection, &sent).await?;
        }
    }
    close(connection).await
}

/// Sends many at once and reads them in batches.
async fn batches(tried: &Tried) -> Done {
    const COUNT: usize = 5000;
    let mut connection = tried.open("/").await?;
    let (mut echoed, mut batch) = (0, Vec::new());
    for start in (0..COUNT).step_by(100) {
        for number in start..start + 100 {
            connection.queue(&Message::text(format!("message {number}"))).await?;
        }
        connection.flush().await?;
        while echoed < start + 100 {
            ensure(connection.next_batch(&mut batch).await? > 0, "closed")?;
            for message in batch.drain(..) {
                ensure(message.as_str() == Some(&format!("message {echoed}")), "another order")?;
                echoed += 1;
            }
        }
    }
    close(connection).await
}

async fn pings(tried: &Tried) -> Done {
    let mut connection = tried.open("/pings").await?;
    for payload in ["", "ping", CHARACTERS, &"p".repeat(125)] {
        let payload = ControlPayload::new(payload.as_bytes()).ok_or("too long")?;
        connection.ping(&payload).await?;
        ensure(ask(&mut connection).await? == "pong", "its ping was not answered")?;
    }
    close(connection).await
}

async fn closed_by_us(tried: &Tried) -> Done {
    for (code, reason) in [(1000, ""), (1001, "leaving"), (3000, CHARACTERS), (4999, "")] {
        let mut connection = tried.open("/").await?;
        echo(&mut connection, &Message::text("hello")).await?;
        let code = CloseCode::new(code).ok_or("no such code")?;
        connection.close(&CloseFrame::new(code, reason)).await?;
        let mut told = format!("{}", code.get());
        write!(told, " {reason}")?;
        let mut asking = tried.open("/last-close").await?;
        let heard = ask(&mut asking).await?;
        ensure(heard == told, &format!("it heard {heard}"))?;
        close(asking).await?;
    }
    Ok(())
}

async fn closed_by_peer(tried: &Tried) -> Done {
    for code in [1000, 1001, 1011, 3000, 4999] {
        let mut connection = tried.open(&format!("/close/{code}")).await?;
        connection.send_text("close").await?;
        ensure(connection.next().await?.is_none(), "a message instead of the end")?;
        ensure(connection.send_text("more").await.is_err(), "sent after the end")?;
    }
    Ok(())
}

async fn extensions(tried: &Tried) -> Done {
    let mut connection = tried.open("/extensions").await?;
    let agreed = ask(&mut connection).await?;
    let is_right = agreed.contains("permessage-deflate") == tried.deflate.is_some();
    ensure(is_right, &format!("it agreed to {agreed:?}"))?;
    close(connection).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(tried) = Tried::parse(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut is_good = case("extensions", extensions(&tried)).await;
    is_good &= case("lengths from 0 to 1 MiB", lengths(&tried, "/")).await;
    is_good &= case("16 MiB", large(&tried, "/")).await;
    is_good &= case("fragments sent", fragments(&tried)).await;
    is_good &= case("fragments and pings received", lengths(&tried, "/fragments")).await;
    is_good &= case("16 MiB in fragments received", large(&tried, "/fragments")).await;
    is_good &= case("5000 small in batches", batches(&tried)).await;
    is_good &= case("pings and pongs", pings(&tried)).await;
    is_good &= case("closed by us", closed_by_us(&tried)).await;
    is_good &= case("closed by the peer", closed_by_peer(&tried)).await;
    println!("done");
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
