//! Memory that another owner allocated, seen as a segment.

use core::ptr::NonNull;

use bytes::Bytes;

use crate::{
    segment::handle::Handle,
    slab::header::{Header, Idle},
};

/// A header for memory that a `Bytes` keeps.
///
/// # Invariants
///
/// - **F1** a header whose `depot` is null is the first field of a leaked, boxed `Adopted`.
#[repr(C)]
struct Adopted {
    header: Header,
    owner: Bytes,
}

/// Makes a handle that keeps `owner`. Allocates once.
pub(crate) fn adopt(owner: Bytes) -> Handle {
    let header = Header::adopted(NonNull::from(&*owner).cast());
    let foreign = Box::leak(Box::new(Adopted { header, owner }));
    let header = NonNull::from(foreign).cast::<Header>();
    // SAFETY: the header is new (I2, I3), and lives until `free` gets this `Idle` back (I1).
    Handle::new(unsafe { Idle::new(header) })
}

/// Returns the `Bytes` behind a handle to foreign memory.
pub(crate) fn owner(handle: &Handle) -> Option<&Bytes> {
    if !handle.depot.is_null() {
        return None;
    }
    let foreign = handle.as_ptr().cast::<Adopted>();
    // SAFETY: the header lies at the start of a `Adopted` (F1), alive while the handle is.
    Some(unsafe { &foreign.as_ref().owner })
}

/// Frees the header of foreign memory and lets its owner go.
pub(crate) fn free(idle: Idle) {
    let foreign = idle.into_header().cast::<Adopted>();
    // SAFETY: the header is the start of a leaked box (F1), and an `Idle` is the only pointer to it (I2).
    drop(unsafe { Box::from_raw(foreign.as_ptr()) });
}
