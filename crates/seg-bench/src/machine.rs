//! The machine that a measurement ran on.

use std::{env, fs, process::Command, thread};

use serde::{Deserialize, Serialize};

/// What a reader needs to know before a figure means something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's own name.
    pub cpu: String,
    /// Its vector instructions that decide which code runs: `avx2 avx512vbmi2`, for example.
    pub vectors: String,
    /// Logical processors that this process may use.
    pub cores: usize,
    /// Operating system and its version.
    pub system: String,
    /// C library and its version: its allocator is a peer, and everybody copies with its `memcpy`.
    pub libc: String,
    /// The compiler, as `rustc --version` says it.
    pub rustc: String,
}

impl Machine {
    /// Looks at this machine. What it does not tell is `unknown`.
    #[must_use]
    pub fn here() -> Self {
        Self {
            cpu: cpu_name().unwrap_or_else(|| format!("unknown ({})", env::consts::ARCH)),
            vectors: vectors(),
            cores: thread::available_parallelism().map_or(1, |count| count.get()),
            system: system().unwrap_or_else(|| env::consts::OS.to_owned()),
            libc: line_of("getconf", "GNU_LIBC_VERSION").unwrap_or_else(|| "unknown".to_owned()),
            rustc: rustc().unwrap_or_else(|| "unknown".to_owned()),
        }
    }
}

fn cpu_name() -> Option<String> {
    cpu_in(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

fn cpu_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> String {
    let known = [
        ("ssse3", is_x86_feature_detected!("ssse3")),
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512vbmi2", is_x86_feature_detected!("avx512vbmi2")),
        ("vpclmulqdq", is_x86_feature_detected!("vpclmulqdq")),
    ];
    known
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> String {
    env::consts::ARCH.to_owned()
}

fn system() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("Linux {}", release.trim()))
}

fn rustc() -> Option<String> {
    // The toolchain of this crate's own directory, wherever the user stands.
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    line_of(&rustc, "--version")
}

/// Returns what a program prints; `None` when there is no such program or it fails.
fn line_of(program: &str, argument: &str) -> Option<String> {
    let directory = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).arg(argument).current_dir(directory).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_named_by_its_model() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: Some CPU @ 2 GHz\nflags : a b\n";
        assert_eq!(cpu_in(cpuinfo).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpu_in("processor : 0\n"), None);
    }

    #[test]
    fn there_is_a_core_and_a_system() {
        let machine = Machine::here();
        assert!(machine.cores > 0 && !machine.system.is_empty());
    }
}
