//! Messages to frames, without I/O.

use seg_pool::OutOfMemory;
use seg_seq::{CutError, SegmentedBuf, Sequence};

use crate::{
    control::ControlPayload, header::Header, mask::mask, message::Message, opcode::Opcode,
};

/// Bytes that are copied and then masked while they are in the nearest cache.
const BLOCK_BYTES: usize = 4096;

/// Payload up to this length is copied after its header, so that both go out as one slice; a longer
/// one that needs no mask is linked.
const COPY_BYTES_MAX: u64 = 4096;

/// Appends one frame to `output`. With a mask the payload is copied and masked, without one it is
/// copied when it is short and linked otherwise.
///
/// # Errors
///
/// [`OutOfMemory`] when the pool has too few segments; `output` is as before then.
///
/// # Examples
///
/// ```
/// use seg_pool::{Pool, Segment};
/// use seg_seq::SegmentedBuf;
/// use ws_assemble::{Opcode, encode_frame};
///
/// # fn main() -> Result<(), seg_pool::OutOfMemory> {
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
) -> Result<(), OutOfMemory> {
    let payload_len = payload.len();
    let header = Header { fin, is_compressed: false, opcode, mask: key, payload_len };
    append_frame(&header, payload, output)
}

/// Appends a ping, a pong or a close frame to `output`, whose payload is copied, and masked with a
/// mask.
///
/// A [`Session`](crate::Session) needs no memory of the pool for its own.
///
/// # Errors
///
/// As [`encode_frame`].
///
/// # Panics
///
/// Panics when `opcode` is that of a data frame.
///
/// # Examples
///
/// ```
/// use seg_pool::Pool;
/// use seg_seq::SegmentedBuf;
/// use ws_assemble::{CloseCode, CloseFrame, ControlPayload, Opcode, encode_control};
///
/// # fn main() -> Result<(), seg_pool::OutOfMemory> {
/// let mut output = SegmentedBuf::new(&Pool::new());
/// encode_control(Opcode::Pong, None, &ControlPayload::EMPTY, &mut output)?;
/// let close = CloseFrame::new(CloseCode::NORMAL, "done");
/// encode_control(Opcode::Close, None, close.payload(), &mut output)?;
/// assert_eq!(output.freeze(), b"\x8a\x00\x88\x06\x03\xe8done");
/// # Ok(())
/// # }
/// ```
pub fn encode_control(
    opcode: Opcode,
    key: Option<[u8; 4]>,
    payload: &ControlPayload,
    output: &mut SegmentedBuf,
) -> Result<(), OutOfMemory> {
    assert!(opcode.is_control(), "{opcode:?} is no control frame");
    let payload_len = payload.len() as u64;
    let header = Header { fin: true, is_compressed: false, opcode, mask: key, payload_len };
    append_slice(&header, payload, output)
}

/// Appends the frame of this header.
pub(crate) fn append_frame(
    header: &Header,
    payload: &Sequence,
    output: &mut SegmentedBuf,
) -> Result<(), OutOfMemory> {
    let before = output.len();
    let appended = append_header(header, output).and_then(|()| match header.mask {
        Some(key) => append_masked(key, payload.chunks().map(|chunk| &**chunk), output),
        None => link_or_copy(payload, output),
    });
    appended.inspect_err(|_| take_back(output, before))
}

/// Appends a frame that is encoded already.
#[cfg(feature = "random")]
pub(crate) fn append_encoded(
    frame: &Sequence,
    output: &mut SegmentedBuf,
) -> Result<(), OutOfMemory> {
    let before = output.len();
    link_or_copy(frame, output).inspect_err(|_| take_back(output, before))
}

fn link_or_copy(bytes: &Sequence, output: &mut SegmentedBuf) -> Result<(), OutOfMemory> {
    if bytes.len() > COPY_BYTES_MAX {
        return output.try_append(&mut bytes.try_clone()?);
    }
    bytes.chunks().try_for_each(|chunk| output.try_extend_from_slice(chunk))
}

/// Appends the frame of this header, whose payload is one borrowed slice, copying it.
pub(crate) fn append_slice(
    header: &Header,
    payload: &[u8],
    output: &mut SegmentedBuf,
) -> Result<(), OutOfMemory> {
    let before = output.len();
    let appended = append_header(header, output).and_then(|()| match header.mask {
        Some(key) => append_masked(key, [payload], output),
        None => output.try_extend_from_slice(payload),
    });
    appended.inspect_err(|_| take_back(output, before))
}

/// Returns why a sequence was not cut at an offset that it has.
pub(crate) fn out_of_memory(error: CutError) -> OutOfMemory {
    match error {
        CutError::OutOfMemory(error) => error,
        other => unreachable!("{other}"),
    }
}

/// Drops what was appended to the first `before` bytes. Where nothing is left, no segment is kept: the
/// pool has too few.
fn take_back(output: &mut SegmentedBuf, before: u64) {
    match before {
        0 => output.clear(),
        _ => output.truncate(before),
    }
}

fn append_header(header: &Header, output: &mut SegmentedBuf) -> Result<(), OutOfMemory> {
    let (bytes, len) = header.to_bytes();
    output.try_extend_from_slice(&bytes[..len])
}

/// Copies payload after what is there and masks it where it lies then.
fn append_masked<'a>(
    key: [u8; 4],
    payload: impl IntoIterator<Item = &'a [u8]>,
    output: &mut SegmentedBuf,
) -> Result<(), OutOfMemory> {
    let mut phase = 0;
    for mut rest in payload {
        while !rest.is_empty() {
            let spare = output.try_spare_initialized_mut()?;
            let count = rest.len().min(spare.len()).min(BLOCK_BYTES);
            let (block, after) = rest.split_at(count);
            spare[..count].copy_from_slice(block);
            mask(&mut spare[..count], key, phase);
            output.advance_initialized(count);
            phase = (phase + count) % 4;
            rest = after;
        }
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
) -> Result<(), OutOfMemory> {
    let mut opcode = message.kind().opcode();
    if fragment_bytes == 0 || message.len() <= fragment_bytes {
        let (payload_len, mask) = (message.len(), key());
        let header = Header { fin: true, is_compressed: false, opcode, mask, payload_len };
        return append_frame(&header, message.sequence(), output);
    }
    let before = output.len();
    let mut rest = message.sequence().try_clone()?;
    loop {
        let is_last = rest.len() <= fragment_bytes;
        let len = if is_last { rest.len() } else { fragment_bytes };
        let fragment = rest.try_split_to(len).map_err(out_of_memory);
        let fragment = fragment.inspect_err(|_| take_back(output, before))?;
        encode_frame(is_last, opcode, key(), &fragment, output)
            .inspect_err(|_| take_back(output, before))?;
        if is_last {
            return Ok(());
        }
        opcode = Opcode::Continuation;
    }
}
