//! Memory of another owner, seen as a segment.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::ptr::NonNull;

use bytes::Bytes;

use crate::slab::header::{Header, Idle};

/// A header for memory that a `Bytes` keeps.
///
/// # Invariants
///
/// - **F1** a header whose `class` is null is the first field of a leaked, boxed `AdoptedBytes`.
#[repr(C)]
struct AdoptedBytes {
    header: Header,
    owner: Bytes,
}

/// Makes a segment that keeps `owner`. Allocates once.
pub(crate) fn adopt(owner: Bytes) -> Idle {
    let header = Header::adopted(NonNull::from(&*owner).cast());
    let adopted = Box::leak(Box::new(AdoptedBytes { header, owner }));
    // SAFETY: the header is new (I2, I3), and lives until `free` gets this `Idle` back (I1).
    unsafe { Idle::new(NonNull::from(adopted).cast()) }
}

/// Returns the adopted `Bytes` that a header is of; none for a pooled segment.
///
/// # Safety
///
/// `header` leads to a live header, with the provenance that it was made with, and the header lives
/// for `'a`.
pub(crate) unsafe fn owner<'a>(header: NonNull<Header>) -> Option<&'a Bytes> {
    // SAFETY: the caller says that it is alive.
    let is_pooled = !unsafe { header.as_ref() }.class.is_null();
    if is_pooled {
        return None;
    }
    let adopted = header.cast::<AdoptedBytes>();
    // SAFETY: the header lies at the start of an `AdoptedBytes` (F1), and lives for `'a`.
    Some(unsafe { &(*adopted.as_ptr()).owner })
}

/// Frees the header of adopted memory and lets its owner go.
pub(crate) fn free(idle: Idle) {
    let adopted = idle.into_header().cast::<AdoptedBytes>();
    // SAFETY: the header is the start of a leaked box (F1), and an `Idle` is the only pointer to it (I2).
    drop(unsafe { Box::from_raw(adopted.as_ptr()) });
}
