//! A head out of received segments, whichever kind it is of.

mod scan;
mod version;

use seg_pool::{Pool, Segment, SegmentMut};

use self::scan::HeadScan;
pub(crate) use self::version::VersionPlace;
use crate::head_error::HeadErrorKind;

/// The first line of a head, and how a head that starts with it is read.
pub(crate) trait StartLine: Sized {
    /// A place in the line; the default is the one before its first octet.
    type Place: Copy + Default + core::fmt::Debug;

    /// Returns the place that an octet leads to, `None` behind the line feed that ends the line.
    fn next(place: Self::Place, octet: u8) -> Result<Option<Self::Place>, HeadErrorKind>;

    /// Reads a head from the front of `octets` and returns its length; `None` when it is not
    /// complete. May take more than the grammar allows, but no bare line feed that `next` would
    /// have to find.
    fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error>;
}

/// Takes heads from the front of received segments.
///
/// A head that lies in one segment is parsed once, where it lies. One that comes in pieces is
/// copied together; each octet is looked at when it comes, and the head parsed once it is complete.
/// So the cost grows with the octets and not with the pieces.
#[derive(Debug)]
pub(crate) struct HeadReader<L: StartLine> {
    pool: Pool,
    bytes_max: usize,
    /// The front of a head that came in pieces.
    part: Option<SegmentMut>,
    /// What was seen of it.
    scan: HeadScan<L>,
}

impl<L: StartLine> HeadReader<L> {
    /// The longest head that a limit can allow: it fits a segment.
    pub(crate) const BYTES_MAX: usize = 64 << 10;

    pub(crate) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), bytes_max: 16 << 10, part: None, scan: HeadScan::new() }
    }

    /// Sets the length of a head; the nearest of 1 to [`BYTES_MAX`](Self::BYTES_MAX).
    pub(crate) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes.clamp(1, Self::BYTES_MAX);
    }

    /// Forgets a head that is not complete.
    pub(crate) fn reset(&mut self) {
        self.part = None;
        self.scan = HeadScan::new();
    }

    /// Returns the octets of a head that is not complete.
    pub(crate) fn part_len(&self) -> usize {
        self.part.as_ref().map_or(0, SegmentMut::len)
    }

    /// Takes a head from the front of `received`, or all of it when the head goes on.
    ///
    /// On an error, the second part is the offset in the head of the octet that no head can have
    /// there.
    pub(crate) fn read(
        &mut self,
        received: &mut Segment,
    ) -> Result<Option<(Segment, L)>, (HeadErrorKind, usize)> {
        if received.is_empty() {
            return Ok(None);
        }
        let before = self.part_len();
        let count = received.len().min(self.bytes_max - before);
        let visible = &received[..count];
        if before == 0
            && let Some((len, line)) = parse_whole(visible)
        {
            return Ok(Some((received.split_to(len), line)));
        }
        let end = self.scan.read(visible)?;
        if end.is_none() && count < received.len() {
            return Err((HeadErrorKind::HeadTooLong, self.bytes_max));
        }
        let taken = end.unwrap_or(count);
        self.keep(&received[..taken])?;
        drop(received.split_to(taken));
        let Some(octets) = self.part.take_if(|_| end.is_some()).map(SegmentMut::freeze) else {
            return Ok(None);
        };
        self.scan = HeadScan::new();
        match L::parse(&octets) {
            Ok(Some((_, line))) => Ok(Some((octets, line))),
            // The parser knows a rule that the scan does not; no offset is known for it.
            _ => Err((HeadErrorKind::StartLine, 0)),
        }
    }

    fn keep(&mut self, octets: &[u8]) -> Result<(), (HeadErrorKind, usize)> {
        let part = match &mut self.part {
            Some(part) => part,
            none => {
                let part = self.pool.try_take(self.bytes_max);
                none.insert(part.map_err(|_| (HeadErrorKind::OutOfMemory, 0))?)
            }
        };
        part.extend_from_slice(octets);
        Ok(())
    }
}

/// Reads a head that is complete and right; `None` when the scan has to look.
fn parse_whole<L: StartLine>(octets: &[u8]) -> Option<(usize, L)> {
    // The parser skips empty lines in front and takes a bare line feed for a line end.
    L::next(L::Place::default(), *octets.first()?).ok()?;
    let (len, line) = L::parse(octets).ok()??;
    (!has_bare_lf(&octets[..len])).then_some((len, line))
}

/// Returns whether a line feed has no carriage return before it; the first octet is none.
fn has_bare_lf(octets: &[u8]) -> bool {
    // Without a way out in the middle, so that many octets are compared at once.
    let pairs = octets.iter().zip(octets.iter().skip(1));
    pairs.fold(false, |found, (&before, &octet)| found | ((octet == b'\n') & (before != b'\r')))
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    /// A line of any octets that counts how often it is looked at.
    struct Counted;

    thread_local! {
        static PARSED: Cell<usize> = const { Cell::new(0) };
        static SEEN: Cell<usize> = const { Cell::new(0) };
    }

    impl StartLine for Counted {
        type Place = bool;

        fn next(is_cr: bool, octet: u8) -> Result<Option<bool>, HeadErrorKind> {
            SEEN.set(SEEN.get() + 1);
            Ok((!is_cr || octet != b'\n').then_some(octet == b'\r'))
        }

        fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error> {
            PARSED.set(PARSED.get() + octets.len());
            let end = octets.windows(4).position(|four| four == b"\r\n\r\n");
            Ok(end.map(|end| (end + 4, Self)))
        }
    }

    #[test]
    fn each_octet_of_a_head_in_pieces_is_looked_at_once_and_parsed_once() {
        const LINE: usize = if cfg!(miri) { 100 } else { 15_000 };
        let wire = ["a".repeat(LINE).as_str(), "\r\nb: c\r\n\r\n"].concat();
        let mut reader = HeadReader::<Counted>::new(&Pool::new());
        let mut heads = Vec::new();
        for octet in wire.bytes() {
            let mut received = Segment::from(bytes::Bytes::copy_from_slice(&[octet]));
            heads.extend(reader.read(&mut received).expect("it is right"));
        }
        assert_eq!(heads.len(), 1);
        assert_eq!(heads[0].0, wire.as_bytes());
        // The first piece alone is tried on its own.
        assert_eq!(PARSED.get(), wire.len() + 1);
        assert_eq!(SEEN.get(), LINE + 2 + 1);
    }

    #[test]
    fn bare_line_feeds_are_found_wherever_they_are() {
        for (octets, expected) in
            [("a\r\nb\r\n\r\n", false), ("a\nb\r\n", true), ("a\r\n\n", true), ("ab\r\nc\n", true)]
        {
            assert_eq!(has_bare_lf(octets.as_bytes()), expected, "{octets:?}");
        }
    }
}
