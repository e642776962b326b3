//! The demo as the user starts it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Map, Value};

fn demo() -> Command {
    Command::new(env!("CARGO_BIN_EXE_demo"))
}

fn run(arguments: &[&str]) -> Output {
    demo().args(arguments).output().expect("a demo that starts")
}

fn stderr(output: &Output) -> &str {
    core::str::from_utf8(&output.stderr).expect("UTF-8")
}

/// A path of this test's own, removed at the end.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("seg-bench-{}-{name}", std::process::id())))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl AsRef<Path> for TempFile {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_bad_argument_is_one_line_and_code_two() {
    let empty = TempFile::new("empty");
    fs::write(&empty, "").expect("a temporary file");
    let cases: &[&[&str]] = &[
        &["--size", "0"],
        &["--size", "-1"],
        &["--size", "many"],
        &["--size", "1.5"],
        &["--size", ""],
        &["--size", "9223372036854775807"],
        &["--size", "99999999999999999999999999"],
        &["--size"],
        &["--size", "1", "--size", "2"],
        &["--file"],
        &["--file", "/nowhere/at/all"],
        &["--file", env!("CARGO_MANIFEST_DIR")],
        &["--file", empty.as_str()],
        &["--file", "Cargo.toml", "--size", "1"],
        &["--json"],
        &["--json", "/nowhere/at/all.json"],
        &["--json", env!("CARGO_MANIFEST_DIR")],
        &["--unknown"],
        &["argument"],
    ];
    for arguments in cases {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// Runs the demo with `--json` and returns what it printed and the rows.
fn rows(name: &str, arguments: &[&str]) -> (String, Vec<Map<String, Value>>) {
    let json = TempFile::new(name);
    let output = demo()
        .args(arguments)
        .arg("--json")
        .arg(json.as_ref())
        .output()
        .expect("a demo that starts");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let rows = serde_json::from_slice(&fs::read(&json).expect("the JSON file"))
        .expect("a list of objects");
    (String::from_utf8(output.stdout).expect("UTF-8"), rows)
}

fn assert_rows(rows: &[Map<String, Value>], bytes: u64, text_bytes: u64) {
    let names: Vec<_> =
        rows.iter().map(|row| (row["path"].as_str(), row["assembly"].as_str())).collect();
    let paths = ["http/plain", "http/gzip", "ws/text", "ws/binary"];
    let want: Vec<_> = paths
        .iter()
        .flat_map(|path| ["segmented", "contiguous"].map(|assembly| (Some(*path), Some(assembly))))
        .collect();
    assert_eq!(names, want);
    for row in rows {
        let number =
            |field: &str| row[field].as_u64().unwrap_or_else(|| panic!("{field} in {row:?}"));
        assert_eq!(row["digest_ok"], true, "{row:?}");
        assert_eq!(
            number("bytes"),
            if row["path"] == "ws/text" { text_bytes } else { bytes },
            "{row:?}"
        );
        assert!(row["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{row:?}");
        assert!(number("allocs") > 0, "{row:?}");
        assert!(number("peak_live") >= number("largest_alloc"), "{row:?}");
        assert!(number("peak_live") >= number("held_after"), "{row:?}");
        assert!(number("held_after") >= number("held_trimmed"), "{row:?}");
        if row["assembly"] == "segmented" {
            assert!(number("largest_alloc") <= 65_536, "{row:?}");
        } else {
            assert!(number("largest_alloc") >= number("bytes"), "{row:?}");
        }
    }
}

#[test]
fn the_sources_arrive_over_every_path() {
    let (table, rows) = rows("sources.json", &["--size", "64KiB"]);
    assert_rows(&rows, 65_536, 65_536);
    assert!(table.contains("http/gzip, 65,536 bytes\n"), "{table}");
    assert!(!table.contains("Latin-1"), "{table}");
    assert!(table.lines().all(|line| line.len() <= 104), "{table}");
}

#[test]
fn a_single_byte_arrives_over_every_path() {
    let (_, rows) = rows("byte.json", &["--size", "1"]);
    assert_rows(&rows, 1, 1);
}

#[test]
fn a_file_that_is_not_utf8_arrives_and_the_table_says_how() {
    let file = TempFile::new("latin1");
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    fs::write(&file, &bytes).expect("a temporary file");
    let (table, rows) = rows("latin1.json", &["--file", file.as_str()]);
    let high = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    assert_rows(&rows, 70_000, (70_000 + high) as u64);
    assert!(table.contains("Latin-1"), "{table}");
}

#[test]
fn a_file_that_compresses_a_thousandfold_arrives() {
    let file = TempFile::new("zeros");
    fs::write(&file, vec![0; 1 << 20]).expect("a temporary file");
    let (_, rows) = rows("zeros.json", &["--file", file.as_str()]);
    assert_rows(&rows, 1 << 20, 1 << 20);
}

#[cfg(target_os = "linux")]
mod linux {
    use core::time::Duration;
    use std::{
        process::{Child, Stdio},
        thread,
        time::Instant,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Asks until there is an answer.
    fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            assert!(start.elapsed() < PATIENCE, "it took too long");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts a demo that takes a while, and returns it with its child's process id.
    fn start() -> (Child, String) {
        let mut demo = demo();
        let demo = demo.args(["--size", "64MiB"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let demo = demo.spawn().expect("a demo that starts");
        let list = format!("/proc/{0}/task/{0}/children", demo.id());
        let peers = wait_for(|| {
            fs::read_to_string(&list).ok()?.split_whitespace().next().map(str::to_owned)
        });
        (demo, peers)
    }

    #[test]
    fn peers_that_die_end_the_demo_with_one_line() {
        let (demo, peers) = start();
        let killed =
            Command::new("sh").args(["-c", "kill -9 \"$0\"", &peers]).status().expect("a shell");
        assert!(killed.success());
        let output = demo.wait_with_output().expect("a demo that ends");
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        assert!(stderr(&output).contains("peers' process"), "{}", stderr(&output));
    }

    #[test]
    fn peers_end_with_a_demo_that_is_killed() {
        let (mut demo, peers) = start();
        demo.kill().expect("a demo that runs");
        demo.wait().expect("a demo that ended");
        let stat = format!("/proc/{peers}/stat");
        // Gone, or dead and waiting for whoever inherits it to notice.
        wait_for(|| match fs::read_to_string(&stat) {
            Ok(stat) => stat.contains(") Z ").then_some(()),
            Err(_) => Some(()),
        });
    }
}
