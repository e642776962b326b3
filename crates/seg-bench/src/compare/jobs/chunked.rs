//! http-chunked against other decoders and encoders of chunked bodies.

mod actix_codec;
mod content;
mod decode;
mod encode;
mod httparse_loop;
mod hyper_io;
mod hyper_peer;
mod transfer;
mod ureq_call;

use super::super::Job;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = decode::jobs();
    jobs.extend(encode::jobs());
    jobs.extend(content::jobs());
    jobs
}

/// What every receive buffer holds.
const RECEIVE_BYTES: usize = 16 << 10;

/// Text whose bytes differ from one position to the next.
fn payload(bytes: usize) -> Vec<u8> {
    (b' '..=b'~').cycle().take(bytes).collect()
}
