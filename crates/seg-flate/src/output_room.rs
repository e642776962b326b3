//! Where decoded bytes appear.

use seg_pool::{OutOfMemory, SegmentMut, SegmentSize};
use seg_seq::SegmentedBuf;

use crate::backend::Engine;

/// Output bytes of a stream before it is taken for a long one.
const LONG_BYTES: u64 = 16 << 10;

/// The room that is decoded into: the output's own, or for long streams a segment of another size.
///
/// An engine keeps a window each time that the room changes, and reaches back into it. Larger room makes that rarer.
#[derive(Debug)]
pub(crate) struct OutputRoom {
    size: Option<SegmentSize>,
    room: Option<SegmentMut>,
    /// Bytes at the front of the room that are decoded and not in the output yet.
    len: usize,
}

impl OutputRoom {
    pub(crate) const fn new() -> Self {
        Self { size: None, room: None, len: 0 }
    }

    /// Sets the size of segments for long streams.
    pub(crate) const fn set_size(&mut self, size: SegmentSize) {
        self.size = Some(size);
    }

    /// Gives room that was not used back to the pool.
    pub(crate) fn release(&mut self) {
        self.room = None;
        self.len = 0;
    }

    /// Returns room, and how many bytes at its front are decoded: all but one at most. `produced` bytes of the stream are.
    pub(crate) fn spare<'a>(
        &'a mut self,
        output: &'a mut SegmentedBuf,
        engine: &mut Engine,
        produced: u64,
    ) -> Result<(&'a mut [u8], usize), OutOfMemory> {
        if self.len == self.spare_len(output) {
            self.flush(output, Some(engine));
            self.room = None;
            if let Some(size) = self.size.filter(|_| produced >= LONG_BYTES) {
                self.room = Some(output.pool().try_take_size(size)?);
            }
        }
        let spare = match &mut self.room {
            Some(room) => {
                // What is decoded is pushed when it cannot fail any more.
                output.try_reserve(1)?;
                room.spare_initialized_mut()
            }
            None => output.try_spare_initialized_mut()?,
        };
        Ok((spare, self.len))
    }

    fn spare_len(&self, output: &SegmentedBuf) -> usize {
        self.room.as_ref().map_or_else(|| output.spare_len(), SegmentMut::spare_len)
    }

    /// Counts the next `count` bytes of room as decoded.
    pub(crate) const fn advance(&mut self, count: usize) {
        self.len += count;
    }

    /// Moves what is decoded to the output, and has the engine keep what the stream may refer to when it goes on.
    pub(crate) fn flush(&mut self, output: &mut SegmentedBuf, engine: Option<&mut Engine>) {
        let len = core::mem::take(&mut self.len);
        if len == 0 {
            return;
        }
        if let Some(room) = &mut self.room {
            room.advance_initialized(len);
            let decoded = room.split_to(len);
            if let Some(engine) = engine {
                engine.keep(&decoded);
            }
            output.push(decoded.freeze());
            return;
        }
        // The tail that was decoded into is there.
        if let (Some(engine), Ok(spare)) = (engine, output.try_spare_initialized_mut()) {
            engine.keep(&spare[..len]);
        }
        output.advance_initialized(len);
    }
}
