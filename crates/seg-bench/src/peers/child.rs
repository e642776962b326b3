//! The inside of the child process.
//!
//! Its stdin carries the input, first its length in 8 bytes, little-endian, then its bytes, and stays
//! open afterwards: when it closes, the parent is gone and the child ends. Its stdout carries one
//! line: `ready HTTP-PORT WS-PORT`.

use core::convert::Infallible;
use std::{
    io::{self, Read, Write},
    process, thread,
};

use tokio::{net::TcpListener, runtime};

use super::{Payload, http_origin, ws_server};

/// Serves until stdin closes, then ends the process.
///
/// # Errors
///
/// Returns an error when the input does not come whole, and when no port can be had.
pub fn serve() -> io::Result<Infallible> {
    let payload = Payload::new(read_input(&mut io::stdin().lock())?)?;
    thread::spawn(end_with_stdin);
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let http = TcpListener::bind(("127.0.0.1", 0)).await?;
        let ws = TcpListener::bind(("127.0.0.1", 0)).await?;
        announce(&http, &ws)?;
        let http = tokio::spawn(http_origin::serve(http, payload.clone()));
        let ws = ws_server::serve(ws, payload).await;
        http.abort();
        ws
    })
}

fn announce(http: &TcpListener, ws: &TcpListener) -> io::Result<()> {
    let (http, ws) = (http.local_addr()?.port(), ws.local_addr()?.port());
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "ready {http} {ws}")?;
    stdout.flush()
}

/// Reads the input that [`Peers`](super::Peers) sends.
pub(super) fn read_input(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut len = [0; 8];
    from.read_exact(&mut len)?;
    let len = u64::from_le_bytes(len);
    let mut input = Vec::new();
    let capacity = usize::try_from(len).map_err(|_| io::ErrorKind::OutOfMemory)?;
    input.try_reserve_exact(capacity)?;
    if from.take(len).read_to_end(&mut input)? == capacity {
        Ok(input)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

/// Writes an input as [`read_input`] reads it.
pub(super) fn write_input(to: &mut impl Write, input: &[u8]) -> io::Result<()> {
    to.write_all(&(input.len() as u64).to_le_bytes())?;
    to.write_all(input)?;
    to.flush()
}

/// The parent writes nothing more, so any end of this read means that it is gone.
fn end_with_stdin() {
    let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
    process::exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_comes_whole_or_not_at_all() {
        let mut wire = Vec::new();
        write_input(&mut wire, b"hello").expect("memory");
        assert_eq!(read_input(&mut wire.as_slice()).expect("a whole input"), b"hello");
        for cut in 0..wire.len() {
            assert!(read_input(&mut &wire[..cut]).is_err(), "cut before byte {cut}");
        }
    }

    #[test]
    fn a_length_that_no_memory_holds_is_an_error() {
        assert!(read_input(&mut [0xFF; 16].as_slice()).is_err());
    }
}
