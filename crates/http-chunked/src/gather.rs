//! Where the data of a body is kept while it comes in.

use core::ops::Range;

use seg_pool::{Exhausted, Pool, Segment, SegmentMut};
use seg_seq::{Flatten, Sequence};

use crate::assembly::Assembly;

/// The shortest run that is linked.
///
/// A linked run keeps its whole received segment from reuse, a copied one costs a copy. Below this
/// many bytes the copy is about as cheap as the link.
pub(crate) const SHARE_BYTES_MIN: usize = 1024;

/// The data of a body so far, in either [`Assembly`].
#[derive(Debug)]
pub(crate) struct Gather {
    pool: Pool,
    assembly: Assembly,
    linked: Sequence,
    /// Short runs that are not in `linked` yet, in front of the room for more of them. Linking
    /// splits the filled part off, so the room is used up before another segment is taken, however
    /// short and long runs alternate.
    copied: Option<SegmentMut>,
    flat: Vec<u8>,
}

impl Gather {
    pub(crate) fn new(pool: &Pool, assembly: Assembly) -> Self {
        Self {
            pool: pool.clone(),
            assembly,
            linked: Sequence::new(),
            copied: None,
            flat: Vec::new(),
        }
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn len(&self) -> u64 {
        let copied = self.copied.as_ref().map_or(0, SegmentMut::len);
        self.linked.len() + copied as u64 + self.flat.len() as u64
    }

    /// Keeps a run of a received segment: copies a short one, links a long one.
    pub(crate) fn keep_run(
        &mut self,
        received: &Segment,
        run: Range<usize>,
    ) -> Result<(), Exhausted> {
        match self.assembly {
            Assembly::Contiguous => self.flat.extend_from_slice(&received[run]),
            Assembly::Segmented if run.len() < SHARE_BYTES_MIN => {
                return self.copy(&received[run]);
            }
            Assembly::Segmented => self.link(received.slice(run)),
        }
        Ok(())
    }

    /// Keeps bytes that lie in segments of our own, however short: no received segment waits for
    /// them, and they join what lies before them in the same segment.
    pub(crate) fn keep_own(&mut self, bytes: Sequence) {
        match self.assembly {
            Assembly::Segmented => {
                self.flush();
                self.linked.append(bytes);
            }
            Assembly::Contiguous => {
                bytes.chunks().for_each(|chunk| self.flat.extend_from_slice(chunk));
            }
        }
    }

    /// Takes all data out and gives the room for more back to the pool.
    pub(crate) fn take(&mut self) -> Flatten {
        match self.assembly {
            Assembly::Segmented => {
                self.flush();
                self.copied = None;
                Flatten::new(core::mem::take(&mut self.linked))
            }
            Assembly::Contiguous => Flatten::from_bytes(core::mem::take(&mut self.flat).into()),
        }
    }

    fn link(&mut self, segment: Segment) {
        self.flush();
        self.linked.push(segment);
    }

    fn copy(&mut self, bytes: &[u8]) -> Result<(), Exhausted> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if let Some(room) = self.copied.as_mut().filter(|room| room.spare_len() > 0) {
                rest = &rest[room.fill_from_slice(rest)..];
            } else {
                let room = self.pool.try_take_segment()?;
                self.flush();
                self.copied = Some(room);
            }
        }
        Ok(())
    }

    /// Links the short runs copied so far; their room stays.
    fn flush(&mut self) {
        if let Some(copied) = self.copied.as_mut().filter(|copied| !copied.is_empty()) {
            let filled = copied.split_to(copied.len());
            self.linked.push(filled.freeze());
        }
    }
}
