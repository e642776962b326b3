//! A sequence as a vectored buffer of compio.

use compio_buf::IoVectoredBuf;

use crate::sequence::Sequence;

/// Written as it lies: one slice a chunk. The driver keeps the sequence until the kernel is done, and
/// gives it back.
impl IoVectoredBuf for Sequence {
    fn iter_slice(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks().map(|chunk| &chunk[..])
    }
}
