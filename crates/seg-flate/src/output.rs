//! Where decoded bytes appear.

use seg_pool::{OutOfMemory, SegmentMut, SegmentSize};
use seg_seq::SegmentedBuf;

use crate::engine::Engine;

/// Output bytes of a stream before it is taken for a long one.
const LONG_BYTES: u64 = 16 << 10;

/// The segment that is decoded into: the buffer's own last one, or for long streams one of another size.
///
/// An engine keeps a window each time that the segment changes, and reaches back into it. Larger segments make that rarer.
#[derive(Debug)]
pub(crate) struct Output {
    size: Option<SegmentSize>,
    segment: Option<SegmentMut>,
    /// Bytes at the front of the segment's spare capacity that are decoded and not in the buffer yet.
    len: usize,
}

impl Output {
    pub(crate) const fn new() -> Self {
        Self { size: None, segment: None, len: 0 }
    }

    /// Sets the size of segments for long streams.
    pub(crate) const fn set_size(&mut self, size: SegmentSize) {
        self.size = Some(size);
    }

    /// Gives a segment that was not used up back to the pool.
    pub(crate) fn release(&mut self) {
        self.segment = None;
        self.len = 0;
    }

    /// Returns spare capacity, and how many bytes at its front are decoded: all but one at most. `produced` bytes of the stream are.
    pub(crate) fn spare<'a>(
        &'a mut self,
        buffer: &'a mut SegmentedBuf,
        engine: &mut Engine,
        produced: u64,
    ) -> Result<(&'a mut [u8], usize), OutOfMemory> {
        if self.len == self.spare_len(buffer) {
            self.flush(buffer, Some(engine));
            self.segment = None;
            // What the buffer has was put there for it: there may be no more.
            let is_taken = produced >= LONG_BYTES && buffer.spare_len() == 0;
            if let Some(size) = self.size.filter(|_| is_taken) {
                self.segment = Some(buffer.pool().try_take_size(size)?);
            }
        }
        let spare = match &mut self.segment {
            Some(segment) => {
                // What is decoded is pushed when it cannot fail any more.
                buffer.try_reserve(1)?;
                segment.spare_initialized_mut()
            }
            None => buffer.try_spare_initialized_mut()?,
        };
        Ok((spare, self.len))
    }

    /// Returns how many bytes are decoded and not in the buffer yet.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn spare_len(&self, buffer: &SegmentedBuf) -> usize {
        self.segment.as_ref().map_or_else(|| buffer.spare_len(), SegmentMut::spare_len)
    }

    /// Counts the next `count` spare bytes as decoded.
    pub(crate) const fn advance(&mut self, count: usize) {
        self.len += count;
    }

    /// Moves what is decoded to the buffer, and has the engine keep what the stream may refer to when it goes on.
    pub(crate) fn flush(&mut self, buffer: &mut SegmentedBuf, engine: Option<&mut Engine>) {
        let len = core::mem::take(&mut self.len);
        if len == 0 {
            return;
        }
        if let Some(segment) = &mut self.segment {
            segment.advance_initialized(len);
            let decoded = segment.split_to(len);
            if let Some(engine) = engine {
                engine.keep(&decoded);
            }
            // There is a slot, as `spare` reserved one and nothing was pushed since.
            buffer.push(decoded.freeze());
            return;
        }
        // The tail that was decoded into is there.
        if let (Some(engine), Ok(spare)) = (engine, buffer.try_spare_initialized_mut()) {
            engine.keep(&spare[..len]);
        }
        buffer.advance_initialized(len);
    }
}
