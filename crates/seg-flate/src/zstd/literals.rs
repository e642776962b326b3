//! The literals of a block.

use super::huffman_table::HuffmanTable;
use crate::inflate_error::InflateErrorKind;

/// What the first byte of a section says it is (RFC 8878 section 3.1.1.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Raw,
    Repeated,
    Coded,
    /// Coded by the code of an earlier block.
    CodedAgain,
}

/// The header of a literals section.
#[derive(Debug)]
struct Header {
    kind: Kind,
    /// What is decoded.
    literals: usize,
    /// What follows the header.
    bytes: usize,
    is_in_four: bool,
    header_bytes: usize,
}

impl Header {
    /// Reads a header: kind, size format, and one or two sizes behind each other, little-endian.
    fn read(block: &[u8]) -> Option<Self> {
        let &first = block.first()?;
        let kind =
            [Kind::Raw, Kind::Repeated, Kind::Coded, Kind::CodedAgain][usize::from(first & 3)];
        let format = first >> 2 & 3;
        let (header_bytes, skipped, size_bits) = match (kind, format) {
            (Kind::Raw | Kind::Repeated, 0 | 2) => (1, 3, 5),
            (Kind::Raw | Kind::Repeated, 1) => (2, 4, 12),
            (Kind::Raw | Kind::Repeated, _) => (3, 4, 20),
            (_, 0 | 1) => (3, 4, 10),
            (_, 2) => (4, 4, 14),
            (_, _) => (5, 4, 18),
        };
        let mut wide = [0; 8];
        wide[..header_bytes].copy_from_slice(block.get(..header_bytes)?);
        let sizes = u64::from_le_bytes(wide) >> skipped;
        let size = |sizes: u64| usize::try_from(sizes & ((1 << size_bits) - 1)).ok();
        let literals = size(sizes)?;
        let bytes = match kind {
            Kind::Raw => literals,
            Kind::Repeated => 1,
            Kind::Coded | Kind::CodedAgain => size(sizes >> size_bits)?,
        };
        Some(Self { kind, literals, bytes, is_in_four: format != 0, header_bytes })
    }
}

/// Reads the literals section at the front of `block`. Returns the literals, at most `literals_max`,
/// which lie in `block` or in `room`, and what follows the section.
pub(super) fn read<'a>(
    block: &'a [u8],
    literals_max: usize,
    table: &mut HuffmanTable,
    room: &'a mut Vec<u8>,
) -> Result<(&'a [u8], &'a [u8]), InflateErrorKind> {
    let corrupt = InflateErrorKind::DataCorrupt;
    let header = Header::read(block).filter(|header| header.literals <= literals_max);
    let header = header.ok_or(corrupt)?;
    let section = &block[header.header_bytes..];
    let (mut bytes, rest) = section.split_at_checked(header.bytes).ok_or(corrupt)?;
    match header.kind {
        Kind::Raw => return Ok((bytes, rest)),
        Kind::Repeated => {
            room.clear();
            room.resize(header.literals, bytes[0]);
            return Ok((room, rest));
        }
        Kind::Coded => bytes = &bytes[table.read(bytes)?..],
        Kind::CodedAgain if table.is_empty() => return Err(corrupt),
        Kind::CodedAgain => {}
    }
    // What is there is written over.
    if room.len() < header.literals {
        room.resize(header.literals, 0);
    }
    let output = &mut room[..header.literals];
    if header.is_in_four {
        table.decode_four(four_streams(bytes).ok_or(corrupt)?, output)?;
    } else {
        table.decode(bytes, output)?;
    }
    Ok((output, rest))
}

/// Finds the streams behind their jump table, which has the lengths of the first three (RFC 8878
/// section 3.1.1.3.1.6).
fn four_streams(bytes: &[u8]) -> Option<[&[u8]; 4]> {
    let (&[a, b, c, d, e, f], rest) = bytes.split_first_chunk()?;
    let (one, rest) = rest.split_at_checked(u16::from_le_bytes([a, b]).into())?;
    let (two, rest) = rest.split_at_checked(u16::from_le_bytes([c, d]).into())?;
    let (three, four) = rest.split_at_checked(u16::from_le_bytes([e, f]).into())?;
    Some([one, two, three, four])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_format() {
        for (wire, kind, literals, bytes, header_bytes) in [
            (&[0b1111_1000][..], Kind::Raw, 31, 31, 1),
            (&[0b1111_0100, 0xff], Kind::Raw, 4095, 4095, 2),
            (&[0b1111_1101, 0xff, 0xff], Kind::Repeated, (1 << 20) - 1, 1, 3),
            (&[0b0001_0010, 0b0100_0000, 0x80], Kind::Coded, 1, 513, 3),
            (&[0b0001_1011, 0, 0b0000_0100, 0x80], Kind::CodedAgain, 1, 1 + (0x80 << 6), 4),
            (&[0b0001_1111, 0, 0b0100_0000, 0, 0x80], Kind::CodedAgain, 1, 1 + (0x80 << 10), 5),
        ] {
            let header = Header::read(wire).expect("whole");
            assert_eq!((header.kind, header.literals), (kind, literals));
            assert_eq!((header.bytes, header.header_bytes), (bytes, header_bytes));
            assert!(Header::read(&wire[..wire.len() - 1]).is_none());
        }
    }

    #[test]
    fn no_more_literals_are_made_than_a_block_may_have() {
        let (mut table, mut room) = (HuffmanTable::new(), Vec::new());
        let wire = [0b0000_1101, 0x00, 0x20, b'x', 0];
        let most = read(&wire, 128 << 10, &mut table, &mut room);
        assert_eq!(most, Ok((&[b'x'; 128 << 10][..], &[0][..])));
        let mut room = Vec::new();
        let error = read(&wire, (128 << 10) - 1, &mut table, &mut room);
        assert_eq!(error, Err(InflateErrorKind::DataCorrupt));
        assert_eq!(room.capacity(), 0);
    }
}
