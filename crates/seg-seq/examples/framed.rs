//! Messages after their lengths, by a codec of tokio-util: received into segments of a pool, however
//! long, so that the pool's limit holds for all connections together.

use std::io::{self, ErrorKind};

use bytes::{BufMut as _, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use seg_pool::Pool;
use seg_seq::{SegmentedBuf, Sequence};
use tokio_util::codec::{Decoder, Encoder, Framed};

const LEN_MAX: u32 = 1 << 20;

struct LengthPrefixed(SegmentedBuf);

impl Decoder for LengthPrefixed {
    type Item = Sequence;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Sequence>> {
        // So the contiguous buffer never grows. After an error, that of a full pool too, `Framed` ends the stream.
        self.0.try_extend_from_slice(source)?;
        source.clear();
        let Some(len) = self.0.peek().map(u32::from_be_bytes) else { return Ok(None) };
        if len > LEN_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        let framed_len = 4 + u64::from(len);
        if self.0.len() < framed_len {
            return Ok(None);
        }
        Ok(Some(self.0.try_split_range(4..framed_len)?))
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> io::Result<Option<Sequence>> {
        match self.decode(source)? {
            None if !self.0.is_empty() => Err(ErrorKind::UnexpectedEof.into()),
            message => Ok(message),
        }
    }
}

impl Encoder<Sequence> for LengthPrefixed {
    type Error = io::Error;

    fn encode(&mut self, message: Sequence, target: &mut BytesMut) -> io::Result<()> {
        target.put_u32(u32::try_from(message.len()).map_err(io::Error::other)?);
        target.put(message);
        Ok(())
    }
}

#[cfg_attr(test, test)]
fn main() -> io::Result<()> {
    let pool = Pool::builder().bytes_max(64 << 20).build();
    let (ours, theirs) = tokio::io::duplex(1_000);
    let framed = |stream| Framed::new(stream, LengthPrefixed(SegmentedBuf::new(&pool)));
    let (mut ours, mut theirs) = (Box::pin(framed(ours)), Box::pin(framed(theirs)));
    let message = Sequence::from(vec![7; 100_000]);
    let exchange = async { tokio::join!(ours.send(message.clone()), theirs.next()) };
    let (sent, received) =
        tokio::runtime::Builder::new_current_thread().build()?.block_on(exchange);
    assert_eq!(received.transpose()?, Some(message));
    sent
}
