//! 64 KiB of page-aligned memory, carved into segments of one size.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

pub(crate) mod adopted;
pub(crate) mod free_list;
pub(crate) mod header;
#[forbid(unsafe_code)]
pub(crate) mod track;

use core::{alloc::Layout, ptr::NonNull};

use crate::{
    memory::list::{Links, ListNode},
    memory::metadata::{MetadataBlock, MetadataBlocks},
    memory::pages,
    size::SegmentSize,
    slab::header::{Class, Header, Idle},
    sync::Cell,
};

/// One slab and the headers of its segments, which lie apart from its bytes.
///
/// All of it is used under the arena's lock.
///
/// # Invariants
///
/// - **L1** `data` is one live slab from `pages`; this struct and `per_slab` headers after it are
///   one cell of `block`, of `layout(size)`.
/// - **L2** `chain` holds `idle` segments, all of this slab.
/// - **L3** a slab is in a [list](crate::memory::list) if and only if `idle` is above 0.
pub(crate) struct Slab {
    data: NonNull<u8>,
    headers: NonNull<Header>,
    size: SegmentSize,
    chain: Cell<Option<Idle>>,
    idle: Cell<usize>,
    links: Links<Self>,
    block: NonNull<MetadataBlock>,
}

impl ListNode for Slab {
    fn links(&self) -> &Links<Self> {
        &self.links
    }
}

/// The layout of a slab's metadata, and where in it the headers start.
fn layout(size: SegmentSize) -> (Layout, usize) {
    let headers = Layout::array::<Header>(size.per_slab());
    let both = headers.and_then(|headers| Layout::new::<Slab>().extend(headers));
    let (layout, offset) = both.expect("at most 256 headers");
    (layout.pad_to_align(), offset)
}

impl Slab {
    /// Allocates a slab whose segments are all idle in its chain; `None` when the system has no memory.
    ///
    /// Its metadata, this struct and 64 B a segment, come from `blocks`.
    pub(crate) fn allocate(
        size: SegmentSize,
        class: *const Class,
        blocks: &mut MetadataBlocks,
    ) -> Option<NonNull<Self>> {
        let (layout, offset) = layout(size);
        let data = pages::allocate()?;
        let Some((metadata, block)) = blocks.take(layout) else {
            // SAFETY: taken above and not used.
            unsafe { pages::free(data) };
            return None;
        };
        let slab = metadata.cast::<Self>();
        // SAFETY: the headers start at `offset` in the layout.
        let headers = unsafe { metadata.add(offset) }.cast::<Header>();
        let value = Self {
            data,
            headers,
            size,
            chain: Cell::new(None),
            idle: Cell::new(0),
            links: Links::new(),
            block,
        };
        // SAFETY: the start of a fresh cell, which is long enough.
        unsafe { slab.write(value) };
        // SAFETY: written above; from here on the slab is only shared.
        let shared = unsafe { slab.as_ref() };
        // Back to front, so that the chain hands the segments out in the order of their addresses.
        for index in (0..size.per_slab()).rev() {
            // SAFETY: `index` is below `per_slab`, so the offset lies inside the slab.
            let payload = unsafe { data.add(index * size.bytes()) };
            // SAFETY: the layout holds `per_slab` headers.
            let header = unsafe { headers.add(index) };
            // SAFETY: as above, and nothing is there yet.
            unsafe { header.write(Header::new(payload, size, class, slab.cast())) };
            // SAFETY: the header is new (I2, I3) and is freed only when the chain is whole (I1).
            shared.put(unsafe { Idle::new(header) });
        }
        Some(slab)
    }

    /// Frees a slab whose segments are all idle in its chain.
    ///
    /// # Safety
    ///
    /// `slab` came from [`allocate`](Self::allocate) with these `blocks`, is whole, is in no list,
    /// and is not used again.
    pub(crate) unsafe fn free(slab: NonNull<Self>, blocks: &mut MetadataBlocks) {
        let (data, headers, size, block) = {
            // SAFETY: alive until the end of this function (L1).
            let shared = unsafe { slab.as_ref() };
            debug_assert!(shared.is_whole(), "every segment of a freed slab is in its chain");
            (shared.data, shared.headers, shared.size, shared.block)
        };
        let headers = NonNull::slice_from_raw_parts(headers, size.per_slab());
        // SAFETY: written by `allocate` (L1); all `Idle`s are in the chain, so no handle to them is left.
        unsafe { headers.drop_in_place() };
        // SAFETY: likewise.
        unsafe { slab.drop_in_place() };
        // SAFETY: they came together (L1), and nothing is left in the cell.
        unsafe { blocks.put(slab.cast(), block) };
        // SAFETY: `data` came from `pages` (L1), and no segment of it is in use.
        unsafe { pages::free(data) };
    }

    #[cfg(feature = "report")]
    pub(crate) fn headers(&self) -> &[Header] {
        // SAFETY: `per_slab` headers live as long as the slab (L1), and they are only ever shared.
        unsafe { core::slice::from_raw_parts(self.headers.as_ptr(), self.size.per_slab()) }
    }

    /// Segments in the chain.
    pub(crate) fn idle(&self) -> usize {
        self.idle.get()
    }

    /// Returns whether every segment of this slab is in the chain.
    pub(crate) fn is_whole(&self) -> bool {
        self.idle.get() == self.size.per_slab()
    }

    pub(crate) fn put(&self, idle: Idle) {
        idle.next.set(self.chain.take());
        self.chain.set(Some(idle));
        self.idle.set(self.idle.get() + 1);
    }

    pub(crate) fn take(&self) -> Option<Idle> {
        let idle = self.chain.take()?;
        self.chain.set(idle.next.take());
        self.idle.set(self.idle.get() - 1);
        Some(idle)
    }
}
