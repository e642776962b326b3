//! The fragments of a message that came, in runs without a gap.

use seg_pool::{OutOfMemory, Pool, Segment};

use crate::sequence::Sequence;

/// How many times longer than a run its neighbour may be and still be moved to its end.
///
/// A moved fragment then lies in a run of at least 5/4 of the length: whatever the order, each moves
/// some fifty times at most. Neighbours that are not joined grow at least by this factor from one to
/// the next, so there are only a few of them.
const MOVED_RATIO: u32 = 4;

/// Runs in order, none of them empty.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    received: u32,
}

#[derive(Debug)]
struct Run {
    /// Index of the first fragment.
    start: u32,
    /// Index after the last fragment.
    end: u32,
    sequence: Sequence,
}

impl Runs {
    /// Returns how many fragments came.
    pub(super) const fn received(&self) -> u32 {
        self.received
    }

    /// Returns the place of the first run after a fragment that did not come yet.
    pub(super) fn find(&self, index: u32) -> Option<usize> {
        let place = self.runs.partition_point(|run| run.end <= index);
        self.runs.get(place).is_none_or(|run| run.start > index).then_some(place)
    }

    /// Returns whether a fragment may be inserted there with so many gaps at most.
    pub(super) fn has_space(&self, place: usize, index: u32, gaps_max: usize) -> bool {
        self.runs.len() <= gaps_max || self.continues(place, index)
    }

    /// Returns how many more bytes are kept from reuse with this fragment.
    pub(super) fn more_held_bytes(&self, place: usize, payload: &Segment) -> u64 {
        let before = self.before(place).and_then(|run| run.sequence.chunks().next_back());
        let after = self.runs.get(place).and_then(|run| run.sequence.chunks().next());
        let is_held =
            before.into_iter().chain(after).any(|chunk| chunk.shares_segment_with(payload));
        if is_held { 0 } else { payload.held_bytes() as u64 }
    }

    /// Returns the size of the blocks of all lists.
    pub(super) fn list_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.sequence.list_bytes()).sum()
    }

    /// Links a fragment whose place was found. With the last one, all of them can be
    /// [taken](Self::take).
    pub(super) fn try_insert(
        &mut self,
        place: usize,
        index: u32,
        payload: &mut Segment,
        is_last: bool,
    ) -> Result<(), OutOfMemory> {
        let mut first = Sequence::new();
        if is_last {
            let chunks: usize = self.runs.iter().map(|run| run.sequence.chunk_count()).sum();
            let pool = payload.pool().unwrap_or_else(|| Pool::global().into());
            // The first run is the one that the others are moved to.
            match self.runs.first_mut().filter(|_| place > 0) {
                Some(run) => run.sequence.try_reserve(chunks + 1, &pool)?,
                None => first.try_reserve(chunks + 1, &pool)?,
            }
        }
        let mut at = place;
        if self.continues(place, index) {
            at -= 1;
            self.runs[at].sequence.try_push(payload)?;
            self.runs[at].end += 1;
        } else {
            first.push(core::mem::take(payload));
            self.runs.insert(at, Run { start: index, end: index + 1, sequence: first });
        }
        self.received += 1;
        self.join(at);
        Ok(())
    }

    /// Takes all bytes that came, and leaves no run.
    pub(super) fn take(&mut self) -> Sequence {
        self.received = 0;
        let mut runs = self.runs.drain(..).map(|run| run.sequence);
        let mut whole = runs.next().unwrap_or_default();
        for mut sequence in runs {
            // There are slots for all of a whole message; what came of another one is not asked for.
            if whole.try_append(&mut sequence).is_err() {
                break;
            }
        }
        whole
    }

    /// Moves runs that follow without a gap to the end of this one, if they are not too long and there
    /// is memory for the list.
    fn join(&mut self, at: usize) {
        while let Some([run, next]) = self.runs.get_mut(at..at + 2) {
            let (len, next_len) = (run.end - run.start, next.end - next.start);
            let is_long = next_len > len.saturating_mul(MOVED_RATIO);
            if run.end != next.start
                || is_long
                || run.sequence.try_append(&mut next.sequence).is_err()
            {
                break;
            }
            run.end = next.end;
            self.runs.remove(at + 1);
        }
    }

    /// Returns whether the fragment is the next one of the run before the place.
    fn continues(&self, place: usize, index: u32) -> bool {
        self.before(place).is_some_and(|run| run.end == index)
    }

    fn before(&self, place: usize) -> Option<&Run> {
        self.runs.get(place.checked_sub(1)?)
    }
}
