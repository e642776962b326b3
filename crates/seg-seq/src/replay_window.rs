//! Which packets of a peer came already.

use core::{error::Error, fmt};

const WORDS: usize = 16;

/// The numbers of the packets that a peer sent and that came, for the last 1,024 of them.
///
/// A packet that comes twice, because the network or an attacker repeats it, is refused; so is one that
/// is too old to tell (RFC 4303 §3.4.3, RFC 9147 §4.5.1). Ask [`check`](Self::check) before a packet is
/// decrypted, and [`insert`](Self::insert) its number when its tag was right: only the peer may move
/// the window.
///
/// 144 bytes in place; allocates nothing. Both calls take constant time.
///
/// # Examples
///
/// ```
/// use seg_seq::{ReplayErrorKind, ReplayWindow};
///
/// # fn main() -> Result<(), seg_seq::ReplayError> {
/// let mut window = ReplayWindow::new();
/// window.insert(7)?;
/// window.insert(5)?;
/// assert_eq!(window.check(7).unwrap_err().kind(), ReplayErrorKind::Duplicate);
/// window.insert(7_000)?;
/// assert_eq!(window.check(6).unwrap_err().kind(), ReplayErrorKind::TooOld);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ReplayWindow {
    highest: Option<u64>,
    /// A bit for each of the last numbers, at its remainder.
    bits: [u64; WORDS],
}

impl ReplayWindow {
    /// The numbers that a window tells apart: the highest one and those before it.
    pub const NUMBERS: u64 = WORDS as u64 * 64;

    /// Creates a window that no packet has come to.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None, bits: [0; WORDS] }
    }

    /// Returns the highest number that came.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Returns whether this number is in the window and came.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.check(number).is_err_and(|error| error.kind == ReplayErrorKind::Duplicate)
    }

    /// Tells whether a packet of this number may be taken. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] when it came already, or is so old that nobody knows.
    pub const fn check(&self, number: u64) -> Result<(), ReplayError> {
        let Some(highest) = self.highest else { return Ok(()) };
        let kind = if number > highest {
            return Ok(());
        } else if highest - number >= Self::NUMBERS {
            ReplayErrorKind::TooOld
        } else {
            let (word, bit) = place(number);
            if self.bits[word] & bit == 0 {
                return Ok(());
            }
            ReplayErrorKind::Duplicate
        };
        Err(ReplayError { kind, number })
    }

    /// Notes that the packet of this number came.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); nothing changes then.
    pub fn insert(&mut self, number: u64) -> Result<(), ReplayError> {
        self.check(number)?;
        match self.highest {
            Some(highest) if number <= highest => {}
            Some(highest) if number - highest < Self::NUMBERS => {
                for passed in highest + 1..=number {
                    let (word, bit) = place(passed);
                    self.bits[word] &= !bit;
                }
                self.highest = Some(number);
            }
            _ => {
                self.bits = [0; WORDS];
                self.highest = Some(number);
            }
        }
        let (word, bit) = place(number);
        self.bits[word] |= bit;
        Ok(())
    }
}

/// Returns the word and the bit of a number.
#[allow(clippy::cast_possible_truncation, reason = "a remainder of at most 1,023")]
const fn place(number: u64) -> (usize, u64) {
    let index = (number % ReplayWindow::NUMBERS) as usize;
    (index / 64, 1 << (index % 64))
}

/// A packet that may have come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayError {
    kind: ReplayErrorKind,
    number: u64,
}

/// Why a packet may not be taken. There is no third reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayErrorKind {
    /// A packet of this number came before.
    Duplicate,
    /// The number is 1,024 or more below the highest one that came.
    TooOld,
}

impl ReplayError {
    /// Returns why.
    #[must_use]
    pub const fn kind(&self) -> ReplayErrorKind {
        self.kind
    }

    /// Returns the number of the packet.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        match self.kind {
            ReplayErrorKind::Duplicate => write!(f, "packet {number} came before"),
            ReplayErrorKind::TooOld => write!(f, "packet {number} is too old for the window"),
        }
    }
}

impl Error for ReplayError {}
