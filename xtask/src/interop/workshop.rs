//! What the cases work with: our examples, other people's programs, files to send.

use std::{
    env,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use super::process;
use crate::workspace;

/// A folder for everything that the cases leave behind, and where to find what they need.
pub(crate) struct Workshop {
    target: PathBuf,
    folder: PathBuf,
}

impl Workshop {
    /// Builds the examples and writes the files to send.
    pub(crate) fn set_up() -> anyhow::Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let target = workspace::root().join(target);
        let folder = target.join("interop");
        let workshop = Self { target, folder };
        for folder in [workshop.files(), workshop.folder.join("logs")] {
            fs::create_dir_all(folder)?;
        }
        build_examples()?;
        workshop.write_files()?;
        Ok(workshop)
    }

    /// Returns one of our examples, ready to be started.
    pub(crate) fn example(&self, name: &str) -> Command {
        process::command(self.target.join("release/examples").join(name))
    }

    /// Returns a Python script with the packages that `interop/install.sh` installs, or why not.
    pub(crate) fn python(&self, script: &str) -> Result<Command, String> {
        let python = self.folder.join("venv/bin/python");
        if !python.exists() {
            return Err("no Python environment: see interop/install.sh".to_owned());
        }
        let mut command = process::command(python);
        command.env("PYTHONPATH", workspace::root().join("interop"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.arg("-u").arg(workspace::root().join("interop").join(script));
        Ok(command)
    }

    /// Returns a Node.js script with the packages that `interop/install.sh` installs, or why not.
    pub(crate) fn node(&self, script: &str) -> Result<Command, String> {
        let node = installed("node")?;
        let packages = self.folder.join("node");
        if !packages.join("node_modules/ws").exists() {
            return Err("no Node.js packages: see interop/install.sh".to_owned());
        }
        let mut command = process::command(node);
        command.arg(workspace::root().join("interop").join(script));
        // Where the script looks for packages, which are not beside it.
        command.env("INTEROP_NODE", packages);
        Ok(command)
    }

    /// Returns the folder of files to send.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Reads a file to send.
    pub(crate) fn file(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        fs::read(self.files().join(name)).with_context(|| format!("cannot read {name}"))
    }

    /// Returns a path for something to be written.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns a path for what a server says on standard error.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(name).with_extension("log")
    }

    /// Writes letters that compress to about half, noise that does not, and files of few bytes and of none.
    fn write_files(&self) -> anyhow::Result<()> {
        let text = |name: &str, len: usize| {
            self.write_file(name, len, |state| {
                const LETTERS: &[u8; 64] =
                    b"segment pool socket chunk frame window page slab body trailer \n ";
                LETTERS[(state >> 58) as usize]
            })
        };
        text("large.txt", 16 << 20)?;
        text("medium.txt", 1 << 20)?;
        text("small.txt", 1000)?;
        text("empty.txt", 0)?;
        self.write_file("noise.bin", 1 << 20, |state| state.to_be_bytes()[0])
    }

    fn write_file(&self, name: &str, len: usize, byte: fn(u64) -> u8) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(self.files().join(name))?);
        let mut state = 0x5eed_u64;
        for _ in 0..len {
            // Knuth's MMIX generator; its upper bits are the good ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            file.write_all(&[byte(state)])?;
        }
        Ok(file.flush()?)
    }
}

/// Finds a program as a shell would.
pub(crate) fn installed(program: &str) -> Result<PathBuf, String> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = env::split_paths(&paths).chain(["/usr/sbin".into()]).collect();
    let found = paths.iter().map(|path| path.join(program)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{program} is not installed"))
}

fn build_examples() -> anyhow::Result<()> {
    let examples: [(&str, &str, &[&str]); 3] = [
        ("seg-flate", "zlib-rs", &["gunzip"]),
        ("http-chunked", "http-body,tokio", &["fetch", "serve", "hyper_body"]),
        ("ws-assemble", "deflate,tokio", &["echo_server", "hyper_server", "chat", "exercise"]),
    ];
    for (package, features, names) in examples {
        let mut command = Command::new("cargo");
        command.args(["build", "--quiet", "--release", "--package", package]);
        command.args(["--features", features]).current_dir(workspace::root());
        for name in names {
            command.args(["--example", name]);
        }
        if !command.status().context("cannot start cargo")?.success() {
            bail!("the examples of {package} do not build");
        }
    }
    Ok(())
}

/// Returns the part of `text` that looks like a version: the first word with a digit first.
pub(crate) fn version_in(text: &str) -> String {
    let mut words = text.split(|c: char| c.is_whitespace() || c == '/');
    words.find(|word| word.starts_with(|c: char| c.is_ascii_digit())).unwrap_or("-").to_owned()
}

/// Asks a program for its version.
pub(crate) fn version_of(program: &Path, argument: &str) -> String {
    let limit = core::time::Duration::from_secs(20);
    let said = process::run(process::command(program).arg(argument), limit);
    let said = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned() + &said.stderr);
    version_in(&said.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(version_in("nginx version: nginx/1.22.1\n"), "1.22.1");
        assert_eq!(version_in("curl 7.88.1 (x86_64)"), "7.88.1");
        assert_eq!(version_in("none"), "-");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        assert!(installed("sh").is_ok());
        assert_eq!(installed("no-such-program"), Err("no-such-program is not installed".into()));
    }
}
