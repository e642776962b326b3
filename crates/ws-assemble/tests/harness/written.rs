//! What a session writes, for tests that move its bytes themselves.

use ws_assemble::Session;

/// Takes out all that waits to be written.
pub(crate) fn written(session: &mut Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    while session.wants().write {
        let before = bytes.len();
        session.outgoing().io_slices().for_each(|slice| bytes.extend_from_slice(&slice));
        session.wrote(bytes.len() - before);
    }
    bytes
}
