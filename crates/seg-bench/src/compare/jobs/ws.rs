//! ws-assemble against other WebSocket implementations.

mod broadcast;
mod deflate;
mod echo;
mod floor;
mod idle;
mod mask;
mod peers;
mod read;
mod read_into;
mod source;
mod tls;
mod utf8;
mod wire;
mod write;

use super::super::Job;

pub(super) fn jobs() -> Vec<Job> {
    let mut jobs = read::jobs();
    jobs.extend(mask::jobs());
    jobs.extend(utf8::jobs());
    jobs.extend(write::jobs());
    jobs.extend(read_into::jobs());
    jobs.extend(deflate::jobs());
    jobs.extend(idle::jobs());
    jobs.extend(broadcast::jobs());
    jobs.extend(echo::jobs());
    jobs.extend(tls::jobs());
    jobs
}

/// Names a number of bytes: 125b, 16k, 1m.
fn size_name(bytes: usize) -> String {
    match bytes {
        bytes if bytes % (1 << 20) == 0 => format!("{}m", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{}k", bytes >> 10),
        bytes => format!("{bytes}b"),
    }
}
