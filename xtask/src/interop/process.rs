//! Programs with an end: each has a limit of time, and none outlives this one.

use core::time::Duration;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Instant,
};

use anyhow::{Context, bail};

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(30);

/// Makes a command whose process the system ends with this one, where it can do that.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let mut command = if cfg!(target_os = "linux") && Path::new("/usr/bin/setpriv").exists() {
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.stdin(Stdio::null());
    command
}

/// What a program that ended has left.
pub(crate) struct Finished {
    pub(crate) is_success: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

/// Runs a program to its end, at most `limit` long.
pub(crate) fn run(command: &mut Command, limit: Duration) -> anyhow::Result<Finished> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Guard(command.spawn().context("cannot start")?);
    let stdout = collect(child.0.stdout.take());
    let stderr = collect(child.0.stderr.take());
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.0.try_wait()? {
            break status;
        }
        if start.elapsed() > limit {
            drop(child);
            let said = gather(stderr);
            bail!("not done after {} s; it said: {}", limit.as_secs(), last_line(&said));
        }
        thread::sleep(Duration::from_millis(5));
    };
    let stdout = gather(stdout);
    let stderr = String::from_utf8_lossy(&gather(stderr)).into_owned();
    Ok(Finished { is_success: status.success(), stdout, stderr })
}

/// Runs a program that has to succeed, and returns what it wrote to standard output.
pub(crate) fn run_well(command: &mut Command, limit: Duration) -> anyhow::Result<Vec<u8>> {
    let finished = run(command, limit)?;
    if !finished.is_success {
        bail!("{}", last_line(finished.stderr.as_bytes()));
    }
    Ok(finished.stdout)
}

/// A server, ended when it is dropped.
pub(crate) struct Server {
    /// What it listens on: `HOST:PORT`.
    pub(crate) authority: String,
    /// The version that it told, or an empty text.
    pub(crate) version: String,
    _child: Guard,
}

impl Server {
    /// Starts a server that says where it listens in a line that ends in `HOST:PORT` or in an URL.
    ///
    /// What it says on standard error goes into the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        command.stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut child = Guard(command.spawn().context("cannot start")?);
        let stdout = child.0.stdout.take().context("no standard output")?;
        let (sender, lines) = mpsc::channel();
        // Reads on when nobody wants a line any more: a full pipe would stop the server.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                sender.send(line).unwrap_or_default();
            }
        });
        let deadline = Instant::now() + START_MAX;
        let mut version = String::new();
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(told) = line.strip_prefix("version ") {
                        version = told.to_owned();
                    } else if let Some(authority) = authority(&line) {
                        return Ok(Self {
                            authority: authority.to_owned(),
                            version,
                            _child: child,
                        });
                    }
                }
                Err(RecvTimeoutError::Timeout) => bail!("does not say where it listens"),
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("ended: {}", last_line(&std::fs::read(log)?));
                }
            }
        }
    }

    /// Takes care of a server that was started at an address given to it.
    pub(crate) fn at(authority: String, child: Child) -> Self {
        Self { authority, version: String::new(), _child: Guard(child) }
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

/// A process that is ended, and waited for, when it is dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended already.
        self.0.kill().unwrap_or_default();
        let _status = self.0.wait();
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    })
}

fn gather(reader: JoinHandle<io::Result<Vec<u8>>>) -> Vec<u8> {
    reader.join().ok().and_then(Result::ok).unwrap_or_default()
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("(nothing)").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_servers_say() {
        assert_eq!(authority("listening on http://127.0.0.1:80/"), Some("127.0.0.1:80"));
        assert_eq!(authority("listening on 127.0.0.1:9001"), Some("127.0.0.1:9001"));
        assert_eq!(authority("starting: soon"), None);
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let error = run(command("/bin/sleep").arg("1000"), Duration::from_millis(50));
        assert!(error.is_err_and(|error| error.to_string().starts_with("not done after")));
    }
}
