//! `chunk-size CRLF` as it is written (RFC 9112 §7.1).

/// A size line without extensions and without leading zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeHeader {
    bytes: [u8; 18],
    len: usize,
}

impl SizeHeader {
    /// Writes the line of a chunk of `size` bytes.
    #[inline]
    pub(crate) fn new(size: u64) -> Self {
        let digits = size_digits(size);
        let mut bytes = [0; 18];
        write_size(size, &mut bytes[..digits]);
        bytes[digits..digits + 2].copy_from_slice(b"\r\n");
        Self { bytes, len: digits + 2 }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Returns how many digits a size has: 1 to 16.
#[inline]
pub(crate) const fn size_digits(size: u64) -> usize {
    (u64::BITS - (size | 1).leading_zeros()).div_ceil(4) as usize
}

/// Writes a size into as many bytes as it has digits.
#[inline]
pub(crate) fn write_size(size: u64, digits: &mut [u8]) {
    let mut rest = size;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_written_as_std_writes_it() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for size in edges.chain([u64::MAX]) {
            assert_eq!(SizeHeader::new(size).as_bytes(), format!("{size:x}\r\n").as_bytes());
        }
    }
}
