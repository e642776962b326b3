//! The one door to shared-memory primitives: `core` and `std` in production, `loom` under
//! `--cfg seg_loom`.
//!
//! No other file of this crate names atomics, cells, locks, thread-caches or queues, so that a
//! model explores the very code that ships; but for the global pool's `OnceLock`, which no model
//! uses. `cargo xtask tidy` looks for the most common ways in.

#[cfg(seg_loom)]
pub(crate) use self::model::*;
#[cfg(not(seg_loom))]
pub(crate) use self::native::*;

#[cfg(not(seg_loom))]
mod native {
    pub(crate) use core::{
        cell::Cell,
        sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence},
    };
    pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

    pub(crate) use crossbeam_queue::ArrayQueue;

    /// Ends the process.
    pub(crate) fn abort() -> ! {
        std::process::abort()
    }

    /// Shows loom when a payload is read and when it starts a new life; nothing in production.
    pub(crate) struct Witness;

    impl Witness {
        pub(crate) const fn new() -> Self {
            Self
        }

        #[inline]
        pub(crate) const fn read(&self) {}

        #[inline]
        pub(crate) const fn reuse(&self) {}
    }

    /// Declares a thread-cache that needs no destructor and so no check on access.
    macro_rules! thread_local_plain {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
            ::std::thread_local! { $(#[$meta])* static $name: $type = const { $init }; }
        };
    }
    /// Declares a thread-cache whose destructor runs when its thread ends.
    macro_rules! thread_local_dropped {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
            ::std::thread_local! { $(#[$meta])* static $name: $type = const { $init }; }
        };
    }
    pub(crate) use {thread_local_dropped, thread_local_plain};
}

#[cfg(seg_loom)]
mod model {
    use std::collections::VecDeque;

    pub(crate) use loom::{
        cell::Cell,
        sync::{
            Arc, Mutex, MutexGuard,
            atomic::{AtomicU32, AtomicUsize, Ordering, fence},
        },
    };

    /// A cell that loom tracks, as it cannot track the payload itself.
    pub(crate) struct Witness(loom::cell::UnsafeCell<()>);

    impl Witness {
        pub(crate) fn new() -> Self {
            Self(loom::cell::UnsafeCell::new(()))
        }

        pub(crate) fn read(&self) {
            self.0.with(|_| ());
        }

        pub(crate) fn reuse(&self) {
            self.0.with_mut(|_| ());
        }
    }

    /// Ends the execution, in a way that a model can see.
    pub(crate) fn abort() -> ! {
        panic!("abort")
    }

    macro_rules! thread_local_plain {
        ($(#[$meta:meta])* static $name:ident: $type:ty = $init:expr;) => {
            ::loom::thread_local! { $(#[$meta])* static $name: $type = $init; }
        };
    }
    pub(crate) use thread_local_plain as thread_local_dropped;
    pub(crate) use thread_local_plain;

    /// A stand-in for `crossbeam_queue::ArrayQueue` whose hand-over loom can see.
    ///
    /// The real queue uses `core` atomics, which loom does not track: a segment passed through it
    /// would look like a data race. So the models check the protocol around the queue and take
    /// the queue's own contract as given.
    pub(crate) struct ArrayQueue<T> {
        items: Mutex<VecDeque<T>>,
        capacity: usize,
    }

    impl<T> ArrayQueue<T> {
        pub(crate) fn new(capacity: usize) -> Self {
            assert!(capacity > 0, "capacity must be non-zero");
            Self { items: Mutex::new(VecDeque::new()), capacity }
        }

        pub(crate) fn push(&self, item: T) -> Result<(), T> {
            let mut items = self.items.lock().unwrap();
            if items.len() < self.capacity {
                items.push_back(item);
                Ok(())
            } else {
                Err(item)
            }
        }

        pub(crate) fn pop(&self) -> Option<T> {
            self.items.lock().unwrap().pop_front()
        }

        pub(crate) fn len(&self) -> usize {
            self.items.lock().unwrap().len()
        }
    }
}
