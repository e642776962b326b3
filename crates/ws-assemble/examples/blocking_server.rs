//! Sends back what comes, without a runtime: `cargo run --example blocking_server`

use core::time::Duration;
use std::{
    io,
    net::{TcpListener, TcpStream},
    thread,
};

use seg_pool::Pool;
use ws_assemble::{ConnectionError, blocking};

fn main() -> io::Result<()> {
    let (listener, pool) = (TcpListener::bind("127.0.0.1:9001")?, Pool::new());
    for stream in listener.incoming() {
        let (stream, pool) = (stream?, pool.clone());
        thread::spawn(move || serve(stream, &pool).inspect_err(|error| eprintln!("{error}")));
    }
    Ok(())
}

pub(crate) fn serve(stream: TcpStream, pool: &Pool) -> Result<(), ConnectionError> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut connection = blocking::accept(stream, pool)?;
    while let Some(message) = connection.next()? {
        connection.send(&message)?;
    }
    Ok(())
}
