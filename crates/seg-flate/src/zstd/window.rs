//! The window: what was decoded last, as far back as copies may reach.

/// Bytes behind what a window needs, so that short copies can be made in whole steps.
const SLACK: usize = STEP;

/// Short copies go so many bytes at a time.
const STEP: usize = 16;

/// The first allocation.
const START_BYTES: usize = 4 << 10;

/// A ring of bytes that grows with what is written, up to the size of the window.
///
/// # Invariants
///
/// - **W1** While the ring is shorter than `size` and its slack, it was never written around.
/// - **W2** `reach <= size`: so many bytes before `at` can be copied.
/// - **W3** `fresh <= size` whenever [`fresh`](Self::fresh) is called.
#[derive(Debug)]
pub(super) struct Window {
    ring: Vec<u8>,
    size: usize,
    /// Where the next byte goes; `ring.len()` is the same as 0, once it is complete.
    at: usize,
    reach: usize,
    /// The last so many bytes were not taken out.
    fresh: usize,
}

impl Window {
    pub(super) const fn new() -> Self {
        Self { ring: Vec::new(), size: 0, at: 0, reach: 0, fresh: 0 }
    }

    /// Starts anew, with a window of `size` bytes. Keeps the memory.
    pub(super) const fn reset(&mut self, size: usize) {
        (self.size, self.at, self.reach, self.fresh) = (size, 0, 0, 0);
    }

    /// Returns how many bytes were written and not taken out.
    pub(super) const fn fresh_len(&self) -> usize {
        self.fresh
    }

    /// Returns bytes to take out, the oldest ones; empty only when there are none.
    pub(super) fn fresh(&self) -> &[u8] {
        let start = match self.at.checked_sub(self.fresh) {
            Some(start) => start,
            None => self.at + self.ring.len() - self.fresh,
        };
        &self.ring[start..self.ring.len().min(start + self.fresh)]
    }

    /// Takes bytes out.
    pub(super) const fn take(&mut self, len: usize) {
        self.fresh -= len;
    }

    /// Writes `bytes`.
    #[inline(always)]
    pub(super) fn extend(&mut self, bytes: &[u8], behind: &[u8]) {
        debug_assert!(behind.starts_with(bytes));
        let at = self.at;
        // A short run is one copy whose length is known, when there is enough behind it.
        if bytes.len() <= STEP
            && let Some(step) = behind.first_chunk::<STEP>()
            && let Some(room) = self.ring.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<STEP>)
        {
            *room = *step;
            self.advance(at + bytes.len(), bytes.len());
        } else {
            self.extend_long(bytes);
        }
    }

    /// Writes `bytes`, of any length.
    pub(super) fn extend_long(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.room(bytes.len());
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            self.ring[self.at..][..piece.len()].copy_from_slice(piece);
            self.advance(self.at + piece.len(), piece.len());
            bytes = rest;
        }
    }

    /// Writes a byte `len` times.
    pub(super) fn fill(&mut self, byte: u8, mut len: usize) {
        while len > 0 {
            let piece = self.room(len).min(len);
            self.ring[self.at..][..piece].fill(byte);
            self.advance(self.at + piece, piece);
            len -= piece;
        }
    }

    /// Writes again what lies `distance` bytes back, `len` bytes of it, which may be more than there
    /// are: then those that were just written follow. Returns whether the window reaches that far.
    #[inline(always)]
    pub(super) fn copy(&mut self, distance: usize, len: usize) -> bool {
        if distance == 0 || distance > self.reach {
            return false;
        }
        let (at, end) = (self.at, self.at + len);
        match at.checked_sub(distance) {
            Some(from) if distance >= STEP && end + SLACK <= self.ring.len() => {
                let mut done = 0;
                while done < len {
                    let step = self.ring[from + done..][..STEP].first_chunk::<STEP>().copied();
                    self.ring[at + done..][..STEP].copy_from_slice(&step.unwrap_or_default());
                    done += STEP;
                }
                self.advance(end, len);
            }
            _ => self.copy_in_pieces(distance, len),
        }
        true
    }

    /// As [`copy`](Self::copy), for a distance that is reached: what overlaps, or goes around.
    fn copy_in_pieces(&mut self, mut distance: usize, mut len: usize) {
        while len > 0 {
            let room = self.room(len);
            let from = match self.at.checked_sub(distance) {
                Some(from) => from,
                None => self.at + self.ring.len() - distance,
            };
            let piece = len.min(room).min(distance).min(self.ring.len() - from);
            self.ring.copy_within(from..from + piece, self.at);
            self.advance(self.at + piece, piece);
            len -= piece;
            // What repeats can be copied from further back the more of it there is.
            if piece == distance && 2 * distance <= self.reach {
                distance *= 2;
            }
        }
    }

    const fn advance(&mut self, at: usize, len: usize) {
        self.at = at;
        self.fresh += len;
        let reach = self.reach + len;
        self.reach = if reach < self.size { reach } else { self.size };
    }

    /// Returns how many bytes can be written where the next one goes, at least one; grows for up to
    /// `wanted` ones.
    fn room(&mut self, wanted: usize) -> usize {
        let complete = self.size.saturating_add(SLACK);
        let end = self.at + wanted + SLACK;
        if end > self.ring.len() && self.ring.len() < complete {
            let len = end.max(2 * self.ring.len()).max(START_BYTES).min(complete);
            self.ring.reserve_exact(len - self.ring.len());
            self.ring.resize(len, 0);
        }
        if self.at == self.ring.len() {
            self.at = 0;
        }
        self.ring.len() - self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes everything out.
    fn taken(window: &mut Window) -> Vec<u8> {
        let mut bytes = Vec::new();
        while window.fresh_len() > 0 {
            bytes.extend_from_slice(window.fresh());
            window.take(window.fresh().len());
        }
        bytes
    }

    #[test]
    fn copies_are_those_of_a_plain_vec_in_every_place_and_at_every_distance() {
        for size in if cfg!(miri) { vec![40] } else { vec![1, 2, 7, 15, 16, 17, 40, 100, 5_000] } {
            let mut window = Window::new();
            // The second time in memory that is kept.
            for round in 0..2 {
                window.reset(size);
                let mut plain = Vec::new();
                let mut random = 1 + round;
                let mut draw = |below: usize| {
                    random = random * 48_271 % 0x7fff_ffff;
                    random % below
                };
                for step in 0..if cfg!(miri) { 100 } else { 3_000 } {
                    let len = draw(size.min(90)) + 1;
                    match step % 3 {
                        0 => {
                            let text: Vec<u8> =
                                (0..=255).cycle().skip(step).take(len + 20).collect();
                            let behind = len + draw(20);
                            window.extend(&text[..len], &text[..behind]);
                            plain.extend_from_slice(&text[..len]);
                        }
                        1 if step % 2 == 0 => {
                            window.fill(7, len);
                            plain.resize(plain.len() + len, 7);
                        }
                        _ => {
                            let reach = plain.len().min(size);
                            let distance = [1, reach, draw(reach) + 1][draw(3)];
                            assert!(window.copy(distance, len));
                            (0..len).for_each(|_| plain.push(plain[plain.len() - distance]));
                            assert!(!window.copy(reach.max(plain.len().min(size)) + 1, 1));
                            assert!(!window.copy(0, 1));
                        }
                    }
                    assert_eq!(taken(&mut window), plain[plain.len() - len..], "{size} {step}");
                }
                assert!(window.ring.len() <= size + SLACK);
            }
        }
    }

    #[test]
    fn memory_is_taken_for_what_was_written_and_kept() {
        let mut window = Window::new();
        window.reset(8 << 20);
        window.extend_long(&[1; 3_000]);
        assert_eq!(window.ring.capacity(), START_BYTES);
        window.fill(1, 10_000);
        assert!(window.ring.capacity() <= 16 << 10);
        let ring = window.ring.as_ptr();
        window.reset(1 << 10);
        window.fill(2, 1_000);
        assert_eq!(window.ring.as_ptr(), ring);
        assert!(!window.copy(1_001, 1), "what was there before is out of reach");
    }
}
