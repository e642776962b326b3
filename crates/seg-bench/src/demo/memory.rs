//! How large an input this system can hold.

use std::fs;

/// How often the demo holds its input at worst.
///
/// The peers hold it plain, as gzip and, where it is not UTF-8, as text of twice its length. This
/// side holds one message at a time; a growing buffer of such a text may hold its length three times.
const COPIES_MAX: u64 = 10;

/// Returns the largest input, in bytes, that fits in the memory at hand.
pub(super) fn input_bytes_max() -> u64 {
    let available = [available_bytes(), control_group_bytes()].into_iter().flatten().min();
    available.unwrap_or(isize::MAX.cast_unsigned() as u64) / COPIES_MAX
}

/// What Linux says is available; `None` elsewhere.
fn available_bytes() -> Option<u64> {
    available_in(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn available_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

/// What a container's limit leaves; `None` where there is no limit.
fn control_group_bytes() -> Option<u64> {
    let number = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max")?;
    Some(limit.saturating_sub(number("/sys/fs/cgroup/memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_counted_in_kibibytes() {
        let cases = [
            ("MemTotal: 24 kB\nMemAvailable:       12 kB\nBuffers: 1 kB\n", Some(12 * 1024)),
            ("MemTotal: 24 kB\n", None),
            ("MemAvailable: many kB\n", None),
            ("MemAvailable: 18446744073709551615 kB\n", None),
        ];
        for (meminfo, want) in cases {
            assert_eq!(available_in(meminfo), want, "{meminfo}");
        }
    }

    #[test]
    fn there_is_room_for_a_small_input() {
        assert!(input_bytes_max() >= 1 << 20);
    }
}
