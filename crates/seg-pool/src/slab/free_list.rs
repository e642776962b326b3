//! The central free list of one segment size.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::ptr::NonNull;

use crate::{
    memory::list::List,
    memory::metadata::MetadataBlocks,
    size::SegmentSize,
    slab::Slab,
    slab::header::{Class, Idle},
};

/// The idle segments of one size that lie in no magazine, each with its slab.
///
/// Slabs that are partly in use serve first, so that the others become whole, with every segment
/// here, and can go back to the system.
pub(crate) struct FreeList {
    blocks: MetadataBlocks,
    partial: List<Slab>,
    whole: List<Slab>,
    whole_count: usize,
    /// The lowest `whole_count` since the last [`shrink`](Self::shrink).
    whole_low: usize,
    /// The lowest `whole_count` since the last [`trim_idle`](Self::trim_idle).
    whole_low_since_trim: usize,
    idle: usize,
    slabs: usize,
    /// Every slab, those without an idle segment among them.
    #[cfg(feature = "report")]
    all: Vec<NonNull<Slab>>,
}

impl FreeList {
    pub(crate) const fn new() -> Self {
        Self {
            blocks: MetadataBlocks::new(),
            partial: List::new(),
            whole: List::new(),
            whole_count: 0,
            whole_low: 0,
            whole_low_since_trim: 0,
            idle: 0,
            slabs: 0,
            #[cfg(feature = "report")]
            all: Vec::new(),
        }
    }

    /// Idle segments that lie here.
    pub(crate) const fn idle(&self) -> usize {
        self.idle
    }

    /// Slabs of this size, whether their segments are here or not.
    pub(crate) const fn slabs(&self) -> usize {
        self.slabs
    }

    /// Bytes of the pages that hold these slabs' metadata.
    pub(crate) const fn metadata_bytes(&self) -> usize {
        self.blocks.bytes()
    }

    /// Adds a slab from the system; `false` when the system has no memory.
    pub(crate) fn grow(&mut self, size: SegmentSize, class: *const Class) -> bool {
        let Some(slab) = Slab::allocate(size, class, &mut self.blocks) else { return false };
        // SAFETY: `allocate` returned a live slab, which is in no list.
        unsafe { self.whole.push(slab) };
        self.whole_count += 1;
        self.idle += size.per_slab();
        self.slabs += 1;
        #[cfg(feature = "report")]
        self.all.push(slab);
        true
    }

    /// Calls `visit` with the header of every segment, idle or in use.
    #[cfg(feature = "report")]
    pub(crate) fn for_each_header(&self, mut visit: impl FnMut(&crate::slab::header::Header)) {
        for slab in &self.all {
            // SAFETY: a slab is in the list from its making until just before it is freed.
            unsafe { slab.as_ref() }.headers().iter().for_each(&mut visit);
        }
    }

    pub(crate) fn take(&mut self) -> Option<Idle> {
        let from_whole = self.partial.first().is_none();
        let list = if from_whole { &mut self.whole } else { &mut self.partial };
        let slab = list.first()?;
        // SAFETY: a list's slabs are alive (N1), and none is freed here.
        let shared = unsafe { slab.as_ref() };
        let idle = shared.take()?;
        self.idle -= 1;
        let is_empty = shared.idle() == 0;
        if from_whole || is_empty {
            list.unlink(shared);
        }
        if from_whole {
            self.whole_count -= 1;
            self.lower_marks();
            if !is_empty {
                // SAFETY: alive, and just taken out of the other list.
                unsafe { self.partial.push(slab) };
            }
        }
        Some(idle)
    }

    pub(crate) fn put(&mut self, idle: Idle) {
        let Some(slab) = idle.slab.map(NonNull::cast::<Slab>) else { return };
        // SAFETY: the slab lives while one of its segments is not in its chain, and this one was not (I1).
        let shared = unsafe { slab.as_ref() };
        let was_idle = shared.idle();
        shared.put(idle);
        self.idle += 1;
        if shared.is_whole() {
            if was_idle > 0 {
                self.partial.unlink(shared);
            }
            // SAFETY: alive, and in no list: just taken out, or without an idle segment (L3).
            unsafe { self.whole.push(slab) };
            self.whole_count += 1;
        } else if was_idle == 0 {
            // SAFETY: alive, and in no list, as it had no idle segment (L3).
            unsafe { self.partial.push(slab) };
        }
    }

    /// Gives every whole slab back to the system and returns how many there were.
    pub(crate) fn trim(&mut self) -> usize {
        self.free_whole(self.whole_count)
    }

    /// Gives half of the slabs back that were whole ever since the last call, and returns how many
    /// that were.
    pub(crate) fn shrink(&mut self) -> usize {
        let count = self.free_whole(self.whole_low.div_ceil(2));
        self.whole_low = self.whole_count;
        count
    }

    /// Gives the slabs back that were whole ever since the last call, and returns how many that
    /// were.
    pub(crate) fn trim_idle(&mut self) -> usize {
        let count = self.free_whole(self.whole_low_since_trim);
        self.whole_low_since_trim = self.whole_count;
        count
    }

    fn lower_marks(&mut self) {
        self.whole_low = self.whole_low.min(self.whole_count);
        self.whole_low_since_trim = self.whole_low_since_trim.min(self.whole_count);
    }

    fn free_whole(&mut self, count: usize) -> usize {
        for _ in 0..count {
            let Some(slab) = self.whole.first() else { break };
            // SAFETY: a list's slabs are alive (N1).
            let shared = unsafe { slab.as_ref() };
            self.idle -= shared.idle();
            self.whole.unlink(shared);
            #[cfg(feature = "report")]
            self.all.retain(|&other| other != slab);
            // SAFETY: the slab is whole, as all in this list, and was just unlinked.
            unsafe { Slab::free(slab, &mut self.blocks) };
        }
        self.whole_count -= count;
        self.lower_marks();
        self.slabs -= count;
        count
    }
}
