//! A small curl: fetches a URL and writes the body to standard output or to a file.
//!
//! `cargo run --example fetch -- http://127.0.0.1:8080/ [--output FILE] [--assembly streamed|segmented|contiguous] [--stats]`
//!
//! `streamed` writes the body as it comes, in constant memory; the other two keep all of it first.

use core::{error::Error, iter};
use std::{
    env,
    fs::File,
    io::{self, BufRead, IsTerminal, Write},
    net::TcpStream,
    process::ExitCode,
    time::Instant,
};

use http_chunked::{Assembly, BodyLimits, Incoming, MessageLimits, MessageStep, ResponseReader};
use seg_pool::{Pool, Segment};

const USAGE: &str =
    "usage: fetch URL [--output FILE] [--assembly streamed|segmented|contiguous] [--stats]";

/// What the command line asks for.
struct Arguments {
    authority: String,
    target: String,
    output: Option<String>,
    /// `None`: streamed.
    assembly: Option<Assembly>,
    has_stats: bool,
}

fn arguments() -> Option<Arguments> {
    let (mut url, mut output, mut assembly, mut has_stats) = (None, None, None, false);
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--output" => output = Some(words.next()?),
            "--stats" => has_stats = true,
            "--assembly" => {
                assembly = match words.next()?.as_str() {
                    "streamed" => None,
                    "segmented" => Some(Assembly::Segmented),
                    "contiguous" => Some(Assembly::Contiguous),
                    _ => return None,
                }
            }
            word if word.starts_with("--") => return None,
            _ => url = Some(word),
        }
    }
    let rest = url?.strip_prefix("http://")?.to_owned();
    let (authority, path) = rest.split_once('/').unwrap_or((&rest, ""));
    let (authority, target) = (authority.to_owned(), format!("/{path}"));
    Some(Arguments { authority, target, output, assembly, has_stats })
}

/// Connects and asks for the target.
fn ask(arguments: &Arguments) -> io::Result<TcpStream> {
    let Arguments { authority, target, .. } = arguments;
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let address = if has_port { authority.clone() } else { format!("{authority}:80") };
    let mut socket = TcpStream::connect(address)?;
    write!(
        socket,
        "GET {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: */*\r\n\
         Accept-Encoding: gzip, deflate\r\nTE: trailers\r\nConnection: close\r\n\r\n",
    )?;
    Ok(socket)
}

/// Shows how far the body came, on a terminal and not for each piece.
struct Progress {
    is_shown: bool,
    last: Instant,
}

impl Progress {
    fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal(), last: Instant::now() }
    }

    fn tell(&mut self, bytes: u64) {
        if self.is_shown && self.last.elapsed().as_millis() > 100 {
            eprint!("\r{:>9.1} MiB", bytes as f64 / (1 << 20) as f64);
            self.last = Instant::now();
        }
    }

    fn end(&self) {
        if self.is_shown {
            eprint!("\r\x1b[K");
        }
    }
}

/// Writes the body as it comes; returns its length.
fn stream(
    socket: TcpStream,
    reader: ResponseReader,
    pool: &Pool,
    output: &mut dyn Write,
) -> io::Result<u64> {
    let mut incoming = Incoming::new(socket, reader, pool);
    incoming.read_head()?;
    if let Some(head) = incoming.reader().head() {
        tell_status(head.status(), head.reason());
    }
    let (mut progress, mut len) = (Progress::new(), 0);
    loop {
        let data = incoming.fill_buf()?;
        if data.is_empty() {
            break;
        }
        output.write_all(data)?;
        let count = data.len();
        incoming.consume(count);
        len += count as u64;
        progress.tell(len);
    }
    progress.end();
    tell_trailers(incoming.trailers());
    Ok(len)
}

/// Keeps the whole body and then writes it; returns its length.
fn keep(
    mut socket: TcpStream,
    mut reader: ResponseReader,
    pool: &Pool,
    output: &mut dyn Write,
) -> Result<u64, Box<dyn Error>> {
    let mut progress = Progress::new();
    'response: loop {
        let mut received = pool.try_take(16_384)?;
        if received.read_from(&mut socket)? == 0 {
            reader.finish()?;
            break;
        }
        let mut received: Segment = received.freeze();
        loop {
            match reader.push(&mut received)? {
                MessageStep::NeedMore => break,
                MessageStep::End => break 'response,
                MessageStep::Head | MessageStep::Interim => {}
            }
        }
        progress.tell(reader.body_len());
    }
    progress.end();
    let response = reader.take_message().ok_or("no response")?;
    tell_status(response.head().status(), response.head().reason());
    tell_trailers(response.body().trailers());
    for chunk in response.body().sequence().chunks() {
        output.write_all(chunk)?;
    }
    Ok(response.body().len())
}

fn tell_status(status: u16, reason: &[u8]) {
    if status >= 400 {
        eprintln!("status {status} {}", reason.escape_ascii());
    }
}

fn tell_trailers(trailers: &http_chunked::Trailers) {
    for (name, value) in trailers {
        eprintln!("trailer {name}: {}", value.escape_ascii());
    }
}

/// An error and what caused it: each displays its own level.
fn tell_error(error: &(dyn Error + 'static)) {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    let causes: String = causes.map(|cause| format!(": {cause}")).collect();
    eprintln!("error: {error}{causes}");
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let pool = Pool::builder().bytes_max(256 << 20).build();
    let limits = MessageLimits::new().with_body(BodyLimits::new().with_body_bytes_max(1 << 40));
    let reader = ResponseReader::new(&pool).with_limits(limits);
    let reader = reader.with_assembly(arguments.assembly.unwrap_or_default());
    let mut output: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(File::create(path)?),
        None => Box::new(io::stdout().lock()),
    };
    let socket = ask(arguments)?;
    let len = match arguments.assembly {
        None => stream(socket, reader, &pool, &mut output)?,
        Some(_) => keep(socket, reader, &pool, &mut output)?,
    };
    output.flush()?;
    if arguments.has_stats {
        let seconds = start.elapsed().as_secs_f64();
        let rate = len as f64 / seconds / 1e6;
        eprintln!("{len} bytes in {seconds:.3} s, {rate:.1} MB/s");
        eprintln!("most memory of the pool: {} bytes", pool.stats().held_bytes_peak());
    }
    Ok(())
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell_error(&*error);
            ExitCode::FAILURE
        }
    }
}
