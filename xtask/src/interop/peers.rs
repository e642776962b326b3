//! Our examples and other people's programs, each with an end: none outlives this process.

use core::{net::SocketAddr, time::Duration};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use anyhow::{Context, anyhow, bail, ensure};
use xshell::cmd;

use crate::{
    child::{need, shell},
    layer::Layer,
    steps::Steps,
    workspace::{Workspace, root},
};

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(30);

/// How long one program may take for its cases, in seconds.
const CASES_SECONDS: u32 = 100;

/// Where everything is, and a folder for what the cases leave there.
pub(crate) struct Workshop {
    target: &'static Path,
    folder: PathBuf,
}

impl Workshop {
    /// Finds the folders; nothing is built yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let target = &Workspace::read()?.target;
        Ok(Self { target, folder: target.join("interop") })
    }

    /// Builds the examples of a layer that are needed here.
    pub(crate) fn build_examples(layer: Layer) -> anyhow::Result<()> {
        let (features, names) = layer.examples;
        if names.is_empty() {
            return Ok(());
        }
        eprintln!("building the examples of {}, optimised: {}", layer.name, names.join(", "));
        let what = ["--release", "--package", layer.name, "--features", features];
        let names = names.iter().flat_map(|name| ["--example", name]);
        let shell = shell();
        Ok(cmd!(shell, "cargo build {what...} {names...}").quiet().run()?)
    }

    /// Returns one of our examples, ready to be started.
    pub(crate) fn example(&self, name: &str) -> Command {
        ending_with_us(self.target.join("release/examples").join(name))
    }

    /// Returns a script of `interop` with the packages that `interop/install.sh` installs, or why not.
    pub(crate) fn script(&self, script: &str, programs: &[&str]) -> Result<Command, String> {
        let found = |program| need(program, "from Debian's packages").map_err(|why| why.0);
        for program in programs {
            found(program)?;
        }
        let is_python = script.ends_with(".py");
        let (program, packages) = if is_python {
            (self.folder.join("venv/bin/python"), self.folder.join("venv"))
        } else {
            (found("node")?, self.folder.join("node/node_modules/ws"))
        };
        if !packages.exists() {
            return Err("its packages are missing".to_owned());
        }
        let mut command = ending_with_us(program);
        let interop = root().join("interop");
        if is_python {
            command.env("PYTHONPATH", &interop).env("PYTHONDONTWRITEBYTECODE", "1").arg("-u");
        } else {
            // Where the script looks for packages, which are not beside it.
            command.env("INTEROP_NODE", self.folder.join("node"));
        }
        command.arg(interop.join(script));
        Ok(command)
    }

    /// Returns the folder of files to send.
    pub(crate) fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    /// Returns a path for something to be written.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a server like [`start`](Self::start), or notes a step that failed.
    pub(crate) fn started(
        &self,
        steps: &mut Steps,
        name: &str,
        command: &mut Command,
    ) -> Option<Server> {
        let failed = |error| steps.note(format!("{name} starts"), Duration::ZERO, Err(error));
        self.start(name, command).map_err(failed).ok()
    }

    /// Starts a server that says where it listens in a line that ends in `HOST:PORT` or in an URL.
    ///
    /// What it says on standard error goes into a log named for it.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> anyhow::Result<Server> {
        let logs = self.folder.join("logs");
        fs::create_dir_all(&logs)?;
        let log = logs.join(name).with_extension("log");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn().context("cannot start")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut server = Server { authority: String::new(), version: String::new(), child };
        let (sender, lines) = mpsc::channel();
        // Reads on when nobody wants a line any more: a full pipe would stop the server.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                sender.send(line).unwrap_or_default();
            }
        });
        while server.authority.is_empty() {
            let Ok(line) = lines.recv_timeout(START_MAX) else {
                bail!("does not say where it listens: {}", last_line(&fs::read(log)?));
            };
            if let Some(version) = line.strip_prefix("version ") {
                version.clone_into(&mut server.version);
            } else if let Some(authority) = authority(&line) {
                authority.clone_into(&mut server.authority);
            }
        }
        Ok(server)
    }

    /// Writes letters that compress to about half, noise that does not, and files of few bytes and
    /// of none.
    pub(crate) fn write_files(&self) -> anyhow::Result<()> {
        const LETTERS: &[u8; 64] =
            b"segment pool socket chunk frame window page slab body trailer \n ";
        fs::create_dir_all(self.files())?;
        let files = [
            ("large.txt", 16 << 20),
            ("medium.txt", 1 << 20),
            ("small.txt", 1000),
            ("empty.txt", 0),
        ];
        for (name, len) in files.into_iter().chain([("noise.bin", 1 << 20)]) {
            let mut file = BufWriter::new(File::create(self.files().join(name))?);
            let mut state = 0x5eed_u64;
            for _ in 0..len {
                // Knuth's MMIX generator; its upper bits are the good ones.
                state = state.wrapping_mul(6_364_136_223_846_793_005);
                state = state.wrapping_add(1_442_695_040_888_963_407);
                let letter = LETTERS[(state >> 58) as usize];
                let byte = if name == "noise.bin" { state.to_be_bytes()[0] } else { letter };
                file.write_all(&[byte])?;
            }
            file.flush()?;
        }
        Ok(())
    }
}

/// A server, ended when it is dropped.
pub(crate) struct Server {
    /// What it listens on: `HOST:PORT`.
    pub(crate) authority: String,
    /// The version that it told, or an empty text.
    pub(crate) version: String,
    child: Child,
}

impl Server {
    /// Starts a server that listens where it was told to.
    pub(crate) fn at(address: SocketAddr, command: &mut Command) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().context("cannot start")?;
        let server = Self { authority: address.to_string(), version: String::new(), child };
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            ensure!(Instant::now() < deadline, "does not listen on {address}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().unwrap_or_default();
        let _status = self.child.wait();
    }
}

/// Makes a command whose process the system ends with this one.
pub(crate) fn ending_with_us(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program.as_ref());
    command
}

/// Runs a program to its end, which comes in time.
pub(crate) fn output(command: &Command) -> anyhow::Result<Output> {
    output_within(command, CASES_SECONDS)
}

/// Runs a program to its end, which comes after so many seconds at the latest.
pub(crate) fn output_within(command: &Command, seconds: u32) -> anyhow::Result<Output> {
    let mut timed = ending_with_us("timeout");
    let seconds = seconds.to_string();
    timed.args(["--signal", "KILL", &seconds]).arg(command.get_program());
    timed.args(command.get_args()).stdin(Stdio::null());
    timed.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
    timed.output().context("cannot start")
}

/// Notes what a script of a peer said of its own cases: lines of `version TEXT`, `ok SECONDS NAME`
/// and `failed SECONDS NAME: REASON`. It has to end in `done` after at least one of them, or something
/// is missing.
pub(crate) fn note_script(steps: &mut Steps, peer: &str, prefix: &str, script: &Command) {
    let mut peer = peer.to_owned();
    let (mut cases, mut is_done) = (0, false);
    let said = output(script);
    let (printed, complained) =
        said.as_ref().map_or((&[][..], &[][..]), |said| (&said.stdout, &said.stderr));
    for line in String::from_utf8_lossy(printed).lines() {
        if let Some(version) = line.strip_prefix("version ") {
            peer = format!("{peer} {version}");
        } else if line == "done" {
            is_done = true;
        } else if let Some((name, took, ran)) = case(line) {
            steps.note(format!("{peer}: {prefix}{name}"), took, ran);
            cases += 1;
        } else {
            eprintln!("{peer}: {line}");
        }
    }
    if !is_done || cases == 0 {
        let why = || anyhow!("ended after {cases} cases: {}", last_line(complained));
        let error = said.as_ref().err().map_or_else(why, |error| anyhow!("{error:#}"));
        steps.note(format!("{peer}: {prefix}the script"), Duration::ZERO, Err(error));
    }
}

/// Reads what a script said of one case.
fn case(line: &str) -> Option<(&str, Duration, anyhow::Result<String>)> {
    let (verdict, rest) = line.split_once(' ')?;
    let (seconds, rest) = rest.split_once(' ')?;
    let took = Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?;
    match verdict {
        "ok" => Some((rest, took, Ok(String::new()))),
        "failed" => {
            let (name, why) = rest.split_once(": ").unwrap_or((rest, "no reason given"));
            Some((name, took, Err(anyhow!("{why}"))))
        }
        _ => None,
    }
}

/// Finds `HOST:PORT` at the end of a line.
fn authority(line: &str) -> Option<&str> {
    let word = line.split_whitespace().next_back()?;
    let word = word.strip_prefix("http://").or_else(|| word.strip_prefix("ws://")).unwrap_or(word);
    let word = word.strip_suffix('/').unwrap_or(word);
    let (_, port) = word.rsplit_once(':')?;
    port.parse::<u16>().is_ok().then_some(word)
}

pub(crate) fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("(nothing)").to_owned()
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;

    #[test]
    fn the_address_is_found_in_what_servers_say() {
        assert_eq!(authority("listening on http://127.0.0.1:80/"), Some("127.0.0.1:80"));
        assert_eq!(authority("listening on 127.0.0.1:9001"), Some("127.0.0.1:9001"));
        assert_eq!(authority("starting: soon"), None);
    }

    #[test]
    fn a_line_of_a_script_is_a_case() {
        let (name, took, ran) = case("ok 0.5 one two").expect("a case");
        assert_eq!((name, took), ("one two", Duration::from_millis(500)));
        assert!(ran.is_ok());
        let (name, _, ran) = case("failed 1 one: broken").expect("a case");
        assert_eq!(name, "one");
        assert!(ran.is_err_and(|error| error.to_string() == "broken"));
        assert!(case("warning: something").is_none());
    }

    #[test]
    fn a_script_that_ends_early_or_does_nothing_is_a_failure() {
        let said = |text: &str| {
            let mut steps = Steps::default();
            let mut echo = Command::new("printf");
            echo.arg(text);
            note_script(&mut steps, "peer", "", &echo);
            steps.finish()
        };
        if cfg!(target_os = "linux") {
            assert_eq!(said("version 2\nok 0.5 one\ndone\n"), ExitCode::SUCCESS);
            assert_eq!(said("ok 0.5 one\n"), ExitCode::FAILURE);
            assert_eq!(said("version 2\ndone\n"), ExitCode::FAILURE);
        }
    }
}
