//! What a packet looks like, and how it is encrypted where it lies.

use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit as _, Nonce, Tag,
    aead::{AeadInOut, Error, consts::U12, consts::U16, inout::InOutBuf},
};
use seg_seq::PacketParts;

/// Bytes of a packet, which pass through most networks.
pub(crate) const MTU: usize = 1_200;
pub(crate) const HEADER_BYTES: usize = 24;
pub(crate) const TAG_BYTES: usize = 16;
pub(crate) const PAYLOAD_BYTES: usize = MTU - HEADER_BYTES - TAG_BYTES;

/// The numbers of acknowledgements have this bit, so that no nonce is used twice.
pub(crate) const ACKNOWLEDGEMENT: u64 = 1 << 63;

/// The start of a packet, in the clear but authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number of the packet, from which its nonce is made.
    pub(crate) number: u64,
    /// The number of the message; in an acknowledgement the highest number that was received.
    pub(crate) message: u64,
    pub(crate) index: u32,
    /// The fragments of the message; 0 in an acknowledgement.
    pub(crate) count: u32,
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.message.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.index.to_be_bytes());
        bytes[20..].copy_from_slice(&self.count.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (message, rest) = rest.split_first_chunk()?;
        let (index, rest) = rest.split_first_chunk()?;
        Some(Self {
            number: u64::from_be_bytes(*number),
            message: u64::from_be_bytes(*message),
            index: u32::from_be_bytes(*index),
            count: u32::from_be_bytes(*rest.first_chunk()?),
        })
    }
}

/// Authenticated encryption in place, with nonces of 12 and tags of 16 bytes.
pub(crate) trait Aead: Send {
    fn seal(&self, nonce: Nonce, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error>;

    fn open(&self, nonce: Nonce, header: &[u8], payload: &mut [u8], tag: &Tag)
    -> Result<(), Error>;
}

impl<A: AeadInOut<NonceSize = U12, TagSize = U16> + Send> Aead for A {
    fn seal(&self, nonce: Nonce, header: &[u8], payload: &mut [u8]) -> Result<Tag, Error> {
        self.encrypt_inout_detached(&nonce, header, InOutBuf::from(payload))
    }

    fn open(
        &self,
        nonce: Nonce,
        header: &[u8],
        payload: &mut [u8],
        tag: &Tag,
    ) -> Result<(), Error> {
        self.decrypt_inout_detached(&nonce, header, InOutBuf::from(payload), tag)
    }
}

/// The cipher of one peer. Both have the same key here, and nonces of their own.
pub(crate) struct Cipher {
    /// `None` to send in the clear.
    aead: Option<Box<dyn Aead>>,
    side: u8,
}

impl Cipher {
    /// A key of a real transport comes from its handshake.
    pub(crate) const KEY: [u8; 32] = [7; 32];

    /// `side` is 0 for one peer and 1 for the other.
    pub(crate) fn new(aead: Option<Box<dyn Aead>>, side: u8) -> Self {
        Self { aead, side }
    }

    pub(crate) fn chacha20_poly1305() -> Box<dyn Aead> {
        Box::new(ChaCha20Poly1305::new(&Key::from(Self::KEY)))
    }

    /// Writes the header, encrypts the payload where it lies and writes the tag.
    pub(crate) fn seal(&self, header: Header, packet: &mut PacketParts<'_>) -> Result<(), Error> {
        let bytes = header.to_bytes();
        packet.header.copy_from_slice(&bytes);
        if let Some(aead) = &self.aead {
            let tag = aead.seal(nonce(self.side, header.number), &bytes, packet.payload)?;
            packet.tag.copy_from_slice(&tag);
        }
        Ok(())
    }

    /// Decrypts the payload of a packet of the other peer where it lies.
    pub(crate) fn open(&self, header: Header, packet: &mut PacketParts<'_>) -> Result<(), Error> {
        let Some(aead) = &self.aead else { return Ok(()) };
        let tag: [u8; TAG_BYTES] = (&*packet.tag).try_into().map_err(|_| Error)?;
        let nonce = nonce(1 - self.side, header.number);
        aead.open(nonce, packet.header, packet.payload, &Tag::from(tag))
    }
}

fn nonce(side: u8, number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[0] = side;
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::from(nonce)
}
