//! Measures the layers against their peers: what `cargo xtask bench --compare` starts.

use std::{fs, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use seg_bench::{
    alloc_count::CountingAlloc,
    compare::{Effort, jobs::LAYERS, measure},
    figures::print_table,
    record::Record,
};

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

mod flags {
    #![allow(missing_docs, unreachable_pub)]

    use std::path::PathBuf;

    xflags::xflags! {
    /// Measure the layers against their peers.
    cmd compare {
        /// Measure one layer only.
        optional --layer layer: String
        /// Measure only the jobs whose name holds this text.
        optional --job text: String
        /// Take fewer and shorter samples.
        optional --quick
        /// Write the rows as a list of objects, too.
        optional --json path: PathBuf
        /// Write a record: the rows, the machine and the versions, for `cargo xtask report`.
        optional --record path: PathBuf
    }
    }
}

fn main() -> ExitCode {
    let flags = flags::Compare::from_env_or_exit();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &flags::Compare) -> anyhow::Result<()> {
    let effort = if flags.quick { Effort::QUICK } else { Effort::FULL };
    let known = |layer: &String| LAYERS.iter().any(|(name, _)| name == layer);
    if let Some(layer) = flags.layer.as_ref().filter(|layer| !known(layer)) {
        let names: Vec<_> = LAYERS.iter().map(|(name, _)| *name).collect();
        bail!("no layer is named {layer:?}; there are {}", names.join(", "));
    }
    println!(
        "* ours, _ floor; x peer and x floor: time against the best of them, above 1 is slower"
    );
    let layers = LAYERS.iter().filter(|(name, _)| flags.layer.as_ref().is_none_or(|l| l == name));
    let mut jobs: Vec<_> = layers.flat_map(|(_, jobs)| jobs()).collect();
    jobs.retain(|job| flags.job.as_ref().is_none_or(|text| job.name.contains(text)));
    ensure!(!jobs.is_empty(), "no job's name holds {:?}", flags.job.as_deref().unwrap_or_default());
    let count = jobs.len();
    let mut all = Vec::new();
    for (index, mut job) in jobs.into_iter().enumerate() {
        eprintln!("job {} of {count}: {}", index + 1, job.name);
        let figures = measure(&mut job, effort)?;
        print_table(&figures);
        all.extend(figures);
    }
    if let Some(path) = &flags.json {
        let json = serde_json::to_string_pretty(&all)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &flags.record {
        let record = Record::here(if flags.quick { "quick" } else { "full" }, all);
        fs::write(path, record.to_json()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
