//! The child process from the outside.

use core::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use std::{
    io::{self, BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Instant,
};

use anyhow::{Context, anyhow};

use super::child::write_input;

/// How long a child whose stdin is closed may take to end by itself.
const ENDING: Duration = Duration::from_secs(2);

/// The peers' process while it runs. Dropping it ends the process and waits for its end.
#[derive(Debug)]
pub struct Peers {
    child: Child,
    /// Open for as long as the child shall live.
    stdin: Option<ChildStdin>,
    http: SocketAddr,
    ws: SocketAddr,
}

impl Peers {
    /// Starts `command`, whose process calls [`child::serve`](super::child::serve), gives it the
    /// input and waits until it listens.
    ///
    /// # Errors
    ///
    /// Returns an error when the process does not start, ends early, or gets no port.
    pub fn start(mut command: Command, input: &[u8]) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the peers' process does not start")?;
        let stdin = child.stdin.take();
        let unknown = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // From here on, every way out drops `peers` and so ends the child.
        let mut peers = Self { child, stdin, http: unknown, ws: unknown };
        let (http, ws) = peers.greet(input)?;
        peers.http.set_port(http);
        peers.ws.set_port(ws);
        Ok(peers)
    }

    /// Returns the hyper origin's address.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Returns the tokio-tungstenite server's address.
    #[must_use]
    pub const fn ws(&self) -> SocketAddr {
        self.ws
    }

    fn greet(&mut self, input: &[u8]) -> anyhow::Result<(u16, u16)> {
        let stdin = self.stdin.as_mut().context("the peers' process has no stdin")?;
        let written = write_input(stdin, input);
        let stdout = self.child.stdout.take().context("the peers' process has no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match written {
            // A child that ended early has its reason on stderr or on the line; the pipe's error says nothing.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => ports(&line).ok_or_else(|| match line.trim_end() {
                "" => anyhow!("the peers' process ended before it was ready"),
                line => anyhow!("the peers' process is not ready: {line}"),
            }),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.stdin.take());
        let start = Instant::now();
        while start.elapsed() < ENDING {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // There is nothing left to try, and its stdin is closed in any case.
        let _ = self.end();
    }
}

fn ports(line: &str) -> Option<(u16, u16)> {
    let mut words = line.trim_end().split(' ');
    let (ready, http, ws) = (words.next()?, words.next()?, words.next()?);
    if ready != "ready" || words.next().is_some() {
        return None;
    }
    Some((http.parse().ok()?, ws.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_greeting_has_ports() {
        let cases = [
            ("ready 80 8080\n", Some((80, 8080))),
            ("", None),
            ("ready 80\n", None),
            ("ready 80 x\n", None),
            ("ready 80 65536\n", None),
            ("ready 80 81 82\n", None),
            ("error: no port\n", None),
        ];
        for (line, want) in cases {
            assert_eq!(ports(line), want, "{line:?}");
        }
    }

    #[test]
    fn a_process_that_says_nothing_is_an_error() {
        let mut command = Command::new(std::env::current_exe().expect("this test's path"));
        // The test harness prints help and ends; that is no greeting.
        command.arg("--help").stderr(Stdio::null());
        let error = Peers::start(command, b"input").expect_err("no peers");
        assert!(error.to_string().contains("the peers' process"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        assert!(Peers::start(Command::new("/nowhere/peers"), b"input").is_err());
    }
}
