//! What the system says of this process's memory.

use std::fs;

/// Returns a field of `/proc/self/statm` in bytes: 0 is what is mapped, 1 what is resident.
pub(crate) fn statm(field: usize) -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("procfs");
    let pages = statm.split_whitespace().nth(field).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * 4096
}

/// Returns the bytes of this process that are in memory.
pub(crate) fn resident_bytes() -> usize {
    statm(1)
}
