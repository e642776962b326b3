//! A head out of received segments, whichever kind it is of.

use seg_pool::{Pool, Segment, SegmentMut};

use crate::head_error::HeadErrorKind;

/// The first line of a head, and how a head that starts with it is parsed.
pub(crate) trait StartLine: Sized {
    /// Returns whether a head can start with this octet.
    fn can_start_with(octet: u8) -> bool;

    /// Reads a head from the front of `octets` and returns its length; `None` when it is not
    /// complete. A longer input must be refused wherever a shorter one is.
    fn parse(octets: &[u8]) -> Result<Option<(usize, Self)>, httparse::Error>;
}

/// Takes heads from the front of received segments.
#[derive(Debug)]
pub(crate) struct HeadReader {
    pool: Pool,
    bytes_max: usize,
    /// The front of a head that came in pieces.
    part: Option<SegmentMut>,
}

impl HeadReader {
    /// The longest head that a limit can allow: it fits a segment.
    pub(crate) const BYTES_MAX: usize = 64 << 10;

    pub(crate) fn new(pool: &Pool) -> Self {
        Self { pool: pool.clone(), bytes_max: 16 << 10, part: None }
    }

    /// Sets the length of a head; the nearest of 1 to [`BYTES_MAX`](Self::BYTES_MAX).
    pub(crate) fn set_bytes_max(&mut self, bytes: usize) {
        self.bytes_max = bytes.clamp(1, Self::BYTES_MAX);
    }

    /// Forgets a head that is not complete.
    pub(crate) fn reset(&mut self) {
        self.part = None;
    }

    /// Returns the octets of a head that is not complete.
    pub(crate) fn part_len(&self) -> usize {
        self.part.as_ref().map_or(0, SegmentMut::len)
    }

    /// Takes a head from the front of `received`, or all of it when the head goes on.
    pub(crate) fn read<L: StartLine>(
        &mut self,
        received: &mut Segment,
    ) -> Result<Option<(Segment, L)>, (HeadErrorKind, usize)> {
        let limit = self.bytes_max;
        let before = self.part_len();
        if received.is_empty() {
            return Ok(None);
        }
        if before == 0 {
            let visible = &received[..received.len().min(limit)];
            if let Some((len, line)) = parse(visible)? {
                return Ok(Some((received.split_to(len), line)));
            }
        }
        let part = match &mut self.part {
            Some(part) => part,
            none => {
                let part = self.pool.try_take(limit);
                none.insert(part.map_err(|_| (HeadErrorKind::PoolExhausted, 0))?)
            }
        };
        let count = received.len().min(limit - before);
        part.extend_from_slice(&received[..count]);
        let head = parse(part)?;
        if head.is_none() && count < received.len() {
            return Err((HeadErrorKind::HeadTooLong, limit));
        }
        let taken = head.as_ref().map_or(count, |(len, _)| len - before);
        drop(received.split_to(taken));
        Ok(head.and_then(|(len, line)| {
            let octets = self.part.take()?.freeze().slice(..len);
            Some((octets, line))
        }))
    }
}

/// Reads a head from the front of `octets`; `None` when it is not complete.
///
/// On an error, the second part is the offset of the octet that no head can have there: as a longer
/// input is refused wherever a shorter one is, it does not depend on how much came.
fn parse<L: StartLine>(octets: &[u8]) -> Result<Option<(usize, L)>, (HeadErrorKind, usize)> {
    // httparse skips empty lines in front and takes a bare line feed for a line end.
    if octets.first().is_some_and(|&first| !L::can_start_with(first)) {
        return Err((HeadErrorKind::Start, 0));
    }
    let bare_lf = bare_lf(octets);
    let strict = &octets[..bare_lf.unwrap_or(octets.len())];
    match L::parse(strict) {
        Ok(None) if bare_lf.is_some() => Err((HeadErrorKind::BareLf, strict.len())),
        Ok(head) => Ok(head),
        Err(_) => Err(refusal::<L>(strict)),
    }
}

/// The first line feed without a carriage return before it.
fn bare_lf(octets: &[u8]) -> Option<usize> {
    let mut last = 0;
    octets.iter().position(|&octet| core::mem::replace(&mut last, octet) != b'\r' && octet == b'\n')
}

/// Finds the first octet that is refused: the end of the shortest front that is.
fn refusal<L: StartLine>(octets: &[u8]) -> (HeadErrorKind, usize) {
    let (mut good, mut bad) = (0, octets.len());
    while good + 1 < bad {
        let middle = good.midpoint(bad);
        if L::parse(&octets[..middle]).is_err() {
            bad = middle;
        } else {
            good = middle;
        }
    }
    let offset = bad.saturating_sub(1);
    let kind = match L::parse(&octets[..bad]) {
        Err(httparse::Error::Version) => HeadErrorKind::Version,
        Err(httparse::Error::TooManyHeaders) => HeadErrorKind::TooManyFields,
        _ if !octets[..offset].contains(&b'\n') => HeadErrorKind::StartLine,
        _ => HeadErrorKind::FieldLine,
    };
    (kind, offset)
}
