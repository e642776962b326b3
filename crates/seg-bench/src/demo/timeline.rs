//! Live memory over the course of a message.

use core::cell::RefCell;

use seg_pool::Pool;

use super::slabs::Slabs;
use crate::alloc_count;

/// Notes what is live each time that bytes arrive.
///
/// Noting allocates nothing: its memory is taken when the timeline is made, before anything is
/// counted. What comes when that is full replaces the last note.
#[derive(Debug)]
pub(super) struct Timeline {
    slabs: Slabs,
    course: RefCell<Course>,
}

#[derive(Debug)]
struct Course {
    /// What is watched, from the connection's first message on until that is complete.
    pool: Option<Pool>,
    received_bytes: u64,
    samples: Vec<Sample>,
}

/// One moment of a message's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Bytes received up to then, as they came over the wire.
    pub received_bytes: u64,
    /// Bytes live at that moment, the pool's slabs included.
    pub live_bytes: u64,
}

/// Reads of 64 MiB through buffers of 1 KiB.
const SAMPLES_MAX: usize = 64 * 1024;

impl Timeline {
    pub(super) fn new() -> Self {
        let samples = Vec::with_capacity(SAMPLES_MAX);
        let course = RefCell::new(Course { pool: None, received_bytes: 0, samples });
        Self { slabs: Slabs::probe(), course }
    }

    /// Starts anew with the memory of another pool.
    pub(super) fn begin(&self, pool: &Pool) {
        let mut course = self.course.borrow_mut();
        course.pool = Some(pool.clone());
        course.received_bytes = 0;
        course.samples.clear();
    }

    /// Notes that bytes arrived; they are not assembled yet.
    pub(super) fn received(&self, bytes: u64) {
        let mut course = self.course.borrow_mut();
        course.received_bytes += bytes;
        self.note(&mut course);
    }

    /// Notes what is live now that all that arrived is assembled, and ends the course.
    pub(super) fn end(&self) {
        let mut course = self.course.borrow_mut();
        self.note(&mut course);
        course.pool = None;
    }

    /// Returns the course that ended last. Allocates, so not to be called while anything is counted.
    pub(super) fn samples(&self) -> Vec<Sample> {
        self.course.borrow().samples.clone()
    }

    fn note(&self, course: &mut Course) {
        let Some(pool) = &course.pool else { return };
        let heap = alloc_count::so_far().map_or(0, |counts| counts.live_bytes);
        let live_bytes = u64::try_from(heap).unwrap_or(0) + self.slabs.held_by(pool).bytes;
        let sample = Sample { received_bytes: course.received_bytes, live_bytes };
        if course.samples.len() == SAMPLES_MAX {
            course.samples.pop();
        }
        course.samples.push(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_show_as_they_are_taken() {
        let (timeline, pool) = (Timeline::new(), Pool::new());
        timeline.begin(&pool);
        timeline.received(10);
        let taken = [pool.take(65_536), pool.take(65_536)];
        timeline.received(5);
        drop(taken);
        timeline.end();
        let course = timeline.samples();
        let received: Vec<_> = course.iter().map(|sample| sample.received_bytes).collect();
        assert_eq!(received, [10, 15, 15]);
        assert!(course[1].live_bytes >= course[0].live_bytes + 2 * 65_536, "{course:?}");
        timeline.received(1);
        timeline.end();
        assert_eq!(timeline.samples().len(), 3, "nothing is watched after the end");
    }
}
