//! Who holds the segments of a pool.

use core::{fmt, panic::Location, time::Duration};
use std::{collections::BTreeMap, time::Instant};

use crate::{size::SegmentSize, slab::track::TakeRecord};

/// The segments of a pool that are in use, oldest first, from
/// [`Pool::report`](crate::Pool::report). With the feature `report`.
///
/// Its `Display` is a table with a line for each place in the code that took segments which are
/// still held, those that hold most first.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
///
/// let pool = Pool::new();
/// let mut buffer = pool.take(16_384);
/// buffer.extend_from_slice(&[7; 10_000]);
/// let small = buffer.split_to(20).freeze();
/// drop(buffer);
///
/// let report = pool.report();
/// let [pinned] = report.segments() else { panic!("one segment") };
/// assert_eq!((pinned.viewed_bytes(), pinned.held_bytes()), (20, 16_384));
/// assert!(pinned.origin().file().ends_with(".rs"));
/// println!("{report}");
/// # drop(small);
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    segments: Vec<HeldSegment>,
}

/// One segment in use.
#[derive(Clone, Copy, Debug)]
pub struct HeldSegment {
    size: SegmentSize,
    origin: &'static Location<'static>,
    age: Duration,
    viewed_bytes: usize,
    views: usize,
}

impl HeldSegment {
    pub(crate) fn new(size: SegmentSize, record: TakeRecord, now: Instant) -> Self {
        Self {
            size,
            origin: record.location,
            age: now.saturating_duration_since(record.since),
            viewed_bytes: record.viewed_bytes.min(size.bytes()),
            views: record.views,
        }
    }

    /// Returns the place in the code that took the segment: the caller of the pool's method.
    #[must_use]
    pub const fn origin(&self) -> &'static Location<'static> {
        self.origin
    }

    /// Returns the time since the segment was taken.
    #[must_use]
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Returns the bytes that views of the segment show: their lengths added up, and at most the
    /// segment's size. Views that overlap count each.
    #[must_use]
    pub const fn viewed_bytes(&self) -> usize {
        self.viewed_bytes
    }

    /// Returns the bytes that are kept from reuse: the segment's size.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.size.bytes()
    }

    /// Returns the number of views that keep the segment.
    #[must_use]
    pub const fn views(&self) -> usize {
        self.views
    }
}

impl Report {
    pub(crate) fn new(mut segments: Vec<HeldSegment>) -> Self {
        segments.sort_by_key(|segment| core::cmp::Reverse(segment.age));
        Self { segments }
    }

    /// Returns the segments in use, oldest first.
    #[must_use]
    pub fn segments(&self) -> &[HeldSegment] {
        &self.segments
    }

    /// Returns the bytes that all of them keep from reuse.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.segments.iter().map(HeldSegment::held_bytes).sum()
    }

    /// Returns the bytes that are viewed in all of them.
    #[must_use]
    pub fn viewed_bytes(&self) -> usize {
        self.segments.iter().map(HeldSegment::viewed_bytes).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Default)]
        struct Line {
            segments: usize,
            held: usize,
            viewed: usize,
            oldest: Duration,
        }
        let mut lines = BTreeMap::<_, Line>::new();
        for segment in &self.segments {
            let line = lines.entry(segment.origin).or_default();
            line.segments += 1;
            line.held += segment.held_bytes();
            line.viewed += segment.viewed_bytes();
            line.oldest = line.oldest.max(segment.age);
        }
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_by_key(|(_, line)| core::cmp::Reverse(line.held));
        writeln!(
            f,
            "{:>9} {:>12} {:>13} {:>9}  taken at",
            "segments", "held bytes", "viewed bytes", "oldest"
        )?;
        for (origin, Line { segments, held, viewed, oldest }) in lines {
            let seconds = oldest.as_secs_f64();
            writeln!(f, "{segments:>9} {held:>12} {viewed:>13} {seconds:>7.1} s  {origin}")?;
        }
        Ok(())
    }
}
