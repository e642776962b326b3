//! The page: Markdown with the pictures and all figures.

use core::fmt::Write as _;

use super::{
    bars::{self, Judged},
    job::{Job, Layer},
};
use crate::{figures::Figures, machine::Machine, record::Record, table::thousands};

/// What a difference, as it is shown, has to exceed to be called one: repeated runs differ by less.
const EVEN: f64 = 1.02;

const METHOD: &str = "\
Each job is one task with several contenders: ours, the peers, and floors, which do only a part of the work (one pass over
the bytes, a copy into memory that is there). All contenders of a job run in one process and in turn, A B C A B C, so that a
machine whose speed drifts slows all of them. The output of each is checked before anything is timed. A sample is at least
4 ms of operations, 21 samples each (`--quick`: 1 ms, 7), after one that is not timed: contenders that free their memory find
what the one before them has warmed, those that keep their own do not. The tables show the least. Making the input and dropping
the output is not timed where the job's source says so. Allocations are counted by the global allocator once warm; the slabs that
a pool maps itself are not among them.

`cargo xtask report` measures and writes this page, `cargo xtask bench --compare` measures and prints. A ratio is our time, or our
bytes, over the other's: **below 1 is better**. Ratios from 0.98 to 1.02 count as even.

What this cannot show: one machine is not all machines, two cores are not many, and memory that is always warm flatters
everybody. Only the echoes, the broadcasts and `udp/*` have sockets; a system call hides most of the differences.

On some processors the offsets of buffers decide: AMD's Zen 3 copies 16 KiB with `rep movsb`, which glibc and Linux use for long
copies, in 0.19 µs, and in 5.7 µs where the target lies 1 to 63 bytes after the source, modulo a page. `ws/read_into_64k` has such a copy: from
a segment, after a header of 14 bytes, to a buffer 16 bytes into its page.

`ws/idle_*` are about memory: what a connection keeps while it waits is what is freed when it is dropped, and what it holds of a
pool. `ws/idle_after_1m` has read one message of 1 MiB before, `ws/idle_tls` is the server's side of TLS by rustls, whose own bytes
are the floor.
";

const MEMORY: &str = "\
Drawn by `cargo xtask demo --plot FILE`: real peers on loopback, new pool and new connection, one message. Segmented
memory follows the message and its pool keeps the slabs for the next one until it is trimmed; a buffer that grows holds up to twice
the message, and gives all of it back at once.
";

/// Writes the page about all layers; `memory` is a picture of the demo, if there is one.
pub(super) fn write(record: &Record, layers: &[Layer<'_>], memory: Option<&str>) -> String {
    let jobs: Vec<&Job<'_>> = layers.iter().flat_map(|layer| &layer.jobs).collect();
    let mut page = String::from("# What it costs, held against what else there is\n\n");
    page.push_str(
        "Written by `cargo xtask report` from [comparison.json](comparison.json); not by hand.\n\n",
    );
    page.push_str(&machine(&record.machine, &record.effort));
    page.push_str(&summary(&jobs));
    page.push_str(&losses(&jobs));
    if let Some(picture) = memory {
        let _ = writeln!(
            page,
            "## Memory\n\n![Live bytes while a message comes in]({picture})\n\n{MEMORY}"
        );
    }
    for layer in layers {
        page.push_str(&of_layer(layer));
    }
    page.push_str(&allocations(&jobs));
    page.push_str(&aims(&bars::judge(&jobs)));
    page.push_str("## Method\n\n");
    page.push_str(METHOD);
    page.push_str(&versions(record));
    page
}

fn machine(machine: &Machine, effort: &str) -> String {
    let Machine { cpu, vectors, cores, system, libc, rustc } = machine;
    format!(
        "| | |\n|---|---|\n| processor | {cpu}, {cores} logical cores |\n| vectors | {vectors} |\n\
         | system | {system}, {libc} |\n| compiler | {rustc}, `--profile compare` (thin LTO) |\n| effort | {effort} |\n\n"
    )
}

/// Rounded as it is shown.
fn ratio(job: &Job<'_>) -> Option<f64> {
    let exact = job.best_peer().map(|peer| job.main().value() / peer.value());
    exact.map(|ratio| (ratio * 100.0).round() / 100.0)
}

fn summary(jobs: &[&Job<'_>]) -> String {
    let ratios: Vec<f64> = jobs.iter().filter_map(|job| ratio(job)).collect();
    let won = ratios.iter().filter(|ratio| **ratio < 2.0 - EVEN).count();
    let lost = ratios.iter().filter(|ratio| **ratio > EVEN).count();
    format!(
        "Of {} jobs with peers ours is ahead of the best of them in {won}, even in {}, behind in {lost}.\n\n",
        ratios.len(),
        ratios.len() - won - lost,
    )
}

/// The jobs in which a peer is ahead, the worst first.
fn losses(jobs: &[&Job<'_>]) -> String {
    let mut lost: Vec<(f64, &Job<'_>)> =
        jobs.iter().filter_map(|job| Some((ratio(job)?, *job))).collect();
    lost.retain(|(ratio, _)| *ratio > EVEN);
    lost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut text = String::from("## Where a peer is ahead\n\n");
    if lost.is_empty() {
        text.push_str("Nowhere in these jobs.\n\n");
        return text;
    }
    text.push_str("| job | ours | best peer | ours ÷ peer |\n|---|---:|---|---:|\n");
    for (ratio, job) in lost {
        let Some(peer) = job.best_peer() else { continue };
        let (ours, theirs) = (value(job.main()), value(peer));
        let _ = writeln!(
            text,
            "| {} | {ours} | {}, {theirs} | **{ratio:.2}** |",
            job.name,
            plain(&peer.contender)
        );
    }
    text.push('\n');
    text
}

fn of_layer(layer: &Layer<'_>) -> String {
    let title = layer.title;
    let mut text = format!(
        "## {title}\n\n![{}]({})\n\n",
        if layer.is_held() {
            "Bytes of each contender"
        } else {
            "Time of each job over the best peer's"
        },
        layer.picture_name()
    );
    text.push_str(
        "| job | ours | time or bytes | rate | best peer | ÷ peer | best floor | ÷ floor |\n|---|---|---:|---:|---|---:|---|---:|\n",
    );
    for job in &layer.jobs {
        for (index, ours) in job.ours().enumerate() {
            let name = if index == 0 { job.name } else { "" };
            let (peer, to_peer) = held_against(ours, job.best_peer());
            let (floor, to_floor) = held_against(ours, job.best_floor());
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {peer} | {to_peer} | {floor} | {to_floor} |",
                plain(&ours.contender),
                value(ours),
                rate(ours),
            );
        }
    }
    text.push('\n');
    text
}

fn held_against(ours: &Figures, other: Option<&Figures>) -> (String, String) {
    let Some(other) = other else { return ("–".to_owned(), "–".to_owned()) };
    let name = format!("{}, {}", plain(&other.contender), value(other));
    (name, format!("{:.2}", ours.value() / other.value()))
}

/// What ours allocates where that is not nothing, and the most that was live, beside the least of the peers.
fn allocations(jobs: &[&Job<'_>]) -> String {
    let mut text = String::from("## Allocations\n\n");
    let of_ours = || jobs.iter().flat_map(|job| job.ours().map(move |row| (job, row)));
    let some: Vec<_> = of_ours().filter(|(_, row)| row.allocs_per_op > 0.0).collect();
    let _ = writeln!(
        text,
        "Ours allocates nothing, once warm, in {} of {} rows. The others:\n",
        of_ours().count() - some.len(),
        of_ours().count()
    );
    text.push_str("| job | ours | allocations an operation | bytes an operation | the peer with the fewest bytes |\n|---|---|---:|---:|---|\n");
    for (job, row) in some {
        let least =
            job.peers().min_by(|a, b| a.alloc_bytes_per_op.total_cmp(&b.alloc_bytes_per_op));
        let least = least.map_or_else(
            || "–".to_owned(),
            |peer| format!("{}, {}", plain(&peer.contender), whole(peer.alloc_bytes_per_op)),
        );
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {} | {least} |",
            job.name,
            plain(&row.contender),
            row.allocs_per_op,
            whole(row.alloc_bytes_per_op)
        );
    }
    text.push('\n');
    text
}

fn aims(judged: &[Judged]) -> String {
    let met = judged.iter().filter(|bar| bar.is_met()).count();
    let mut text = format!(
        "## Aims\n\nWhat the crates are to reach, against the best peer or the floor of this very run. {met} of {} are met.\n\n\
         | job | against | at most | found | |\n|---|---|---:|---:|---|\n",
        judged.len()
    );
    for bar in judged {
        let verdict = if bar.is_met() { "met" } else { "**missed**" };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2}{} | {:.2}{} | {verdict} |",
            bar.job,
            plain(&bar.against),
            bar.at_most,
            bar.unit,
            bar.found,
            bar.unit
        );
    }
    text.push('\n');
    text
}

fn versions(record: &Record) -> String {
    let versions: Vec<_> = record
        .versions
        .iter()
        .map(|version| format!("{} {}", version.name, version.version))
        .collect();
    format!("\nVersions: {}.\n", versions.join(", "))
}

/// A name as Markdown shows it: `Vec<Bytes>` is no tag.
fn plain(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('|', "&#124;")
}

/// The bytes that a result keeps, or the time.
fn value(row: &Figures) -> String {
    row.held_bytes.map_or_else(|| time(row.ns_min), |bytes| format!("{} B", whole(bytes)))
}

/// Three digits and a unit.
fn time(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns => (ns / 1e6, "ms"),
    };
    let digits = match value {
        value if value < 10.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

/// Payload per time; nothing where the payload is not what takes the time.
fn rate(row: &Figures) -> String {
    match row.bytes_per_op {
        0 => "–".to_owned(),
        bytes => format!("{:.2} GB/s", bytes as f64 / row.ns_min),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of bytes")]
fn whole(value: f64) -> String {
    thousands(value.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::{super::job::tests::row, *};

    #[test]
    fn a_loss_stands_before_the_tables() {
        let rows = vec![
            row("pool/burst_64", "seg-pool", 'o', 20.0),
            row("pool/burst_64", "other", 'p', 10.0),
            row("ws/write_1k", "ws-assemble", 'o', 10.0),
            row("ws/write_1k", "other", 'p', 20.0),
        ];
        let record = Record::here("full", rows);
        let page = write(&record, &Layer::all_of(&record.rows), Some("memory.svg"));
        assert!(page.contains("ahead of the best of them in 1, even in 0, behind in 1."), "{page}");
        let loss = page.find("| pool/burst_64 | 20.0 ns | other, 10.0 ns | **2.00** |");
        assert!(loss.is_some_and(|at| Some(at) < page.find("![")), "{page}");
        assert!(page.contains("| pool/burst_64 | other | 0.67× | 2.00× | **missed** |"), "{page}");
        assert!(page.contains(&record.machine.rustc), "{page}");
        assert!(page.contains("](memory.svg)"), "{page}");
    }

    #[test]
    fn a_type_is_no_tag() {
        assert_eq!(plain("Cursor<&[u8]>"), "Cursor&lt;&amp;[u8]>");
    }

    #[test]
    fn times_have_three_digits() {
        let cases =
            [(3.333, "3.33 ns"), (45.67, "45.7 ns"), (1_234.0, "1.23 µs"), (2.5e8, "250 ms")];
        for (ns, want) in cases {
            assert_eq!(time(ns), want);
        }
    }
}
