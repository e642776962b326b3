//! Where decoded bytes appear.

use seg_pool::{Exhausted, SegmentMut, SegmentSize};
use seg_seq::SegmentedBuf;

/// Output bytes of a stream before it is taken for a long one.
const LONG_BYTES: u64 = 16 << 10;

/// The room that is decoded into: the output's own, or for long streams a segment of another size.
///
/// A backend that is called for every 16 KiB of output copies its window each time and starts each
/// time with references that reach back into it. Larger room makes that rarer.
#[derive(Debug)]
pub(crate) struct OutputRoom {
    size: Option<SegmentSize>,
    /// What is decoded already is not in the output yet.
    room: Option<SegmentMut>,
}

impl OutputRoom {
    pub(crate) const fn new() -> Self {
        Self { size: None, room: None }
    }

    /// Sets the size of segments for long streams.
    pub(crate) const fn set_size(&mut self, size: SegmentSize) {
        self.size = Some(size);
    }

    /// Gives room that was not used back to the pool.
    pub(crate) fn release(&mut self) {
        self.room = None;
    }

    /// Returns at least one byte of room, behind the `produced` bytes of the stream so far.
    pub(crate) fn spare<'a>(
        &'a mut self,
        output: &'a mut SegmentedBuf,
        produced: u64,
    ) -> Result<&'a mut [u8], Exhausted> {
        let Some(size) = self.size.filter(|_| produced >= LONG_BYTES) else {
            return output.try_spare_initialized_mut();
        };
        let room = match self.room.take() {
            Some(room) if room.spare_len() > 0 => room,
            full => {
                let fresh = output.pool().try_take_size(size);
                full.into_iter().for_each(|full| output.push(full.freeze()));
                fresh?
            }
        };
        Ok(self.room.insert(room).spare_initialized_mut())
    }

    /// Counts the next `count` bytes of room as filled.
    pub(crate) fn advance(&mut self, output: &mut SegmentedBuf, count: usize) {
        match &mut self.room {
            Some(room) => room.advance_initialized(count),
            None => output.advance_initialized(count),
        }
    }

    /// Moves what is decoded to the output.
    pub(crate) fn flush(&mut self, output: &mut SegmentedBuf) {
        if let Some(room) = self.room.as_mut().filter(|room| !room.is_empty()) {
            output.push(room.split_to(room.len()).freeze());
        }
    }
}
