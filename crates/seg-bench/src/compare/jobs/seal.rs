//! Encryption in place, or nothing.

use std::rc::Rc;

use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit, Nonce, Tag,
    aead::{AeadInOut, inout::InOutBuf},
};

/// Bytes of a tag.
pub(super) const TAG_BYTES: usize = 16;

/// ChaCha20-Poly1305, or tags that mean nothing.
#[derive(Clone)]
pub(super) struct Seal(Option<Rc<ChaCha20Poly1305>>);

impl Seal {
    pub(super) fn new(is_on: bool) -> Self {
        let cipher = is_on.then(|| ChaCha20Poly1305::new(&Key::from([7; 32])));
        Self(cipher.map(Rc::new))
    }

    /// Encrypts a payload where it lies; the header starts with the nonce.
    pub(super) fn seal(&self, header: &[u8], payload: &mut [u8]) -> Tag {
        let Some(cipher) = &self.0 else { return Tag::from([9; TAG_BYTES]) };
        cipher
            .encrypt_inout_detached(&nonce(header), header, InOutBuf::from(payload))
            .expect("far below the limit")
    }

    /// Decrypts a payload where it lies.
    pub(super) fn open(&self, header: &[u8], payload: &mut [u8], tag: &[u8]) {
        let Some(cipher) = &self.0 else { return };
        let tag = *tag.first_chunk::<TAG_BYTES>().expect("a whole tag");
        cipher
            .decrypt_inout_detached(
                &nonce(header),
                header,
                InOutBuf::from(payload),
                &Tag::from(tag),
            )
            .expect("what was sealed");
    }
}

fn nonce(header: &[u8]) -> Nonce {
    Nonce::from(*header.first_chunk::<12>().expect("longer than a nonce"))
}
