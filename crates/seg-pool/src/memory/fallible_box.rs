//! Space for one value on the heap, where a lack of memory does not end the process.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{alloc::Layout, mem::MaybeUninit, ptr::NonNull};
use std::alloc::alloc;

/// Allocates space for a value; `None` when the allocator has no memory.
///
/// As `Box::new_uninit`, which ends the process then.
pub(crate) fn allocate<T>() -> Option<Box<MaybeUninit<T>>> {
    const { assert!(size_of::<T>() > 0, "a value of no bytes needs no space") };
    // SAFETY: the layout's size is not zero.
    let space = NonNull::new(unsafe { alloc(Layout::new::<T>()) })?;
    // SAFETY: fresh memory of the global allocator with the layout of `T`, which need not be initialised.
    Some(unsafe { Box::from_raw(space.cast::<MaybeUninit<T>>().as_ptr()) })
}
