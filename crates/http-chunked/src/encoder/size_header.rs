//! `chunk-size CRLF` as it is written (RFC 9112 §7.1).

/// A size line without extensions and without leading zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeHeader {
    /// Filled from the end.
    bytes: [u8; 18],
    start: usize,
}

impl SizeHeader {
    /// Writes the line of a chunk of `size` bytes.
    pub(crate) fn new(size: u64) -> Self {
        let mut bytes = [0; 18];
        bytes[16..].copy_from_slice(b"\r\n");
        let (mut rest, mut start) = (size, 16);
        loop {
            start -= 1;
            bytes[start] = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
            if rest == 0 {
                return Self { bytes, start };
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
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
