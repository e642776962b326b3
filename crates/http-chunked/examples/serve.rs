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

use http_chunked::{
    AcceptEncoding, ChunkedWriter, ContentCoding, Framing, HeadWriter, Incoming, MessageError,
    RequestHead, RequestReader, Trailers,
};
use seg_flate::{Deflater, Encode, Flush, Format, Level};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

/// A connection, from which requests are read.
type Connection = Incoming<TcpStream, RequestReader>;

/// Finds the file below `folder` that a target names; nothing above it.
fn file_for(folder: &Path, target: &str) -> Option<PathBuf> {
    let path = Path::new(target.split('?').next()?.strip_prefix('/')?);
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    is_below.then(|| folder.join(path)).filter(|path| path.is_file())
}

/// Answers without a file.
fn refuse(socket: &mut TcpStream, pool: &Pool, status: u16, is_last: bool) -> io::Result<()> {
    let text = format!("{status}\n");
    let mut writer = HeadWriter::response(pool, status, b"")?;
    if is_last {
        writer.field("Connection", b"close")?;
    }
    let head = writer.finish(Some(Framing::Length(text.len() as u64)))?;
    socket.write_all(&[&head.to_vec(), text.as_bytes()].concat())
}

/// What the head before a body says.
#[derive(Clone, Copy)]
struct Coding {
    is_gzip: bool,
    has_trailers: bool,
    /// Chunked, or for a client of HTTP/1.0 until the close.
    framing: Framing,
}

impl Coding {
    fn of(head: &RequestHead) -> Self {
        let framing =
            if head.version_minor() == 0 { Framing::UntilClose } else { Framing::Chunked };
        let accepted = AcceptEncoding::from_fields(head.find_all("accept-encoding"));
        Self {
            is_gzip: accepted.choose(&[ContentCoding::Gzip]) == Some(ContentCoding::Gzip),
            has_trailers: head.has_element("te", "trailers") && framing == Framing::Chunked,
            framing,
        }
    }

    fn head(self, pool: &Pool) -> io::Result<Sequence> {
        let mut writer = HeadWriter::response(pool, 200, b"OK")?;
        if self.is_gzip {
            writer.field("Content-Encoding", b"gzip")?;
        }
        if self.has_trailers {
            writer.field("Trailer", b"X-Body-Length")?;
        }
        Ok(writer.finish(Some(self.framing))?)
    }
}

/// Sends what `source` gives, piece by piece.
fn send(
    socket: &mut TcpStream,
    pool: &Pool,
    source: &mut dyn Read,
    coding: Coding,
) -> io::Result<()> {
    let head = coding.head(pool)?;
    let is_chunked = coding.framing == Framing::Chunked;
    let mut plain = socket.try_clone()?;
    let mut writer = ChunkedWriter::new(socket, pool);
    if is_chunked {
        writer = writer.with_head(head);
    } else {
        plain.write_all(&head.to_vec())?;
    }
    let mut deflater = coding.is_gzip.then(|| Deflater::new(Format::Gzip, Level::FAST));
    let mut output = SegmentedBuf::new(pool);
    let mut len = 0;
    loop {
        let mut piece = pool.try_take_size(pool.segment_size())?;
        let count = piece.read_from(source)?;
        len += count;
        let flush = if count == 0 { Flush::Finish } else { Flush::None };
        match &mut deflater {
            Some(deflater) => {
                deflater.push(&mut &piece[..], flush, &mut output)?;
            }
            None => output.push(piece.freeze()),
        }
        let mut data = output.split();
        if is_chunked {
            writer.push_chunk(&mut data)?;
            writer.flush()?;
        } else {
            io::copy(&mut data.as_reader(), &mut plain)?;
        }
        if count == 0 {
            break;
        }
    }
    if !is_chunked {
        return Ok(());
    }
    let mut trailers = Trailers::new();
    if coding.has_trailers {
        trailers.push("X-Body-Length", len.to_string().as_bytes()).map_err(io::Error::other)?;
    }
    writer.finish(&trailers)
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
    let coding = Coding::of(&head);
    // A body until the close is the last one.
    let follows = connection.reader().keeps_alive() && coding.framing == Framing::Chunked;
    let socket = connection.socket_mut();
    match (head.method(), file_for(folder, head.path_and_query())) {
        ("GET", Some(path)) => send(socket, pool, &mut File::open(path)?, coding)?,
        // The head that GET would get, and never a body.
        ("HEAD", Some(_)) => socket.write_all(&coding.head(pool)?.to_vec())?,
        ("HEAD", None) => socket.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n")?,
        ("GET", None) => refuse(socket, pool, 404, !follows)?,
        ("POST", _) => send(socket, pool, &mut &body[..], coding)?,
        _ => refuse(socket, pool, 501, !follows)?,
    }
    connection.next_message(RequestReader::reset);
    Ok(follows)
}

fn serve(socket: TcpStream, folder: &Path) -> io::Result<()> {
    // What is written is not to wait for the client's acknowledgement.
    socket.set_nodelay(true)?;
    let pool = Pool::global();
    let mut connection = Incoming::new(socket, RequestReader::new(pool), pool);
    loop {
        match answer(&mut connection, pool, folder) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(error) => {
                let refused =
                    error.get_ref().and_then(|error| error.downcast_ref::<MessageError>());
                if let Some(status) = refused.map(|error| error.kind().status()) {
                    refuse(connection.socket_mut(), pool, status, true)?;
                }
                return Err(error);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to what a client sends before it closes its side.
    fn ask(request: &str) -> String {
        let folder = env::temp_dir().join(format!("http-chunked-serve-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("small.txt"), "hi\n").expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            // What was refused is an error of the connection as well.
            let _ = serve(listener.accept().expect("a client").0, &folder);
        });
        let mut socket = TcpStream::connect(address).expect("it listens");
        socket.write_all(request.as_bytes()).expect("it reads");
        socket.shutdown(std::net::Shutdown::Write).expect("open");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("text");
        server.join().expect("no panic");
        answer
    }

    #[test]
    fn each_client_is_answered_in_its_version_and_with_its_status() {
        for (request, expected) in [
            ("GET /small.txt HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi\n"),
            (
                "GET http://x/small.txt HTTP/1.1\r\nHost: y\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi\n\r\n0\r\n\r\n",
            ),
            (
                "GET /../a HTTP/1.1\r\nHost: y\r\n\r\n",
                "HTTP/1.1 404 \r\nContent-Length: 4\r\n\r\n404\n",
            ),
        ] {
            assert_eq!(ask(request), expected, "{request:?}");
        }
        for (status, request) in [
            (501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned()),
            (505, "GET / HTTP/2.0\r\n\r\n".to_owned()),
            (415, "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: lzma\r\nContent-Length: 1\r\n\r\nx".to_owned()),
            (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n".to_owned()),
            (414, format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(16 << 10))),
            (431, format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "a".repeat(16 << 10))),
        ] {
            let answer = ask(&request);
            let head = format!("HTTP/1.1 {status} \r\nConnection: close\r\n");
            assert!(answer.starts_with(&head), "{answer}");
        }
    }
}
