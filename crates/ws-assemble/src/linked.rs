//! The payload of a message: one segment, or a list of them.

use std::borrow::Cow;

use bytes::Bytes;
use seg_pool::{OutOfMemory, PoolRef, Segment};
use seg_seq::{Flatten, Sequence};

use crate::recycled::Recycled;

/// Segments that make a payload together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linked {
    /// The payload of most messages; empty when it lies in several chunks.
    segment: Segment,
    /// Those chunks.
    list: Recycled<Flatten>,
}

impl Linked {
    #[inline]
    pub(crate) const fn of(segment: Segment) -> Self {
        Self { segment, list: Recycled::NONE }
    }

    /// Makes a slot for a segment, in a list of the pool when it is not the first one.
    pub(crate) fn try_reserve<'a>(
        &mut self,
        pool: impl FnOnce() -> PoolRef<'a>,
    ) -> Result<(), OutOfMemory> {
        if self.segment.is_empty() && self.list.is_none() {
            return Ok(());
        }
        let list = self.list.get_or_take();
        if let Err(error) = list.try_reserve(2, &pool()) {
            if list.is_empty() {
                self.list.clear();
            }
            return Err(error);
        }
        list.push(core::mem::take(&mut self.segment));
        Ok(())
    }

    /// Appends a segment, for which there is a slot; one that goes on where the last one ends joins it.
    pub(crate) fn push(&mut self, next: Segment) {
        match self.list.get_mut() {
            Some(list) => list.push(next),
            None => self.segment = next,
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.list.get().map_or(self.segment.len() as u64, Flatten::len)
    }

    /// Returns the last segment; empty when there is none.
    pub(crate) fn last(&self) -> &Segment {
        let listed = self.list.get().and_then(|list| list.sequence().chunks().next_back());
        listed.unwrap_or(&self.segment)
    }

    /// Returns the chunks. Owned, and an atomic increment, when there is one.
    pub(crate) fn sequence(&self) -> Cow<'_, Sequence> {
        match self.list() {
            Some(list) => Cow::Borrowed(list),
            None => Cow::Owned(self.segment.clone().into()),
        }
    }

    /// Returns one slice: the first call copies what lies in several chunks.
    pub(crate) fn as_slice(&self) -> &[u8] {
        self.list.get().map_or(&self.segment, Flatten::as_slice)
    }

    /// Returns the chunks; `None` when there is at most one, which [`as_slice`](Self::as_slice) is
    /// then.
    #[inline]
    pub(crate) fn list(&self) -> Option<&Sequence> {
        self.list.get().map(Flatten::sequence)
    }

    pub(crate) fn into_sequence(mut self) -> Sequence {
        match self.list.get_mut() {
            Some(list) => core::mem::take(list).into_sequence(),
            None => self.segment.into(),
        }
    }

    pub(crate) fn into_bytes(mut self) -> Bytes {
        match self.list.get_mut() {
            Some(list) => core::mem::take(list).into_bytes(),
            None => self.segment.into(),
        }
    }
}

impl From<Sequence> for Linked {
    fn from(sequence: Sequence) -> Self {
        let Some(first) = sequence.chunks().next() else { return Self::default() };
        if sequence.chunk_count() == 1 {
            return Self::of(first.clone());
        }
        let mut linked = Self::default();
        *linked.list.get_or_take() = Flatten::new(sequence);
        linked
    }
}
