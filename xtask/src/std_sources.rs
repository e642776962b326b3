//! A compiler that has the sources of the standard library beside it: for sanitizers and for other
//! systems, which need a library built for them.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::{Shell, cmd};

use crate::workspace::{self, installed};

/// Where a compiler of Debian's packages is laid out; nothing is installed.
const FOLDER: &str = "target/std-sources";

/// Sanitizers whose runtimes our own toolchain has and Debian's has not.
const RUNTIMES: [&str; 4] = ["asan", "lsan", "msan", "tsan"];

/// Where to find the sources.
pub(crate) enum StdSources {
    /// Beside the usual compiler: `rustup component add rust-src`.
    Usual,
    /// Beside this one.
    Of(PathBuf),
}

impl StdSources {
    /// Says what is missing to have them, if anything. What cannot be made was tried.
    pub(crate) fn missing(shell: &Shell) -> Option<String> {
        if Self::found(shell).is_some() {
            return None;
        }
        let hint = "rustup component add rust-src";
        let programs = ["apt-get", "apt-cache", "dpkg-deb"];
        let lacking = programs.into_iter().find_map(|program| installed(program).err());
        lacking.map(|why| format!("no sources of the standard library ({hint}): {why}"))
    }

    /// Finds them, or makes a compiler that has them from Debian's packages, which takes a minute.
    pub(crate) fn get(shell: &Shell) -> anyhow::Result<Self> {
        if let Some(found) = Self::found(shell) {
            return Ok(found);
        }
        eprintln!("making {FOLDER} from Debian's packages rustc-web and rust-web-src");
        make(shell).context("no compiler with the sources of the standard library")?;
        Self::found(shell).context("Debian's compiler does not run")
    }

    fn found(shell: &Shell) -> Option<Self> {
        let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read().unwrap_or_default();
        if Path::new(&sysroot).join("lib/rustlib/src/rust/library/std").exists() {
            return Some(Self::Usual);
        }
        let rustc = workspace::root().join(FOLDER).join("rustc");
        let version = cmd!(shell, "{rustc} --version").quiet().ignore_stdout().ignore_stderr();
        (rustc.exists() && version.run().is_ok()).then_some(Self::Of(rustc))
    }

    /// Lets the commands of a shell build the standard library, an unstable option.
    pub(crate) fn push<'a>(&self, shell: &'a Shell) -> Vec<xshell::PushEnv<'a>> {
        let mut pushed = vec![shell.push_env("RUSTC_BOOTSTRAP", "1")];
        if let Self::Of(rustc) = self {
            pushed.push(shell.push_env("RUSTC", rustc));
        }
        pushed
    }
}

fn make(shell: &Shell) -> anyhow::Result<()> {
    let folder = workspace::root().join(FOLDER);
    shell.remove_path(&folder)?;
    let packages = folder.join("packages");
    shell.create_dir(&packages)?;
    let _directory = shell.push_dir(&packages);
    // A list that is old serves as well, as long as the packages are there.
    cmd!(shell, "apt-get update -qq").quiet().ignore_status().ignore_stderr().run()?;
    let offered = cmd!(shell, "apt-cache madison rustc-web").quiet().read()?;
    let version = offered.lines().next().and_then(|line| line.split('|').nth(1));
    let version = version.context("Debian offers no rustc-web: apt-get update")?.trim();
    let described =
        |package: String| cmd!(shell, "apt-cache show {package}={version}").quiet().read();
    let of_compiler = described("rustc-web".into())? + &described("libstd-rust-web-dev".into())?;
    let library = dependency(&of_compiler, "libstd-rust-web-1").context("no library is named")?;
    // Which LLVM it is stands with the compiler or with the library.
    let llvm = dependency(&(of_compiler + &described(library.clone())?), "libllvm");
    let llvm = llvm.context("no LLVM is named")?;
    let names = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", &library];
    let wanted = names.map(|name| format!("{name}={version}"));
    cmd!(shell, "apt-get download -qq {wanted...} {llvm}").ignore_stderr().run()?;
    let (tree, sources) = (folder.join("tree"), folder.join("sources"));
    for archive in shell.read_dir(&packages)? {
        let is_source = archive.to_string_lossy().contains("rust-web-src_");
        let to = if is_source { &sources } else { &tree };
        cmd!(shell, "dpkg-deb -x {archive} {to}").quiet().run()?;
    }
    let rustlib = tree.join("usr/lib/rustlib");
    let found = shell.read_dir(sources.join("usr/src"))?;
    let source = found.iter().find(|path| path.join("library/std").exists());
    let source = source.context("rust-web-src has no library")?.join("library");
    let beside = rustlib.join("src/rust");
    shell.create_dir(&beside)?;
    cmd!(shell, "mv {source} {beside}/library").quiet().run()?;
    copy_runtimes(shell, &rustlib)?;
    let wrapper = folder.join("rustc");
    let (libraries, compiler) = (tree.join("usr/lib/x86_64-linux-gnu"), tree.join("usr/bin/rustc"));
    let (libraries, compiler) = (libraries.display(), compiler.display());
    let script = format!("#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {compiler} \"$@\"\n");
    shell.write_file(&wrapper, script)?;
    cmd!(shell, "chmod +x {wrapper}").quiet().run()?;
    shell.remove_path(&packages)?;
    Ok(shell.remove_path(&sources)?)
}

/// Finds the name of a package that starts so, in the description of another.
fn dependency(description: &str, start: &str) -> Option<String> {
    let is_in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let mut words = description.split(|c| !is_in_name(c)).map(|word| word.trim_end_matches('.'));
    let is_name =
        |rest: &str| rest.starts_with(['.', '-']) || rest.chars().all(|c| c.is_ascii_digit());
    words.find(|word| word.strip_prefix(start).is_some_and(is_name)).map(str::to_owned)
}

/// The runtimes of sanitizers go from our toolchain to where Debian's compiler looks for them.
fn copy_runtimes(shell: &Shell, rustlib: &Path) -> anyhow::Result<()> {
    let folder = Path::new("x86_64-unknown-linux-gnu/lib");
    let sysroot = PathBuf::from(cmd!(shell, "rustc --print sysroot").quiet().read()?);
    let ours = shell.read_dir(sysroot.join("lib/rustlib").join(folder))?;
    for kind in RUNTIMES {
        let end = format!("_rt.{kind}.a");
        let runtime = ours.iter().find(|path| path.to_string_lossy().ends_with(&end));
        let runtime = runtime.with_context(|| format!("{sysroot:?} has no runtime for {kind}"))?;
        ensure!(runtime.is_file(), "{runtime:?} is no file");
        let name = format!("librustc-stable{end}");
        shell.copy_file(runtime, rustlib.join(folder).join(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_found_in_descriptions() {
        let description = "Package: rustc-web\nDepends: libc6 (>= 2.34), libllvm22 (>= 1:22.1.2),\n \
            libstd-rust-web-1.96 (= 1.96.0+dfsg1-1), libstd-rust-web-dev\n";
        assert_eq!(dependency(description, "libllvm").as_deref(), Some("libllvm22"));
        let library = dependency(description, "libstd-rust-web-1");
        assert_eq!(library.as_deref(), Some("libstd-rust-web-1.96"));
        assert_eq!(dependency(description, "nothing"), None);
    }
}
