//! Filling a buffer from std's readers, and as one of std's writers.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use seg_pool::SegmentMut;

use crate::segmented_buf::SegmentedBuf;

/// Segments that one vectored read may fill, beside the rest of the tail.
const FRESH_SEGMENTS: usize = 3;

impl SegmentedBuf {
    /// Reads once into the tail segment and returns how many bytes came; 0 means the end of the
    /// stream. A segment that nothing came into goes back to the pool.
    ///
    /// # Errors
    ///
    /// Those of `reader`, and [`OutOfMemory`](seg_pool::OutOfMemory) in an error of kind `OutOfMemory`. Nothing is appended
    /// then.
    pub fn fill_from(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let tail = self.try_tail()?;
        let read = tail.read_from(reader);
        self.settle();
        read
    }

    /// Reads once into the rest of the tail segment and three more ones, and returns how many
    /// bytes came; 0 means the end of the stream. Segments that nothing came into go back to the
    /// pool.
    ///
    /// For sources that read into several buffers at once, such as sockets and files: fewer system
    /// calls where much is waiting. Others fill the tail only, and [`fill_from`](Self::fill_from)
    /// is cheaper for them. When the pool runs out on the way, less is read.
    ///
    /// # Errors
    ///
    /// Those of `reader`, and [`OutOfMemory`](seg_pool::OutOfMemory) in an error of kind `OutOfMemory` when the pool gives no segment
    /// for a single byte. Nothing is appended then.
    ///
    /// # Panics
    ///
    /// Panics when `reader` reports more bytes than the buffer that it was given holds.
    pub fn fill_from_vectored(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let pool = self.pool().clone();
        self.try_tail()?;
        let mut fresh = [const { None }; FRESH_SEGMENTS];
        if self.try_reserve_tails(FRESH_SEGMENTS).is_ok() {
            fresh.fill_with(|| pool.try_take_size(pool.segment_size()).ok());
        }
        let tail = self.try_tail()?;
        let read = reader.read_vectored(&mut spare_slices(tail, &mut fresh));
        let mut rest = *read.as_ref().unwrap_or(&0);
        rest -= advance(tail, rest);
        for mut segment in fresh.into_iter().flatten() {
            if rest > 0 {
                rest -= advance(&mut segment, rest);
                self.start_tail(segment);
            }
        }
        assert!(rest == 0, "more bytes were read than the buffer holds");
        self.settle();
        read
    }
}

/// Returns the spare parts of all segments; those that are missing are empty.
fn spare_slices<'a>(
    tail: &'a mut SegmentMut,
    fresh: &'a mut [Option<SegmentMut>; FRESH_SEGMENTS],
) -> [IoSliceMut<'a>; FRESH_SEGMENTS + 1] {
    let mut slices = [const { None }; FRESH_SEGMENTS + 1];
    slices[0] = Some(tail);
    for (slot, segment) in slices[1..].iter_mut().zip(fresh) {
        *slot = segment.as_mut();
    }
    slices
        .map(|segment| IoSliceMut::new(segment.map_or(&mut [], SegmentMut::spare_initialized_mut)))
}

/// Counts what was read into a segment's spare part, and returns how much that is.
fn advance(segment: &mut SegmentMut, read: usize) -> usize {
    let count = read.min(segment.spare_len());
    segment.advance_initialized(count);
    count
}

impl Write for SegmentedBuf {
    /// Appends `bytes`, copying them; fewer than all when the pool runs out on the way.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](seg_pool::OutOfMemory) in an error of kind `OutOfMemory` when the pool gives no segment for a single byte.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            match self.try_tail() {
                Ok(tail) => count += tail.fill_from_slice(&bytes[count..]),
                Err(error) if count == 0 => return Err(error.into()),
                Err(_) => break,
            }
        }
        Ok(count)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut count = 0;
        for slice in slices {
            let written = match self.write(slice) {
                Ok(written) => written,
                Err(error) if count == 0 => return Err(error),
                Err(_) => break,
            };
            count += written;
            if written < slice.len() {
                break;
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
