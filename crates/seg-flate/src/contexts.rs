//! Codec states that wait for their next stream.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
use crate::backend::Compressor;
use crate::engine::Engine;

/// Keeps the states of decoders and encoders that were dropped for those that are made next.
///
/// A state is what a codec allocates for itself: tables, and the window that it looks back into, from 12 to 52 KiB for an
/// inflater to more than 8 MiB for Zstandard. It lies outside of pools. A codec without `Contexts` allocates its state
/// when it is made or when its first byte comes, and frees it when it is dropped. One that was made
/// with `Contexts` takes a kept state of its kind, if there is one, and leaves its own there when it is dropped.
///
/// Clones share what is kept. A server has one for all of its connections: what is kept then follows
/// the streams that are open at a time, and idle connections keep nothing. Brotli's states are not kept, because its library cannot
/// start another stream with the memory of the last one.
///
/// Taking and leaving a state locks a mutex for as long as it takes to look through what is kept.
///
/// # Examples
///
/// ```
/// use seg_flate::{Contexts, Decode, Format, Inflater, Limits};
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
///
/// # fn main() -> Result<(), seg_flate::InflateError> {
/// let contexts = Contexts::new(1 << 20);
/// let mut inflater = Inflater::new(Format::Raw, Limits::default()).with_contexts(&contexts);
/// inflater.push(&mut &b"\x03\x00"[..], &mut SegmentedBuf::new(&Pool::new()))?;
/// assert_eq!(contexts.count(), 0);
/// drop(inflater);
/// assert_eq!(contexts.count(), 1);
/// contexts.trim();
/// assert_eq!(contexts.bytes(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Contexts {
    /// `None` keeps nothing.
    shared: Option<Arc<Shared>>,
}

struct Shared {
    bytes_max: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    bytes: usize,
    /// The last one was left last.
    contexts: Vec<(Context, usize)>,
}

/// A state that is ready for another stream.
pub(crate) enum Context {
    Inflate(Engine),
    #[cfg(any(feature = "zlib-rs", feature = "miniz_oxide"))]
    Deflate(Compressor),
    #[cfg(feature = "zstd")]
    ZstdDecoder(zstd_safe::DCtx<'static>),
    #[cfg(feature = "zstd")]
    ZstdEncoder(zstd_safe::CCtx<'static>),
}

impl Contexts {
    /// Creates an owner that keeps states of at most `bytes_max` bytes together. The default one keeps none.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { shared: Some(Arc::new(Shared { bytes_max, kept: Mutex::default() })) }
    }

    /// Returns the most bytes that are kept.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.shared.as_ref().map_or(0, |shared| shared.bytes_max)
    }

    /// Returns the bytes of the states that are kept. Those in use do not count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.with_kept(|kept, _| kept.bytes).unwrap_or(0)
    }

    /// Returns how many states are kept.
    #[must_use]
    pub fn count(&self) -> usize {
        self.with_kept(|kept, _| kept.contexts.len()).unwrap_or(0)
    }

    /// Frees all states that are kept.
    pub fn trim(&self) {
        // Freed after the lock.
        drop(self.with_kept(|kept, _| core::mem::take(kept)));
    }

    /// Takes the state that was left last of those that `is_fitting`.
    pub(crate) fn take(&self, is_fitting: impl Fn(&Context) -> bool) -> Option<Context> {
        self.with_kept(|kept, _| {
            let index = kept.contexts.iter().rposition(|(context, _)| is_fitting(context))?;
            let (context, bytes) = kept.contexts.remove(index);
            kept.bytes -= bytes;
            Some(context)
        })?
    }

    /// Keeps a state of so many bytes. Those that were left longest ago go where the limit asks for it.
    pub(crate) fn leave(&self, context: Context, bytes: usize) {
        let mut freed = Vec::new();
        self.with_kept(|kept, bytes_max| {
            let is_first_freed = kept.bytes.saturating_add(bytes) > bytes_max;
            kept.contexts.push((context, bytes));
            kept.bytes += bytes;
            if is_first_freed {
                let mut freed_len = 0;
                while kept.bytes > bytes_max {
                    kept.bytes -= kept.contexts[freed_len].1;
                    freed_len += 1;
                }
                freed.extend(kept.contexts.drain(..freed_len));
            }
        });
    }

    fn with_kept<R>(&self, use_it: impl FnOnce(&mut Kept, usize) -> R) -> Option<R> {
        let shared = self.shared.as_ref()?;
        // The list and its sum are changed together, so they are right after a panic as well.
        let mut kept = shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Some(use_it(&mut kept, shared.bytes_max))
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contexts")
            .field("count", &self.count())
            .field("bytes", &self.bytes())
            .field("bytes_max", &self.bytes_max())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Context {
        Context::Inflate(Engine::new())
    }

    #[test]
    fn what_is_left_first_goes_first_and_the_limit_holds() {
        let contexts = Contexts::new(100);
        contexts.leave(engine(), 40);
        contexts.leave(engine(), 50);
        assert_eq!((contexts.count(), contexts.bytes()), (2, 90));
        contexts.leave(engine(), 20);
        assert_eq!((contexts.count(), contexts.bytes()), (2, 70));
        contexts.leave(engine(), 101);
        assert_eq!((contexts.count(), contexts.bytes()), (0, 0));
        contexts.leave(engine(), 100);
        assert!(contexts.clone().take(|_| false).is_none());
        assert!(contexts.clone().take(|_| true).is_some());
        assert_eq!((contexts.count(), contexts.bytes(), contexts.bytes_max()), (0, 0, 100));
    }

    #[test]
    fn the_default_keeps_nothing() {
        let contexts = Contexts::default();
        contexts.leave(engine(), 1);
        assert_eq!((contexts.count(), contexts.bytes(), contexts.bytes_max()), (0, 0, 0));
        assert!(contexts.take(|_| true).is_none());
    }
}
