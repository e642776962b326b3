//! What the segments of one size of one pool have in common.

use crate::{
    cache::depot::Depot,
    shared::settings::Settings,
    size::SegmentSize,
    slab::header::{Class, Header},
};

/// One segment size of one pool: what a segment's header points to.
// Lines of its own: threads that use other sizes must not meet here.
#[repr(align(64))]
pub(crate) struct SizeClass {
    pub(crate) depot: Depot,
    pub(crate) size: SegmentSize,
    /// Whether segments are zeroed when they come back.
    pub(crate) zeroes: bool,
    /// The arena that this is part of.
    pub(crate) owner: *const Owner,
}

/// An arena, to those below it.
pub(crate) enum Owner {}

impl SizeClass {
    /// Creates the class of `size` segments for the arena that will lie at `owner`.
    pub(crate) fn new(size: SegmentSize, owner: *const Owner, settings: &Settings) -> Self {
        let Settings { bytes_max, thread_cache_bytes_max, zero_on_drop, .. } = *settings;
        let depot = Depot::new(size, bytes_max, thread_cache_bytes_max);
        Self { depot, size, zeroes: zero_on_drop, owner }
    }

    /// Returns the class of a segment; null for adopted memory.
    pub(crate) const fn of(header: &Header) -> *const Self {
        header.class.cast()
    }

    /// Returns what a header keeps of this class.
    pub(crate) const fn as_class(&self) -> *const Class {
        (&raw const *self).cast()
    }
}
