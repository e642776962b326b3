//! How the bytes of a packet are divided, and what is wrong with a division.

use core::{error::Error, fmt};

use seg_pool::SLAB_BYTES;

/// A packet: bytes for a header, the payload, bytes for a tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacketLayout {
    /// At most so many bytes in all, and at most a segment.
    pub(crate) mtu: usize,
    pub(crate) headroom: usize,
    pub(crate) tailroom: usize,
}

impl PacketLayout {
    pub(crate) const fn new(
        mtu: usize,
        headroom: usize,
        tailroom: usize,
    ) -> Result<Self, PacketSizeError> {
        let kind = if mtu > SLAB_BYTES {
            PacketSizeErrorKind::MtuTooLong
        } else if headroom.saturating_add(tailroom) >= mtu {
            PacketSizeErrorKind::NoPayload
        } else {
            return Ok(Self { mtu, headroom, tailroom });
        };
        Err(PacketSizeError { kind, mtu, headroom, tailroom })
    }

    /// The most bytes of payload in a packet, at least one.
    pub(crate) const fn payload_max(&self) -> usize {
        self.mtu - self.headroom - self.tailroom
    }
}

/// Packets of a size that no packet can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketSizeError {
    kind: PacketSizeErrorKind,
    mtu: usize,
    headroom: usize,
    tailroom: usize,
}

/// What is wrong with the size of packets. More variants may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketSizeErrorKind {
    /// Headroom and tailroom leave no byte of the MTU for the payload.
    NoPayload,
    /// The MTU is above 65,536 bytes, the longest segment.
    MtuTooLong,
}

impl PacketSizeError {
    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> PacketSizeErrorKind {
        self.kind
    }

    /// Returns the MTU that was asked for, in bytes.
    #[must_use]
    pub const fn mtu(&self) -> usize {
        self.mtu
    }

    /// Returns the bytes before the payload that were asked for.
    #[must_use]
    pub const fn headroom(&self) -> usize {
        self.headroom
    }

    /// Returns the bytes after the payload that were asked for.
    #[must_use]
    pub const fn tailroom(&self) -> usize {
        self.tailroom
    }
}

impl fmt::Display for PacketSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, mtu, headroom, tailroom } = self;
        match kind {
            PacketSizeErrorKind::NoPayload => write!(
                f,
                "packets of {mtu} bytes hold no payload beside a headroom of {headroom} and a \
                 tailroom of {tailroom}"
            ),
            PacketSizeErrorKind::MtuTooLong => {
                write!(f, "packets of {mtu} bytes are longer than a segment ({SLAB_BYTES})")
            }
        }
    }
}

impl Error for PacketSizeError {}
