//! The demo: real messages from real peers, through both assemblies, in one table.
//!
//! Every row has a pool and a connection of its own and receives the same message twice: the first
//! pass shows what a start from nothing costs, the second what the steady state costs.

pub mod args;
mod failure;
mod http;
mod memory;
#[cfg(feature = "plot")]
mod picture;
mod progress;
mod receive;
mod report;
mod route;
mod row;
mod slabs;
mod timeline;
mod wire;
mod ws;

use std::{fs::File, path::Path, process::Command};

use anyhow::{Context, anyhow};

pub use self::{
    failure::Failure,
    receive::Assembly,
    report::{Course, Report},
    route::Route,
    row::Row,
    timeline::Sample,
};
use self::{progress::Progress, receive::Receive, timeline::Timeline};
use crate::{
    alloc_count,
    digest::Digest,
    input::{Input, Text, as_text},
    peers::Peers,
};

/// Whether live memory is noted with each read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Courses {
    /// No: times are not disturbed.
    Ignored,
    /// Yes: the report has a [`Course`] a row, and the times of first messages are a little longer.
    Noted,
}

/// Starts the peers with `command`, receives the input over every route through both assemblies and
/// returns what that cost.
///
/// Takes the time that it takes: the input crosses loopback 16 times. Ends the peers before it
/// returns. A digest that differs is part of the report, not an error.
///
/// # Errors
///
/// Returns [`Failure::Usage`] when the input cannot be had, and [`Failure::Broken`] when a peer or a
/// stream fails.
pub fn run(input: &Input, command: Command, courses: Courses) -> Result<Report, Failure> {
    if !alloc_count::is_installed() {
        return Err(anyhow!("this program does not count its allocations").into());
    }
    let mut progress = Progress::start();
    if courses == Courses::Noted {
        progress = progress.with_timeline(Timeline::new());
    }
    let (sent, peers) = Sent::start(input, command)?;
    progress.expect(sent.bytes_to_receive());
    let (mut rows, mut courses) = (Vec::new(), Vec::new());
    for route in Route::ALL {
        for assembly in Assembly::ALL {
            let row = sent
                .receive(&peers, route, assembly, &progress)
                .with_context(|| format!("{} {}", route.name(), assembly.name()))?;
            rows.push(row);
            courses.extend(progress.timeline().map(|timeline| Course {
                path: route,
                assembly,
                samples: timeline.samples(),
            }));
        }
    }
    Ok(Report { title: sent.title, rows, courses })
}

/// Checks that `path` can be written, before anything is spent on what shall go there.
///
/// # Errors
///
/// Returns [`Failure::Usage`] when it cannot.
pub fn ensure_writable(path: &Path) -> Result<(), Failure> {
    let opened = File::options().append(true).create(true).open(path);
    opened.with_context(|| format!("cannot write {}", path.display())).map_err(Failure::Usage)?;
    Ok(())
}

/// What the peers were given, as far as the receiver has to know it.
struct Sent {
    title: String,
    plain: Digest,
    text: Digest,
}

impl Sent {
    /// Reads the input and hands it to the peers. It is gone from this process afterwards.
    fn start(input: &Input, command: Command) -> Result<(Self, Peers), Failure> {
        let bytes = input.load(memory::input_bytes_max()).map_err(Failure::usage)?;
        let plain = Digest::of_chunks([bytes.as_slice()]);
        let text = as_text(&bytes);
        let note = match text {
            Text::Utf8(_) => "",
            Text::FromLatin1(_) => {
                "; it is not UTF-8, so text messages carry it as Latin-1 mapped to UTF-8"
            }
        };
        let title = format!("Received over loopback: {input}{note}.");
        let text = Digest::of_chunks([&*text.into_bytes()]);
        let peers = Peers::start(command, &bytes)?;
        Ok((Self { title, plain, text }, peers))
    }

    const fn digest(&self, route: Route) -> Digest {
        match route {
            Route::WsText => self.text,
            Route::HttpPlain | Route::HttpGzip | Route::WsBinary => self.plain,
        }
    }

    /// Every route, assembly and pass.
    fn bytes_to_receive(&self) -> u64 {
        let once: u64 = Route::ALL.iter().map(|route| self.digest(*route).len()).sum();
        once * Assembly::ALL.len() as u64 * 2
    }

    fn receive(
        &self,
        peers: &Peers,
        route: Route,
        assembly: Assembly,
        progress: &Progress,
    ) -> anyhow::Result<Row> {
        let expected = self.digest(route);
        match route {
            Route::HttpPlain | Route::HttpGzip => {
                Row::measure(route, assembly, expected, progress, |pool| {
                    http::Client::connect(
                        peers.http(),
                        route.target(),
                        assembly,
                        expected.len(),
                        pool,
                    )
                })
            }
            Route::WsText | Route::WsBinary => {
                Row::measure(route, assembly, expected, progress, |pool| {
                    ws::Client::connect(peers.ws(), route.target(), assembly, expected.len(), pool)
                })
            }
        }
    }
}
