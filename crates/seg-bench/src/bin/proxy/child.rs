//! A server in a process of its own. Its stdout says its port, and then what it counted for each line that comes by
//! its stdin; when that closes, it ends.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    process::{self, Command, Stdio},
    thread,
};

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};

use crate::counted::{self, Counted};

/// A process that was started.
pub(crate) struct Child {
    process: process::Child,
    stdout: BufReader<process::ChildStdout>,
    pub(crate) port: u16,
    /// What is resident before it serves anybody: the program.
    rest_kib: u64,
}

/// What a process took since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu_ns: u64,
    pub(crate) reads: u64,
    pub(crate) writes: u64,
    pub(crate) peak_kib: u64,
    pub(crate) added_kib: u64,
}

impl Child {
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut process =
            command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().context("it has a stdout")?;
        let mut child = Self { process, stdout: BufReader::new(stdout), port: 0, rest_kib: 0 };
        child.port = child.line()?.parse()?;
        child.rest_kib = child.peak_kib()?;
        Ok(child)
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn peak_kib(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        first_number(peak.context("a peak")?)
    }

    /// Asks what the process took.
    pub(crate) fn usage(&mut self) -> anyhow::Result<Usage> {
        let id = self.process.id();
        let scheduled = fs::read_to_string(format!("/proc/{id}/schedstat"))?;
        let peak_kib = self.peak_kib()?;
        let mut stdin = self.process.stdin.as_ref().context("it has a stdin")?;
        stdin.write_all(b"\n")?;
        let counts = self.line()?;
        let (reads, writes) = counts.split_once(' ').context("two counts")?;
        Ok(Usage {
            cpu_ns: first_number(&scheduled)?,
            reads: reads.parse()?,
            writes: writes.parse()?,
            peak_kib,
            added_kib: peak_kib - self.rest_kib,
        })
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It ends by itself then.
        let _ = self.process.wait();
    }
}

fn first_number(text: &str) -> anyhow::Result<u64> {
    Ok(text.split_whitespace().next().context("a number")?.parse()?)
}

/// Serves every connection that comes, in one thread, until stdin closes.
pub(crate) fn serve<F>(connection: impl Fn(Counted) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?.port());
        thread::spawn(say_counts);
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            // This process ignores the outcome: the client counts the bytes that it gets, and fails when some are missing.
            tokio::spawn(connection(Counted(socket)));
        }
    })
}

pub(crate) async fn connect(port: u16) -> anyhow::Result<Counted> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    Ok(Counted(socket))
}

fn say_counts() {
    for _ in io::stdin().lines().map_while(Result::ok) {
        let (reads, writes) = counted::counts();
        println!("{reads} {writes}");
    }
    process::exit(0);
}
