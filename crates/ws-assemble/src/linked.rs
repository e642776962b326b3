//! The payload of a message: one segment, or a list of them.

use std::borrow::Cow;

use bytes::Bytes;
use seg_pool::Segment;
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

    /// Appends a segment; one that goes on where the last one ends joins it.
    pub(crate) fn push(&mut self, next: Segment) {
        if let Some(list) = self.list.get_mut() {
            return list.push(next);
        }
        if self.segment.is_empty() {
            self.segment = next;
        } else if let Err(next) = self.segment.unsplit(next) {
            let list = self.list.get_or_take();
            list.push(core::mem::take(&mut self.segment));
            list.push(next);
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
