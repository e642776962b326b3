//! `cargo xtask interop [http|ws] [--require]`: our examples against other people's programs.

mod cases;
mod http;
mod process;
mod workshop;
mod ws;

use std::process::ExitCode;

use anyhow::bail;

use crate::flags::Interop;
use cases::Cases;
use workshop::Workshop;

impl Interop {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let suites: &[&str] = match self.suite.as_deref() {
            None => &["http", "ws"],
            Some("http") => &["http"],
            Some("ws") => &["ws"],
            Some(other) => bail!("{other} is no suite: http or ws"),
        };
        let workshop = Workshop::set_up()?;
        let mut cases = Cases::default();
        for &suite in suites {
            eprintln!("==> {suite}");
            match suite {
                "http" => http::run(&workshop, &mut cases),
                _ => ws::run(&workshop, &mut cases),
            }
        }
        Ok(cases.finish(self.require))
    }
}
