//! Messages to frames, without I/O.

use seg_pool::Exhausted;
use seg_seq::{SegmentedBuf, Sequence};

use crate::{
    header::Header,
    mask::mask,
    message::{Message, MessageKind},
    opcode::Opcode,
};

/// Bytes that are copied and masked at a time.
const BLOCK_BYTES: usize = 4096;

/// Payload up to this length is copied behind its header, so that both go out as one slice; a longer
/// one that needs no mask is linked.
const COPY_BYTES_MAX: u64 = 4096;

/// Appends one frame to `output`. With a mask the payload is copied and masked, without one it is
/// copied when it is short and linked otherwise.
///
/// # Errors
///
/// [`Exhausted`] when the pool has too few segments; `output` is as before then.
///
/// # Examples
///
/// ```
/// use seg_pool::{Pool, Segment};
/// use seg_seq::SegmentedBuf;
/// use ws_assemble::{Opcode, encode_frame};
///
/// # fn main() -> Result<(), seg_pool::Exhausted> {
/// let mut output = SegmentedBuf::new(&Pool::new());
/// let payload = Segment::from_static(b"hello").into();
/// encode_frame(true, Opcode::Text, None, &payload, &mut output)?;
/// assert_eq!(output.freeze(), b"\x81\x05hello");
/// # Ok(())
/// # }
/// ```
pub fn encode_frame(
    fin: bool,
    opcode: Opcode,
    key: Option<[u8; 4]>,
    payload: &Sequence,
    output: &mut SegmentedBuf,
) -> Result<(), Exhausted> {
    let before = output.len();
    let header = Header { fin, opcode, mask: key, payload_len: payload.len() };
    let (bytes, len) = header.to_bytes();
    let appended = output.try_extend_from_slice(&bytes[..len]).and_then(|()| match key {
        Some(key) => append_masked(key, payload, output),
        None if payload.len() > COPY_BYTES_MAX => {
            output.append(payload.clone());
            Ok(())
        }
        None => payload.chunks().try_for_each(|chunk| output.try_extend_from_slice(chunk)),
    });
    appended.inspect_err(|_| output.truncate(before))
}

fn append_masked(
    key: [u8; 4],
    payload: &Sequence,
    output: &mut SegmentedBuf,
) -> Result<(), Exhausted> {
    let mut block = [0; BLOCK_BYTES];
    let mut phase = 0;
    for piece in payload.chunks().flat_map(|chunk| chunk.chunks(BLOCK_BYTES)) {
        let block = &mut block[..piece.len()];
        block.copy_from_slice(piece);
        mask(block, key, phase);
        phase = (phase + piece.len()) % 4;
        output.try_extend_from_slice(block)?;
    }
    Ok(())
}

/// Appends a message to `output` in frames of at most `fragment_bytes` of payload; one frame when
/// that is 0. `key` gives each frame its mask, or none.
///
/// # Errors
///
/// As [`encode_frame`]; `output` is as before then.
pub fn encode_message(
    message: &Message,
    fragment_bytes: u64,
    mut key: impl FnMut() -> Option<[u8; 4]>,
    output: &mut SegmentedBuf,
) -> Result<(), Exhausted> {
    let before = output.len();
    let mut opcode = match message.kind() {
        MessageKind::Text => Opcode::Text,
        MessageKind::Binary => Opcode::Binary,
    };
    let mut rest = message.sequence().clone();
    loop {
        let is_last = fragment_bytes == 0 || rest.len() <= fragment_bytes;
        let len = if is_last { rest.len() } else { fragment_bytes };
        let fragment = rest.split_to(len);
        encode_frame(is_last, opcode, key(), &fragment, output)
            .inspect_err(|_| output.truncate(before))?;
        if is_last {
            return Ok(());
        }
        opcode = Opcode::Continuation;
    }
}
