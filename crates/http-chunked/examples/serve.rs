//! A server on our reader and encoder: sends files below a folder chunked, compressed for who takes
//! gzip, with the length as a trailer; and sends back what is posted.
//!
//! `cargo run --example serve -- [FOLDER] [--listen 127.0.0.1:8080]`

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Component, Path, PathBuf},
    process::ExitCode,
    thread,
};

use http_chunked::{ChunkedWriter, Incoming, RequestHead, RequestReader, Trailers};
use seg_flate::{Deflater, Flush, Format, Level};
use seg_pool::Pool;
use seg_seq::SegmentedBuf;

/// A connection, from which requests are read.
type Connection = Incoming<TcpStream, RequestReader>;

/// Finds the file below `folder` that a target names; nothing above it.
fn file_for(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = Path::new(target.split('?').next()?.strip_prefix('/')?);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| folder.join(path)).filter(|path| path.is_file())
}

fn accepts(head: &RequestHead, name: &str, word: &str) -> bool {
    let mut words = head.find_all(name).flat_map(|value| value.split(|&octet| octet == b','));
    words.any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

/// Answers without a file.
fn refuse(socket: &mut TcpStream, status: &str) -> io::Result<()> {
    write!(socket, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{status}\n", status.len() + 1)
}

/// Sends the head in front of a chunked body.
fn send_head(socket: &mut TcpStream, is_gzip: bool, has_trailers: bool) -> io::Result<()> {
    let encoding = if is_gzip { "Content-Encoding: gzip\r\n" } else { "" };
    let trailer = if has_trailers { "Trailer: X-Body-Length\r\n" } else { "" };
    let coding = "Transfer-Encoding: chunked";
    // In one write, where `write!` makes one for each part.
    socket.write_all(format!("HTTP/1.1 200 OK\r\n{encoding}{trailer}{coding}\r\n\r\n").as_bytes())
}

/// Sends what `source` gives as a chunked body.
fn send(
    socket: &mut TcpStream,
    pool: &Pool,
    source: &mut dyn Read,
    is_gzip: bool,
    has_trailers: bool,
) -> io::Result<()> {
    send_head(socket, is_gzip, has_trailers)?;
    let mut writer = ChunkedWriter::new(socket, pool);
    let mut deflater = is_gzip.then(|| Deflater::new(Format::Gzip, Level::FAST));
    let mut output = SegmentedBuf::new(pool);
    let mut len = 0;
    loop {
        let mut piece = pool.try_take_size(pool.segment_size()).map_err(io::Error::other)?;
        let count = piece.read_from(source)?;
        len += count;
        let flush = if count == 0 { Flush::Finish } else { Flush::None };
        match &mut deflater {
            Some(deflater) => {
                deflater.push(&mut &piece[..], flush, &mut output).map_err(io::Error::other)?;
            }
            None => output.push(piece.freeze()),
        }
        writer.push_chunk(&mut output.split())?;
        writer.flush()?;
        if count == 0 {
            break;
        }
    }
    let mut trailers = Trailers::new();
    if has_trailers {
        trailers.push("X-Body-Length", len.to_string().as_bytes()).map_err(io::Error::other)?;
    }
    writer.finish(&trailers).map(drop)
}

/// Reads one request and answers it; returns whether another may follow.
fn answer(connection: &mut Connection, pool: &Pool, folder: &Path) -> io::Result<bool> {
    if !connection.read_head()? {
        return Ok(false);
    }
    let Some(head) = connection.reader().head().cloned() else { return Ok(false) };
    if head.expects_continue() {
        connection.socket_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    connection.read_to_end(&mut body)?;
    let is_gzip = accepts(&head, "accept-encoding", "gzip");
    let has_trailers = accepts(&head, "te", "trailers");
    let keeps_alive = connection.reader().keeps_alive();
    let socket = connection.socket_mut();
    match head.method() {
        "GET" => match file_for(folder, head.target()) {
            Some(path) => send(socket, pool, &mut File::open(path)?, is_gzip, has_trailers)?,
            None => refuse(socket, "404 Not Found")?,
        },
        // The head that GET would get, and never a body.
        "HEAD" => match file_for(folder, head.target()) {
            Some(_) => send_head(socket, is_gzip, has_trailers)?,
            None => write!(socket, "HTTP/1.1 404 Not Found\r\n\r\n")?,
        },
        "POST" => send(socket, pool, &mut &body[..], is_gzip, has_trailers)?,
        _ => refuse(socket, "501 Not Implemented")?,
    }
    connection.next_message(RequestReader::reset);
    // The answer to HTTP/1.0 would have to be closed by the end of the connection.
    Ok(keeps_alive && head.version_minor() > 0)
}

fn serve(socket: TcpStream, folder: &Path) -> io::Result<()> {
    // The head and the body are written apart; neither is to wait for the client's acknowledgement.
    socket.set_nodelay(true)?;
    let pool = Pool::global();
    let mut connection = Incoming::new(socket, RequestReader::new(pool), pool);
    loop {
        match answer(&mut connection, pool, folder) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                refuse(connection.socket_mut(), "400 Bad Request")?;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
    }
}

fn run() -> io::Result<()> {
    let (mut folder, mut address) = (PathBuf::from("."), "127.0.0.1:8080".to_owned());
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--listen" => address = words.next().unwrap_or(address),
            _ => folder = word.into(),
        }
    }
    let listener = TcpListener::bind(address)?;
    println!("listening on http://{}/", listener.local_addr()?);
    for socket in listener.incoming() {
        let (socket, folder) = (socket?, folder.clone());
        thread::spawn(move || {
            if let Err(error) = serve(socket, &folder) {
                eprintln!("connection: {error}");
            }
        });
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
