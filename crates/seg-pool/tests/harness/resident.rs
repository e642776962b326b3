//! What the system says of this process's memory.

use std::{env, fs};

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

/// Fails when more is resident than before, but for 2 MiB, and in an emulator (see `SEG_TEST_RUNNER` in docs/testing.md)
/// for what it made of the program's code as well.
pub(crate) fn assert_as_small_as(before: usize) {
    let is_emulated = env::var_os("SEG_TEST_RUNNER").is_some_and(|runner| !runner.is_empty());
    let slack = if is_emulated { 32 << 20 } else { 2 << 20 };
    let more = resident_bytes().saturating_sub(before);
    assert!(more <= slack, "{more} bytes more");
}
