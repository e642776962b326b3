//! What the feature `report` adds to a segment: who took it, when, and how much of it is viewed.
//!
//! Without the feature everything here is empty and costs nothing.

#[cfg(not(feature = "report"))]
pub(crate) use self::off::*;
#[cfg(feature = "report")]
pub(crate) use self::on::*;

#[cfg(feature = "report")]
mod on {
    use core::panic::Location;
    use std::time::Instant;

    use crate::sync::{AtomicUsize, Mutex, Ordering};

    /// Where a segment was asked for.
    #[derive(Clone, Copy)]
    pub(crate) struct Origin(&'static Location<'static>);

    impl Origin {
        #[track_caller]
        pub(crate) fn caller() -> Self {
            Self(Location::caller())
        }
    }

    /// What is known of one segment.
    pub(crate) struct Track {
        /// Who took it and when; none while it is idle.
        taken: Mutex<Option<(Origin, Instant)>>,
        /// The lengths of all views, added up.
        viewed_bytes: AtomicUsize,
        views: AtomicUsize,
    }

    /// One segment in use.
    #[derive(Clone, Copy)]
    pub(crate) struct TakeRecord {
        pub(crate) location: &'static Location<'static>,
        pub(crate) since: Instant,
        pub(crate) viewed_bytes: usize,
        pub(crate) views: usize,
    }

    impl Track {
        pub(crate) fn new() -> Self {
            let (viewed_bytes, views) = (AtomicUsize::new(0), AtomicUsize::new(0));
            Self { taken: Mutex::new(None), viewed_bytes, views }
        }

        pub(crate) fn take(&self, origin: Origin) {
            self.set(Some((origin, Instant::now())));
        }

        pub(crate) fn give(&self) {
            self.set(None);
        }

        pub(crate) fn take_record(&self) -> Option<TakeRecord> {
            let taken = *self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            taken.map(|(Origin(location), since)| TakeRecord {
                location,
                since,
                viewed_bytes: self.viewed_bytes.load(Ordering::Relaxed),
                views: self.views.load(Ordering::Relaxed),
            })
        }

        fn set(&self, taken: Option<(Origin, Instant)>) {
            *self.taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = taken;
        }
    }

    /// The part of a [`Track`] that one handle answers for.
    pub(crate) struct View(usize);

    impl View {
        pub(crate) fn open(track: &Track) -> Self {
            track.views.fetch_add(1, Ordering::Relaxed);
            Self(0)
        }

        pub(crate) fn set_len(&mut self, track: &Track, len: usize) {
            // Wraps when the view got shorter, and the sum with it.
            track.viewed_bytes.fetch_add(len.wrapping_sub(self.0), Ordering::Relaxed);
            self.0 = len;
        }

        pub(crate) fn close(&mut self, track: &Track) {
            self.set_len(track, 0);
            track.views.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(not(feature = "report"))]
#[expect(clippy::needless_pass_by_ref_mut, reason = "the signatures are those of the other half")]
mod off {
    #[derive(Clone, Copy)]
    pub(crate) struct Origin;

    impl Origin {
        #[inline]
        pub(crate) const fn caller() -> Self {
            Self
        }
    }

    pub(crate) struct Track;

    impl Track {
        pub(crate) const fn new() -> Self {
            Self
        }

        #[inline]
        pub(crate) const fn take(&self, _: Origin) {}

        #[inline]
        pub(crate) const fn give(&self) {}
    }

    pub(crate) struct View;

    impl View {
        #[inline]
        pub(crate) const fn open(_: &Track) -> Self {
            Self
        }

        #[inline]
        pub(crate) const fn set_len(&mut self, _: &Track, _: usize) {}

        #[inline]
        pub(crate) const fn close(&mut self, _: &Track) {}
    }
}
