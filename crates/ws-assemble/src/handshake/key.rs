//! The proof that the server understood (RFC 6455 section 4.2.2).

use base64::{
    Engine as _,
    alphabet::STANDARD as ALPHABET,
    engine::{GeneralPurpose, general_purpose::PAD},
};
use sha1::{Digest as _, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The bits after the last byte may be anything: they are not 0 in the RFC's own example (section 4.1
/// item 7).
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, PAD.with_decode_allow_trailing_bits(true));

/// Returns the value of `Sec-WebSocket-Accept` for the key as it stands in the request.
pub(super) fn accept(key: &[u8]) -> String {
    BASE64.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

pub(super) fn encode(nonce: [u8; 16]) -> String {
    BASE64.encode(nonce)
}

/// Returns whether a key decodes to 16 bytes.
pub(super) fn is_valid(key: &[u8]) -> bool {
    BASE64.decode(key).is_ok_and(|nonce| nonce.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_comes_out() {
        assert_eq!(accept(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(is_valid(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_valid(b"AQIDBAUGBwgJCgsMDQ4PEC=="));
        assert!(!is_valid(b"dGhlIHNhbXBsZSBub25jZQ"));
        assert!(!is_valid(b"c2hvcnQ="));
    }
}
