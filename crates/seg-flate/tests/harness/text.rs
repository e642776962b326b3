//! Bodies for the tests of this crate.

/// Words in an order that repeats only in parts, with some noise between.
pub(crate) fn text(len: usize) -> Vec<u8> {
    const WORDS: [&[u8]; 8] =
        [b"segment ", b"pool ", b"of ", b"the ", b"sequence, ", b"member ", b"window ", b"bits\n"];
    let mut random = 0x2545_f491_u32;
    let mut text = Vec::with_capacity(len + 16);
    while text.len() < len {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        text.extend_from_slice(WORDS[(random % 8) as usize]);
        text.extend_from_slice(&random.to_le_bytes()[..(random % 3) as usize]);
    }
    text.truncate(len);
    text
}
