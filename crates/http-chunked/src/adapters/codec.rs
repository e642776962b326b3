//! `tokio_util::codec::{Decoder, Encoder}`.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio_util::codec;

use crate::{
    decoder::{Decoder, Limits, Step},
    encoder::SizeHeader,
    trailers::Trailers,
};

/// A part of a chunked body, as a [`ChunkedCodec`] reads and writes it. No other will come: a body has no other parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkedPart {
    /// Data. Read: as much of a chunk as there was. Written: one chunk, and none when it is empty.
    Data(Bytes),
    /// The end of the body, and the trailer fields.
    End(Trailers),
}

/// One chunked body for `tokio_util`'s `Framed`, in either direction.
///
/// Data is split off the codec's buffer without a copy; what is written is copied into it. After
/// [`ChunkedPart::End`] nothing is decoded until [`next_body`](Self::next_body): what follows is not
/// a body, but the next message. Take the connection apart (`Framed::into_parts`) to read it.
///
/// # Examples
///
/// ```
/// use bytes::BytesMut;
/// use http_chunked::{ChunkedCodec, ChunkedPart};
/// use tokio_util::codec::Decoder;
///
/// # fn main() -> std::io::Result<()> {
/// let mut codec = ChunkedCodec::new();
/// let mut buffer = BytesMut::from(&b"5\r\nhello\r\n0\r\n\r\nnext"[..]);
/// assert_eq!(codec.decode(&mut buffer)?, Some(ChunkedPart::Data("hello".into())));
/// assert!(matches!(codec.decode(&mut buffer)?, Some(ChunkedPart::End(_))));
/// assert_eq!(codec.decode(&mut buffer)?, None);
/// assert_eq!(buffer, "next");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChunkedCodec {
    decoder: Decoder,
    /// Whether the end was reported already.
    is_reported: bool,
    /// Whether the last chunk was written.
    is_written: bool,
}

impl ChunkedCodec {
    /// Creates a codec with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a codec with limits of your own.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self { decoder: Decoder::with_limits(limits), ..Self::default() }
    }

    /// Returns the limits of what is decoded.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.decoder.limits()
    }

    /// Makes ready for another body in either direction.
    pub fn next_body(&mut self) {
        self.decoder.reset();
        self.is_reported = false;
        self.is_written = false;
    }
}

impl codec::Decoder for ChunkedCodec {
    type Item = ChunkedPart;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<ChunkedPart>> {
        loop {
            let mut input = &source[..];
            let step = self.decoder.step(&mut input)?;
            let taken = source.len() - input.len();
            match step {
                Step::Data(data) => {
                    let framing = taken - data.len();
                    let data = source.split_to(taken).freeze().slice(framing..);
                    return Ok(Some(ChunkedPart::Data(data)));
                }
                Step::Extensions => drop(source.split_to(taken)),
                Step::NeedMore => {
                    drop(source.split_to(taken));
                    return Ok(None);
                }
                Step::End => {
                    drop(source.split_to(taken));
                    let is_reported = core::mem::replace(&mut self.is_reported, true);
                    return Ok(
                        (!is_reported).then(|| ChunkedPart::End(self.decoder.take_trailers()))
                    );
                }
            }
        }
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> io::Result<Option<ChunkedPart>> {
        match self.decode(source)? {
            None => {
                self.decoder.finish()?;
                Ok(None)
            }
            part => Ok(part),
        }
    }
}

impl codec::Encoder<ChunkedPart> for ChunkedCodec {
    type Error = io::Error;

    fn encode(&mut self, part: ChunkedPart, target: &mut BytesMut) -> io::Result<()> {
        if self.is_written {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "data after the last chunk"));
        }
        match part {
            ChunkedPart::Data(data) if data.is_empty() => {}
            ChunkedPart::Data(data) => {
                target.extend_from_slice(SizeHeader::new(data.len() as u64).as_bytes());
                target.extend_from_slice(&data);
                target.extend_from_slice(b"\r\n");
            }
            ChunkedPart::End(trailers) => {
                target.extend_from_slice(b"0\r\n");
                trailers.wire_parts().for_each(|part| target.extend_from_slice(part));
                target.extend_from_slice(b"\r\n");
                self.is_written = true;
            }
        }
        Ok(())
    }
}
