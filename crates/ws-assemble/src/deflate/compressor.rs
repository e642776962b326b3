//! What is sent, compressed.

use core::{fmt, mem::replace};

use seg_flate::{
    Backend, Contexts, DeflateErrorKind, Deflater, Encode, Flush, Format, Level, WindowBits,
};
use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};

use super::{TAIL, config::DeflateParams};
use crate::{encode::append_frame, header::Header, message::Message, role::Role};

/// Compresses the messages of one direction, without I/O.
///
/// Without takeover its state is leased for each message from the [`Contexts`] of the configuration; with
/// it, the state is its own from the first message on.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
/// use ws_assemble::{ClientHandshake, DeflateConfig, MessageCompressor, Message, Role, ServerHandshake};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let options = DeflateConfig::default();
/// let client = ClientHandshake::new("localhost", "/", *b"the sample nonce")?.deflate(options.clone());
/// let request = ServerHandshake::new().push(&mut &client.request()[..])?.ok_or("not whole")?;
/// let acceptance = request.accept().deflate(&options);
/// let agreed = acceptance.agreed_deflate().ok_or("not offered")?;
///
/// let mut compressor = MessageCompressor::new(agreed, Role::Server).ok_or("too small a window")?;
/// let mut output = SegmentedBuf::new(&Pool::new());
/// compressor.encode_message(&Message::text("Hello"), None, &mut output)?;
/// assert_eq!(output.freeze(), b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
/// # Ok(())
/// # }
/// ```
pub struct MessageCompressor {
    /// Leased for a message, or kept from the first one on, with takeover.
    deflater: Option<Deflater>,
    takeover: bool,
    level: Level,
    window: WindowBits,
    bytes_min: u64,
    contexts: Contexts,
}

impl MessageCompressor {
    /// Creates what an end of `role` sends with; `None` when nothing can be compressed: backends do
    /// not keep to the smallest window, of 2^8 bytes, and it is always legal not to compress.
    #[must_use]
    pub fn new(agreed: &DeflateParams, role: Role) -> Option<Self> {
        Some(Self {
            deflater: None,
            takeover: agreed.takeover(role),
            level: agreed.level,
            window: WindowBits::new(agreed.window_bits(role))?,
            bytes_min: agreed.bytes_min,
            contexts: agreed.contexts.clone(),
        })
    }

    /// Returns whether a message of this length is worth it, as the options say.
    #[must_use]
    pub const fn is_worth(&self, len: u64) -> bool {
        len >= self.bytes_min
    }

    /// Appends a message to `output` in one compressed frame, whatever its length.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`] when the pool of `output` has too few segments; `output` is as before then.
    pub fn encode_message(
        &mut self,
        message: &Message,
        key: Option<[u8; 4]>,
        output: &mut SegmentedBuf,
    ) -> Result<(), OutOfMemory> {
        let chunks = message.sequence().chunks().map(|chunk| &**chunk);
        let payload = self.compress(chunks, true, output.pool())?;
        let (opcode, payload_len) = (message.kind().opcode(), payload.len());
        let header = Header { fin: true, is_compressed: true, opcode, mask: key, payload_len };
        append_frame(&header, &payload, output).inspect_err(|_| self.forget())
    }

    /// Returns whether a message may refer to those before it.
    #[cfg(feature = "random")]
    pub(crate) const fn takeover(&self) -> bool {
        self.takeover
    }

    /// Returns what decides about the bytes that a message becomes without takeover.
    #[cfg(feature = "random")]
    pub(crate) const fn strength(&self) -> (Level, WindowBits) {
        (self.level, self.window)
    }

    /// Gives the state up: the next message refers to nothing before it.
    pub(crate) fn forget(&mut self) {
        self.deflater = None;
    }

    /// Compresses a fragment of a message, all of it.
    ///
    /// When the pool is exhausted nothing of it is to be sent. The state is given up then: a new one
    /// refers to nothing before it, which the other end need not know.
    pub(crate) fn compress<'a>(
        &mut self,
        payload: impl IntoIterator<Item = &'a [u8]>,
        is_last: bool,
        pool: &Pool,
    ) -> Result<Sequence, OutOfMemory> {
        let mut deflater = self.deflater.take().unwrap_or_else(|| {
            Deflater::with_window(Backend::default(), Format::Raw, self.level, self.window)
                .with_contexts(&self.contexts)
        });
        let mut output = SegmentedBuf::new(pool);
        let mut payload = payload.into_iter();
        let mut last = payload.next().unwrap_or_default();
        let pushed = payload
            .try_for_each(|next| {
                deflater.push(&mut replace(&mut last, next), Flush::None, &mut output)
            })
            .and_then(|()| deflater.push(&mut last, Flush::Sync, &mut output));
        if let Err(error) = pushed {
            match error.kind() {
                DeflateErrorKind::OutOfMemory(exhausted) => return Err(exhausted),
                kind => unreachable!("a stream that never ends: {kind:?}"),
            }
        }
        if is_last {
            output.truncate(output.len() - TAIL.len() as u64);
        }
        // Without takeover the next message refers to nothing of this one.
        if !is_last || self.takeover {
            self.deflater = Some(deflater);
        }
        Ok(output.freeze())
    }
}

impl fmt::Debug for MessageCompressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageCompressor")
            .field("takeover", &self.takeover)
            .field("level", &self.level)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
