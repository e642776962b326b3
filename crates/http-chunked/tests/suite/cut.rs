//! Streams in pieces.

use seg_pool::Segment;

/// Cuts `wire` before each of `cuts`, which rise.
pub(crate) fn pieces(wire: &Segment, cuts: &[usize]) -> Vec<Segment> {
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([wire.len()]);
    starts.zip(ends).map(|(start, end)| wire.slice(start..end)).collect()
}

/// Copies `wire` in pieces of `step` octets, each a segment of its own.
pub(crate) fn steps(wire: &[u8], step: usize) -> impl Iterator<Item = Segment> {
    wire.chunks(step).map(|piece| Segment::from(bytes::Bytes::copy_from_slice(piece)))
}

/// Cuts `wire` behind every octet.
pub(crate) fn octets(wire: &Segment) -> Vec<Segment> {
    (0..wire.len()).map(|at| wire.slice(at..at + 1)).collect()
}

/// Where to cut a stream of `len` octets in two: everywhere in a short one; in a long one, which is
/// the same octet over and over to meet a limit, near both ends and in steps between.
pub(crate) fn places(len: usize) -> impl Iterator<Item = usize> {
    const SHORT: usize = if cfg!(miri) { 32 } else { 1024 };
    const END: usize = 48;
    const STEP: usize = 499;
    (1..len).filter(move |at| len <= SHORT || *at <= END || len - at <= END || at % STEP == 0)
}
