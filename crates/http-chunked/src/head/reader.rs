//! A head out of received segments, whichever kind it is of.

use bytes::Buf as _;
use seg_pool::{OutOfMemory, Pool, Segment, SegmentMut, SegmentSize};

use super::{Head, HeadErrorKind, Refusal, StartLine, scan::HeadScan};

/// Takes heads from the front of received segments.
///
/// A head is copied into a segment of its own, of the size that it needs: it lives longer than what
/// was received with it. One that lies in one received segment is looked at once, by `httparse`. Of
/// one that comes in pieces each octet is looked at when it comes. So the cost grows with the
/// octets and not with the pieces.
#[derive(Debug)]
pub(crate) struct HeadReader<L: StartLine> {
    pool: Pool,
    bytes_max: usize,
    /// The front of a head that came in pieces.
    part: Option<SegmentMut>,
    /// What was seen of it.
    scan: HeadScan<L>,
    /// Where the head goes that needs more memory.
    supplied: Option<SegmentMut>,
}

impl<L: StartLine> HeadReader<L> {
    pub(crate) fn new(pool: &Pool) -> Self {
        let scan = HeadScan::new();
        Self { pool: pool.clone(), bytes_max: 16 << 10, part: None, scan, supplied: None }
    }

    /// Sets the length of a head: 1 to 65,536 bytes.
    pub(crate) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes;
    }

    /// Forgets a head that is not complete.
    pub(crate) fn reset(&mut self) {
        (self.part, self.supplied) = (None, None);
        self.scan = HeadScan::new();
    }

    /// Gives a segment for the head.
    pub(crate) fn supply(&mut self, memory: SegmentMut) {
        self.supplied = Some(memory);
    }

    /// Returns the octets of a head that is not complete.
    pub(crate) fn part_len(&self) -> usize {
        self.part.as_ref().map_or(0, SegmentMut::len)
    }

    /// Takes a head from the front of `received`, or all of it when the head goes on.
    ///
    /// On an error, the second part is the offset in the head of the octet that no head can have
    /// there. Out of memory changes nothing.
    pub(crate) fn read(&mut self, received: &mut Segment) -> Result<Option<Head<L>>, Refusal> {
        if received.is_empty() {
            return Ok(None);
        }
        let before = self.part_len();
        let count = received.len().min(self.bytes_max - before);
        let visible = &received[..count];
        let mut scan = self.scan;
        let whole = if before == 0 { parse_whole::<L>(visible) } else { None };
        let end = if whole.is_some() { whole } else { scan.read(visible)? };
        if end.is_none() && count < received.len() {
            return Err((scan.too_long(), self.bytes_max));
        }
        let taken = end.unwrap_or(count);
        let kept = self.keep(&received[..taken]);
        kept.map_err(|error| (HeadErrorKind::OutOfMemory(error), before))?;
        received.advance(taken);
        let Some(mut octets) = self.part.take_if(|_| end.is_some()) else {
            self.scan = scan;
            return Ok(None);
        };
        self.scan = HeadScan::new();
        if scan.is_folded() {
            unfold(&mut octets);
        }
        Ok(Some(Head::new(octets.freeze())))
    }

    /// Copies octets after those that are kept already.
    fn keep(&mut self, octets: &[u8]) -> Result<(), OutOfMemory> {
        if let Some(part) = self.part.as_mut().filter(|part| octets.len() <= part.spare_len()) {
            part.extend_from_slice(octets);
            return Ok(());
        }
        // The next power of two: a head that grows octet by octet is copied a few times at most.
        let len = self.part_len() + octets.len();
        let size = SegmentSize::fitting(len).unwrap_or(SegmentSize::K64);
        let mut longer = match self.supplied.take().filter(|segment| segment.spare_len() >= len) {
            Some(supplied) => supplied,
            None => self.pool.try_take_size(size)?,
        };
        longer.extend_from_slice(self.part.as_deref().unwrap_or_default());
        longer.extend_from_slice(octets);
        self.part = Some(longer);
        Ok(())
    }
}

/// Returns the length of a head that is complete and right; `None` when the scan has to look.
fn parse_whole<L: StartLine>(octets: &[u8]) -> Option<usize> {
    // The parser skips empty lines before a head and takes a bare line feed for a line end.
    L::next(L::Place::default(), *octets.first()?).ok()?;
    L::parse(octets).filter(|&len| !has_bare_lf(&octets[..len]))
}

/// Returns whether a line feed has no carriage return before it; the first octet is none.
fn has_bare_lf(octets: &[u8]) -> bool {
    // Without a way out in the middle, so that many octets are compared at once.
    let pairs = octets.iter().zip(octets.iter().skip(1));
    pairs.fold(false, |found, (&before, &octet)| found | ((octet == b'\n') & (before != b'\r')))
}

/// Puts two spaces for each line end that a line starting with whitespace follows (RFC 9112 §5.2):
/// as many octets, so offsets stay.
fn unfold(octets: &mut [u8]) {
    for at in 2..octets.len() {
        if matches!(octets[at], b' ' | b'\t') && octets[at - 2..at] == *b"\r\n" {
            octets[at - 2..at].fill(b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;
    use crate::{
        framing::Framing,
        head::{RequestMethod, Sealed},
    };

    /// A line of any octets that counts how often it is looked at.
    #[derive(Clone, Debug)]
    struct Counted;

    thread_local! {
        static PARSED: Cell<usize> = const { Cell::new(0) };
        static SEEN: Cell<usize> = const { Cell::new(0) };
    }

    impl StartLine for Counted {}

    impl Sealed for Counted {
        type Place = bool;
        const IS_REQUEST: bool = true;

        fn next(is_cr: bool, octet: u8) -> Result<Option<bool>, HeadErrorKind> {
            SEEN.set(SEEN.get() + 1);
            Ok((!is_cr || octet != b'\n').then_some(octet == b'\r'))
        }

        fn too_long(_: bool) -> HeadErrorKind {
            HeadErrorKind::TooLong
        }

        fn parse(octets: &[u8]) -> Option<usize> {
            PARSED.set(PARSED.get() + octets.len());
            octets.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
        }

        fn split(_: &[u8]) -> Self {
            Self
        }

        fn version_minor(&self) -> u8 {
            1
        }

        fn is_interim(&self) -> bool {
            false
        }

        fn is_partial(&self) -> bool {
            false
        }

        fn check(_: &Head<Self>) -> Result<(), Refusal> {
            Ok(())
        }

        fn framing(_: &Head<Self>, _: RequestMethod) -> Result<Framing, Refusal> {
            Ok(Framing::Length(0))
        }

        fn is_upgrade(_: &Head<Self>, _: RequestMethod) -> bool {
            false
        }

        fn is_last(_: &Head<Self>, _: RequestMethod) -> bool {
            false
        }
    }

    #[test]
    fn each_octet_of_a_head_in_pieces_is_looked_at_once() {
        const LINE: usize = if cfg!(miri) { 100 } else { 15_000 };
        let wire = ["a".repeat(LINE).as_str(), "\r\nb: c\r\n\r\n"].concat();
        let mut reader = HeadReader::<Counted>::new(&Pool::new());
        let mut heads = Vec::new();
        for octet in wire.bytes() {
            let mut received = Segment::from(bytes::Bytes::copy_from_slice(&[octet]));
            heads.extend(reader.read(&mut received).expect("it is right"));
        }
        assert_eq!(heads.len(), 1);
        assert_eq!(heads[0].octets(), wire.as_bytes());
        // The first piece alone is tried on its own, after a look at its first octet.
        assert_eq!(PARSED.get(), 1);
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

    #[test]
    fn a_fold_becomes_spaces_and_nothing_else_changes() {
        for (octets, expected) in [
            ("a: b\r\n\tc\r\n d\r\n\r\n", "a: b  \tc   d\r\n\r\n"),
            ("a:\r\n b\r\n\r\n", "a:   b\r\n\r\n"),
            ("a: b\r\nc: d\r\n\r\n", "a: b\r\nc: d\r\n\r\n"),
        ] {
            let mut unfolded = octets.as_bytes().to_vec();
            unfold(&mut unfolded);
            assert_eq!(unfolded, expected.as_bytes(), "{octets:?}");
        }
    }
}
