//! What a client sends, made once and read over and over.

use ws_assemble::{Header, MessageKind, Opcode, mask};

/// Bytes of a wire at least, so that small messages lie at all offsets of a read.
const WIRE_BYTES_MIN: usize = 256 << 10;

/// Whole masked messages of one kind and size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wire {
    pub(super) kind: MessageKind,
    /// The payload of each message.
    pub(super) payload: &'static [u8],
    /// The frames, to be repeated for ever.
    pub(super) bytes: &'static [u8],
}

impl Wire {
    /// Makes messages of `len` bytes in so many fragments of the same size.
    pub(super) fn new(kind: MessageKind, len: usize, fragments: usize) -> Self {
        // Short texts are mostly ASCII, long ones have everything.
        let pattern = if len < 1 << 10 { ASCII } else { WIDE };
        Self::of(kind, pattern, len, fragments)
    }

    /// Makes messages of this text, or of any bytes.
    pub(super) fn of(kind: MessageKind, pattern: &str, len: usize, fragments: usize) -> Self {
        let payload = match kind {
            MessageKind::Text => text(pattern, len),
            MessageKind::Binary => (0..=250_u8).cycle().take(len).collect(),
        };
        let mut bytes = Vec::new();
        let mut key = 0x9e37_79b9_u32;
        while bytes.len() < WIRE_BYTES_MIN {
            for (index, fragment) in payload.chunks(len / fragments).enumerate() {
                key = key.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
                let opcode = match (index, kind) {
                    (0, MessageKind::Text) => Opcode::Text,
                    (0, MessageKind::Binary) => Opcode::Binary,
                    _ => Opcode::Continuation,
                };
                let fin = index + 1 == fragments;
                frame(fin, opcode, key.to_ne_bytes(), fragment, &mut bytes);
            }
        }
        Self { kind, payload: payload.leak(), bytes: bytes.leak() }
    }
}

fn frame(fin: bool, opcode: Opcode, key: [u8; 4], payload: &[u8], wire: &mut Vec<u8>) {
    let header = Header {
        fin,
        is_compressed: false,
        opcode,
        mask: Some(key),
        payload_len: payload.len() as u64,
    };
    let (bytes, len) = header.to_bytes();
    wire.extend_from_slice(&bytes[..len]);
    let start = wire.len();
    wire.extend_from_slice(payload);
    mask(&mut wire[start..], key, 0);
}

pub(super) const ASCII: &str = "{\"id\": 4711, \"name\": \"a plain line of text\"}\n";
pub(super) const LATIN: &str = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. ";
pub(super) const CJK: &str = "色は匂へど散りぬるを我が世誰ぞ常ならむ";
pub(super) const EMOJI: &str = "😀🎉🚀🌍😎🔥";
/// Characters of every length.
pub(super) const WIDE: &str = "naïve €uro 漢字かな 😀 ";

/// Repeats a text up to so many bytes, whole characters only, then fills up with spaces.
pub(super) fn text(pattern: &str, len: usize) -> Vec<u8> {
    let mut text = pattern.repeat(len / pattern.len() + 1);
    let end = (0..=len).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.truncate(end);
    let mut bytes = text.into_bytes();
    bytes.resize(len, b' ');
    bytes
}
