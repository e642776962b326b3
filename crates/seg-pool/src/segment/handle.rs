//! One counted reference to a segment.
#![expect(unsafe_code, reason = "listed in docs/unsafe.md")]

use core::{mem::ManuallyDrop, ops::Deref, ptr::NonNull};

use bytes::Bytes;

use crate::{
    shared::arena::ArenaRef,
    shared::size_class::SizeClass,
    slab::adopted,
    slab::header::{Header, Idle},
    slab::track::View,
    sync::{self, Ordering},
    thread,
};

/// The most spare references that a handle keeps. Few in models, so that they run out.
const SPARE_MAX: usize = if cfg!(seg_loom) { 2 } else { 62 };

/// References that a split counts at once, of which one is the new handle's.
const SPLIT_REFERENCES: usize = if cfg!(seg_loom) { 2 } else { SPARE_MAX + 1 };

/// The bits of a header's address that its alignment keeps free.
const SPARE_MASK: usize = align_of::<Header>() - 1;

/// What the free bits hold of a clone: no spare references, and that it was made beside another handle.
///
/// Most clones go before that one does. So a clone is given up without a look at the count before: the
/// look would wait for the atomic addition of a clone that was made just now.
const CLONE: usize = SPARE_MASK;

const _: () = assert!(SPARE_MAX < CLONE, "spare references fit in the free bits");

/// One counted reference to a segment; the last one to be dropped gives the segment back.
///
/// A split counts [`SPLIT_REFERENCES`] at once, and later splits of the same handle use them up:
/// of 63 messages that are cut from a received segment, 62 cost no atomic increment. Handles that
/// come together again become spare references of one of them, so those are also given up many at
/// a time.
///
/// # Invariants
///
/// - **H1** the header is alive while a handle exists, as no `Idle` of it does (see [`Idle`]).
/// - **H2** `refs` counts the handles and their spare references.
pub(crate) struct Handle {
    /// The header's pointer, with the number of spare references in its free bits.
    tagged: NonNull<Header>,
    view: View,
}

// SAFETY: the count is atomic, and what gives back works on any thread.
unsafe impl Send for Handle {}
// SAFETY: as above; a shared handle shows the header's constant fields and atomics.
unsafe impl Sync for Handle {}

impl Handle {
    #[inline]
    pub(crate) fn new(idle: Idle) -> Self {
        let view = View::open(&idle.track);
        // `refs` of an idle segment is 1 (I3), which now counts this handle.
        Self { tagged: idle.into_header(), view }
    }

    /// Returns the header's pointer, with all that its provenance reaches.
    #[inline]
    pub(crate) fn as_ptr(&self) -> NonNull<Header> {
        let header = self.tagged.as_ptr().map_addr(|addr| addr & !SPARE_MASK);
        // SAFETY: the pointer to a live header (H1) without its spare references is not null.
        unsafe { NonNull::new_unchecked(header) }
    }

    /// Returns what the segment's pool shares, without counting it; none for adopted memory.
    ///
    /// # Safety
    ///
    /// The result is not used after `self`, and never dropped.
    #[inline]
    pub(crate) unsafe fn uncounted_arena(&self) -> Option<ArenaRef> {
        // SAFETY: the header is alive (H1) and keeps its slab, and that keeps the arena with its classes.
        let class = unsafe { SizeClass::of(self).as_ref() }?;
        // SAFETY: the class is of a segment in hand; the caller says the rest.
        Some(unsafe { ArenaRef::uncounted(class) })
    }

    /// Returns the adopted `Bytes` that this is a handle to; none for a pooled segment.
    pub(crate) fn owner(&self) -> Option<&Bytes> {
        // SAFETY: the header is alive while `self` is (H1).
        unsafe { adopted::owner(self.as_ptr()) }
    }

    /// Whether the segment is of a pool, and not adopted.
    pub(crate) fn is_pooled(&self) -> bool {
        !self.class.is_null()
    }

    /// References that are counted for this handle and not used yet.
    #[inline]
    fn spare(&self) -> usize {
        match self.bits() {
            CLONE => 0,
            spare => spare,
        }
    }

    #[inline]
    fn bits(&self) -> usize {
        self.tagged.addr().get() & SPARE_MASK
    }

    /// Changes the number of spare references, which is at most [`SPARE_MAX`].
    #[inline]
    fn set_spare(&mut self, spare: usize) {
        self.tagged = self.as_ptr().map_addr(|addr| addr | spare);
    }

    /// Makes another handle, out of a spare reference if there is one.
    #[inline]
    pub(crate) fn split(&mut self) -> Self {
        match self.bits() {
            0 | CLONE => {
                if self.is_unique() {
                    // No atomic addition: nobody else is there to count.
                    self.refs.store(1 + SPLIT_REFERENCES, Ordering::Relaxed);
                } else {
                    self.count(SPLIT_REFERENCES);
                }
                self.set_spare(SPLIT_REFERENCES - 1);
            }
            spare => self.set_spare(spare - 1),
        }
        Self { tagged: self.as_ptr(), view: View::open(&self.track) }
    }

    /// Takes the references of another handle of the same segment over, as spare ones.
    ///
    /// Returns that handle when it is one of another segment, or has more of them than fit here.
    #[inline]
    pub(crate) fn absorb(&mut self, other: Self) -> Result<(), Self> {
        let spare = self.spare() + 1 + other.spare();
        if spare > SPARE_MAX || !self.is_same(&other) {
            return Err(other);
        }
        let mut other = ManuallyDrop::new(other);
        other.view.close(&self.track);
        self.set_spare(spare);
        Ok(())
    }

    /// Takes the references of another handle of the same segment over, or gives them up.
    pub(crate) fn join(&mut self, other: Self) {
        let Err(other) = self.absorb(other) else { return };
        let spare = self.spare();
        if spare > 0 && self.is_same(&other) {
            // Without them the count has space again; this handle's own reference stays.
            self.refs.fetch_sub(spare, Ordering::Release);
            self.set_spare(0);
        }
        drop(self.absorb(other));
    }

    /// Counts more references.
    #[inline]
    fn count(&self, references: usize) {
        // Relaxed: they are made from one that is here already.
        if self.refs.fetch_add(references, Ordering::Relaxed) > isize::MAX as usize {
            Self::overflow();
        }
    }

    /// Returns whether this is the only handle. If so, what other handles did happened before.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        self.refs.load(Ordering::Acquire) == 1 + self.spare()
    }

    #[inline]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.as_ptr() == other.as_ptr()
    }

    /// Records how many bytes are seen through this handle.
    #[inline]
    pub(crate) fn view(&mut self, len: usize) {
        // SAFETY: the header is alive while `self` is (H1).
        self.view.set_len(&unsafe { self.as_ptr().as_ref() }.track, len);
    }

    /// Gives references up. Returns whether they were the last ones; there is one again then.
    #[inline]
    fn release(&self, references: usize) -> bool {
        if self.refs.fetch_sub(references, Ordering::Release) != references {
            return false;
        }
        // Pairs with the releases of the other handles: what they did happened before the reuse.
        self.refs.load(Ordering::Acquire);
        self.refs.store(1, Ordering::Relaxed);
        true
    }

    #[cold]
    fn overflow() -> ! {
        // Counts this high can only come from leaked handles; going on would free too early.
        sync::abort()
    }
}

impl Deref for Handle {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: the header is alive while `self` is (H1), and is only ever shared.
        unsafe { self.as_ptr().as_ref() }
    }
}

impl Clone for Handle {
    #[inline]
    fn clone(&self) -> Self {
        self.count(1);
        let tagged = self.as_ptr().map_addr(|addr| addr | CLONE);
        Self { tagged, view: View::open(&self.track) }
    }
}

impl Drop for Handle {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the header is alive while `self` is (H1).
        self.view.close(&unsafe { self.as_ptr().as_ref() }.track);
        match self.bits() {
            CLONE => {
                if !self.release(1) {
                    return;
                }
            }
            // A single handle needs no atomic write: nobody is there to see the count.
            spare if self.refs.load(Ordering::Acquire) == 1 + spare => {
                if spare > 0 {
                    self.refs.store(1, Ordering::Relaxed);
                }
            }
            spare => {
                if !self.release(1 + spare) {
                    return;
                }
            }
        }
        // SAFETY: this was the last handle, so the header is alive (I1) and has no other `Idle`
        // (I2), and the count is 1 (I3).
        let idle = unsafe { Idle::new(self.as_ptr()) };
        idle.track.give();
        thread::give(idle);
    }
}

// No process can be started under Miri, and loom has a model of its own.
#[cfg(all(test, not(any(miri, seg_loom))))]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::Pool;

    /// Tells the test that it runs in a process of its own, which may die.
    const CHILD: &str = "SEG_POOL_ABORTS";
    const NAME: &str = "segment::handle::tests::a_count_beyond_half_the_range_aborts";

    #[test]
    fn a_count_beyond_half_the_range_aborts() {
        if std::env::var_os(CHILD).is_some() {
            let mut buffer = Pool::new().take(256);
            buffer.extend_from_slice(b"x");
            let segment = buffer.freeze();
            let handle = segment.handle().expect("a pooled segment");
            handle.refs.store(isize::MAX as usize, Ordering::Relaxed);
            core::mem::forget(segment.clone());
            println!("counted up to the edge");
            core::mem::forget(segment.clone());
            println!("counted beyond it");
            return;
        }
        let exe = std::env::current_exe().expect("this test");
        // An emulated system cannot start a program: what emulates this one has to.
        let runner = std::env::var_os("SEG_TEST_RUNNER").filter(|runner| !runner.is_empty());
        let mut words = runner.into_iter().chain([exe.into_os_string()]);
        let mut again = Command::new(words.next().expect("the test at least"));
        let run = again.args(words).args(["--exact", NAME, "--nocapture"]).env(CHILD, "1").output();
        let run = run.expect("a child process");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(!run.status.success(), "{said}");
        assert!(said.contains("up to the edge") && !said.contains("beyond it"), "{said}");
    }
}
