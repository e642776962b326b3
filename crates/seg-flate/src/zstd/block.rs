//! Blocks: what a frame's data is cut into.

use super::{huffman_table::HuffmanTable, literals, sequences::Sequences, window::Window};
use crate::inflate_error::InflateErrorKind;

/// The most bytes that any block has or makes (RFC 8878 section 3.1.1.2.4).
pub(super) const BLOCK_BYTES_MAX: usize = 128 << 10;

/// Bytes of a block's header.
pub(super) const HEADER_BYTES: usize = 3;

/// What is in a block (RFC 8878 section 3.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// These many bytes as they are.
    Raw(usize),
    /// One byte, so many times.
    Repeated(usize),
    /// These many bytes, compressed.
    Compressed(usize),
}

/// The header of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) is_last: bool,
    pub(super) content: Content,
}

impl BlockHeader {
    /// Reads a header, little-endian: the last one or not, kind, and size, at most `bytes_max`.
    pub(super) fn read(
        [low, middle, high]: [u8; HEADER_BYTES],
        bytes_max: usize,
    ) -> Result<Self, InflateErrorKind> {
        let size = (u32::from_le_bytes([low, middle, high, 0]) >> 3) as usize;
        let content = match low >> 1 & 3 {
            0 => Content::Raw(size),
            1 => Content::Repeated(size),
            2 => Content::Compressed(size),
            _ => return Err(InflateErrorKind::DataCorrupt),
        };
        if size > bytes_max {
            return Err(InflateErrorKind::DataCorrupt);
        }
        Ok(Self { is_last: low & 1 != 0, content })
    }
}

/// What compressed blocks need, of which a block uses what the ones before it left: about 20 KiB, and
/// the literals of one block.
#[derive(Debug)]
pub(super) struct BlockDecoder {
    huffman: HuffmanTable,
    sequences: Sequences,
    literals: Vec<u8>,
}

impl BlockDecoder {
    pub(super) const fn new() -> Self {
        Self { huffman: HuffmanTable::new(), sequences: Sequences::new(), literals: Vec::new() }
    }

    /// Becomes as it is at the start of a frame.
    pub(super) const fn reset(&mut self) {
        self.huffman.reset();
        self.sequences.reset();
    }

    /// Decodes a compressed block into `window`, at most `output_max` bytes of it.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        output_max: usize,
        window: &mut Window,
    ) -> Result<(), InflateErrorKind> {
        let (literals, sequences) =
            literals::read(block, output_max, &mut self.huffman, &mut self.literals)?;
        self.sequences.decode(sequences, literals, output_max, window)
    }
}
