//! One message for many connections.

use std::sync::Arc;

#[cfg(feature = "deflate")]
use seg_flate::{Level, WindowBits};
use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};

#[cfg(feature = "deflate")]
use crate::{
    deflate::MessageCompressor,
    sync::{Mutex, lock},
};
use crate::{encode::append_frame, header::Header, message::Message};

/// A message that is encoded once and sent over many connections.
///
/// A server's frame is the same for all of them. A connection that has nothing else to write gives it to
/// its stream as it lies, and keeps what the stream does not take: payload beyond 4 KiB is linked into its
/// output, and only a shorter frame is copied. Connections that compress without takeover share one
/// compressed frame for each level and window that they agreed on, which is made for the first of them.
/// With takeover, and by a client, which masks, the message is encoded for each connection.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use ws_assemble::{Broadcast, Message, Session};
///
/// # fn main() -> Result<(), ws_assemble::ConnectionError> {
/// let pool = Pool::new();
/// let broadcast = Broadcast::new(Message::text("hello"), &pool)?;
/// let mut sessions = [Session::server(&pool), Session::server(&pool)];
/// for session in &mut sessions {
///     session.send_broadcast(&broadcast)?;
///     let slices: Vec<u8> = session.outgoing().io_slices().flat_map(|slice| slice.to_vec()).collect();
///     assert_eq!(slices, b"\x81\x05hello");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Broadcast {
    message: Message,
    frame: Arc<Sequence>,
    #[cfg(feature = "deflate")]
    pool: Pool,
    #[cfg(feature = "deflate")]
    compressed: Mutex<Vec<Compressed>>,
}

/// How a frame is compressed, and the frame.
#[cfg(feature = "deflate")]
type Compressed = ((Level, WindowBits), Arc<Sequence>);

impl Broadcast {
    /// Encodes a message.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool has too few segments.
    pub fn new(message: Message, pool: &Pool) -> Result<Self, OutOfMemory> {
        let frame = frame(&message, false, message.sequence(), pool)?;
        Ok(Self {
            message,
            frame: Arc::new(frame),
            #[cfg(feature = "deflate")]
            pool: pool.clone(),
            #[cfg(feature = "deflate")]
            compressed: Mutex::new(Vec::new()),
        })
    }

    /// Returns the message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the memory that the frames keep from reuse, as [`Sequence::held_bytes`].
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        #[cfg(feature = "deflate")]
        let compressed: u64 =
            lock(&self.compressed).iter().map(|(_, frame)| frame.held_bytes()).sum();
        #[cfg(not(feature = "deflate"))]
        let compressed = 0;
        self.frame.held_bytes() + compressed
    }

    pub(crate) const fn frame(&self) -> &Arc<Sequence> {
        &self.frame
    }

    /// Returns the frame that is compressed like this, without takeover, and makes it when it is the
    /// first.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(
        &self,
        compressor: &mut MessageCompressor,
    ) -> Result<Arc<Sequence>, OutOfMemory> {
        let (how, mut compressed) = (compressor.strength(), lock(&self.compressed));
        if let Some((_, frame)) = compressed.iter().find(|(have, _)| *have == how) {
            return Ok(Arc::clone(frame));
        }
        let chunks = self.message.sequence().chunks().map(|chunk| &**chunk);
        let payload = compressor.compress(chunks, true, &self.pool)?;
        let made = Arc::new(frame(&self.message, true, &payload, &self.pool)?);
        compressed.push((how, Arc::clone(&made)));
        Ok(made)
    }
}

fn frame(
    message: &Message,
    is_compressed: bool,
    payload: &Sequence,
    pool: &Pool,
) -> Result<Sequence, OutOfMemory> {
    let (opcode, payload_len) = (message.kind().opcode(), payload.len());
    let header = Header { fin: true, is_compressed, opcode, mask: None, payload_len };
    let mut output = SegmentedBuf::new(pool);
    append_frame(&header, payload, &mut output)?;
    Ok(output.freeze())
}
