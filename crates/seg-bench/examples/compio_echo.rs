//! An echo over compio: the kernel reads into segments of our pool and writes from them, by io_uring
//! where it may, by polling elsewhere.
//!
//! `cargo run --example compio_echo`
//!
//! It lies here and not beside seg-pool, because compio needs a newer Rust than seg-pool promises.
#![cfg_attr(test, expect(unsafe_code, reason = "makes buffers as a driver does"))]

use std::io;

use compio::{
    BufResult,
    buf::{IntoInner as _, IoBufMut as _},
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};

const MESSAGE_BYTES: usize = 1 << 20;

fn main() -> io::Result<()> {
    let pool = Pool::builder().bytes_max(16 << 20).build();
    let runtime = Runtime::new()?;
    let echoed = runtime.block_on(echo_once(&pool))?;
    println!("{} bytes came back through {:?}", echoed.len(), runtime.driver_type());
    Ok(())
}

/// Sends back what comes, segment by segment, until the stream ends. Copies nothing.
async fn serve(stream: impl AsyncRead + AsyncWrite, pool: &Pool) -> io::Result<()> {
    let mut stream = stream;
    loop {
        let buffer = pool.try_take(16_384)?;
        let BufResult(count, buffer) = stream.read(buffer).await;
        if count? == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(buffer.freeze()).await.0?;
    }
}

/// Sends a message in one vectored write, and returns its echo.
async fn echo_once(pool: &Pool) -> io::Result<Sequence> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let pool_of_server = pool.clone();
    let server = compio::runtime::spawn(async move {
        let (stream, _) = listener.accept().await?;
        serve(stream, &pool_of_server).await
    });
    let stream = TcpStream::connect(address).await?;
    let (mut reader, mut writer) = (stream.clone(), stream);
    let message = message(pool)?;
    let sent = message.clone();
    let writing = compio::runtime::spawn(async move {
        writer.write_vectored_all(sent).await.0?;
        writer.shutdown().await
    });
    let mut echo = SegmentedBuf::new(pool);
    while echo.len() < message.len() {
        let buffer = pool.try_take(16_384)?;
        // Into the spare capacity of a segment: two reads fill it, where one is short.
        let BufResult(first, buffer) = reader.read(buffer.uninit()).await;
        let BufResult(second, buffer) = reader.read(buffer.into_inner().uninit()).await;
        let buffer = buffer.into_inner();
        assert_eq!(buffer.len(), first? + second?);
        if buffer.is_empty() {
            break;
        }
        echo.push(buffer.freeze());
    }
    let ended = |_| io::Error::other("a task ended early");
    writing.await.map_err(ended)??;
    server.await.map_err(ended)??;
    assert_eq!(echo.sequence(), message);
    Ok(echo.freeze())
}

fn message(pool: &Pool) -> io::Result<Sequence> {
    let mut message = SegmentedBuf::new(pool);
    let line = b"All animals are equal, but some animals are more equal than others. ";
    while message.len() < MESSAGE_BYTES as u64 {
        message.try_extend_from_slice(line)?;
    }
    Ok(message.freeze())
}

#[cfg(test)]
mod tests {
    use compio::{
        buf::{IoBuf as _, IoVectoredBuf as _, SetLen as _},
        driver::{DriverType, ProactorBuilder},
    };
    use seg_pool::Segment;

    use super::*;

    /// A runtime on this driver.
    fn runtime(driver: DriverType) -> io::Result<Runtime> {
        let mut proactor = ProactorBuilder::new();
        proactor.driver_type(driver);
        Runtime::builder().with_proactor(proactor).build()
    }

    fn echoes(driver: DriverType) -> io::Result<()> {
        let runtime = runtime(driver)?;
        assert_eq!(runtime.driver_type(), driver);
        let pool = Pool::builder().bytes_max(16 << 20).build();
        let echoed = runtime.block_on(echo_once(&pool))?;
        assert!(echoed.len() >= MESSAGE_BYTES as u64);
        drop(echoed);
        // The driver has given every buffer back.
        assert_eq!(pool.stats().in_use_bytes(), 0);
        Ok(())
    }

    #[test]
    fn the_echo_comes_through_a_ring() -> io::Result<()> {
        // A container may forbid the call; then there is nothing to test.
        if let Err(error) = runtime(DriverType::IoUring) {
            println!("skipped: the kernel refuses io_uring: {error}");
            return Ok(());
        }
        echoes(DriverType::IoUring)
    }

    #[test]
    fn the_echo_comes_through_polling() -> io::Result<()> {
        echoes(DriverType::Poll)
    }

    #[test]
    fn a_segment_is_the_buffer_that_the_driver_sees() {
        let pool = Pool::new();
        let mut buffer = pool.take(1_024);
        buffer.extend_from_slice(b"hello");
        let start = buffer.as_ptr();
        assert_eq!(buffer.as_init(), b"hello");
        assert_eq!(buffer.buf_capacity(), 1_024);
        assert_eq!(buffer.buf_ptr(), start);
        assert_eq!(buffer.buf_mut_ptr().cast_const().cast(), start);
        buffer.as_uninit()[5].write(b'!');
        // SAFETY: six bytes are written.
        unsafe { buffer.set_len(6) };
        assert_eq!(buffer, b"hello!");
        // SAFETY: fewer bytes than are filled.
        unsafe { buffer.set_len(4) };
        assert_eq!(buffer, b"hell");
        assert!(buffer.reserve(1_020).is_ok());
        assert!(buffer.reserve(1_021).is_err_and(|error| error.is_not_supported()));

        // A part that was split off keeps what lies after it.
        let mut front = buffer.split_to(4);
        buffer.extend_from_slice(b"next");
        assert_eq!(front.as_uninit().len(), 4);
        assert_eq!(front.freeze().as_init(), b"hell");
        assert_eq!(buffer, b"next");
    }

    #[test]
    fn a_sequence_is_one_slice_a_chunk() {
        let sequence: Sequence = [&b"ab"[..], b"c"].map(Segment::from_static).into_iter().collect();
        assert_eq!(sequence.iter_slice().collect::<Vec<_>>(), [&b"ab"[..], b"c"]);
        assert_eq!(sequence.total_len(), 3);
        let rest = compio::buf::IoVectoredBuf::slice(sequence, 1);
        assert_eq!(rest.iter_slice().collect::<Vec<_>>(), [&b"b"[..], b"c"]);
    }
}
