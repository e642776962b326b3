//! `cargo xtask bench [LAYER] [--compare [--quick] [--job TEXT] [--json FILE] [--record FILE]]`

use std::{ffi::OsString, process::ExitCode};

use xshell::cmd;

use crate::{
    built_binary::{self, Build},
    flags::Bench,
    workspace::{self, Workspace},
};

impl Bench {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        // An unknown layer is refused before anything is built.
        let layer = self.layer.or(self.only).map(|name| short_name(&name)).transpose()?;
        if self.compare {
            let mut arguments: Vec<OsString> = Vec::new();
            if let Some(layer) = layer {
                arguments.extend(["--layer".into(), layer.into()]);
            }
            if let Some(text) = self.job {
                arguments.extend(["--job".into(), text.into()]);
            }
            if self.quick {
                arguments.push("--quick".into());
            }
            if let Some(path) = self.json {
                arguments.extend(["--json".into(), path.into()]);
            }
            if let Some(path) = self.record {
                arguments.extend(["--record".into(), path.into()]);
            }
            return built_binary::run("compare", Build::COMPARE, arguments);
        }
        let of_compare = [self.job.is_some(), self.json.is_some(), self.record.is_some()];
        if self.quick || of_compare.contains(&true) {
            eprintln!("error: --quick, --job, --json and --record go with --compare");
            return Ok(ExitCode::from(2));
        }
        let shell = workspace::shell()?;
        let chosen = match layer {
            Some(layer) => vec!["--bench".to_owned(), layer],
            None => vec!["--benches".to_owned()],
        };
        cmd!(shell, "cargo bench --package seg-bench {chosen...}").run()?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The name that jobs and benchmarks have for a layer, from that or from its crate's.
fn short_name(name: &str) -> anyhow::Result<String> {
    let layer = &Workspace::read()?.chosen(Some(name))?[0].name;
    let name = layer.strip_prefix("seg-").or_else(|| layer.strip_prefix("http-")).unwrap_or(layer);
    Ok(name.strip_suffix("-assemble").unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_layer_has_a_benchmark_under_its_short_name() {
        for layer in Workspace::read().expect("the manifests").layers() {
            let name = short_name(&layer.name).expect("a layer");
            assert_eq!(short_name(&name).expect("a short name"), name);
            let path = workspace::root().join(format!("benches/{name}.rs"));
            assert!(fs::exists(&path).is_ok_and(|exists| exists), "{path:?}");
        }
        assert!(short_name("nothing").is_err());
    }
}
