//! `cargo xtask interop [http|ws] [--require]`: our examples against other people's programs.

mod http;
pub(crate) mod peers;
mod ws;

use std::process::ExitCode;

use anyhow::{bail, ensure};

use crate::{flags::Interop, steps::Steps, workspace::installed};
use peers::Workshop;

/// What installs the programs that are missing.
const INSTALL: &str = "interop/install.sh";

impl Interop {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let suite = self.suite.as_deref();
        let (has_http, has_ws) = (suite != Some("ws"), suite != Some("http"));
        if let Some(other) = suite.filter(|suite| !["http", "ws"].contains(suite)) {
            bail!("{other} is no suite: http or ws");
        }
        for program in ["setpriv", "timeout"] {
            ensure!(
                installed(program).is_ok(),
                "{program} is not installed (util-linux, coreutils)"
            );
        }
        let shop = Workshop::new()?;
        let mut missing = Vec::new();
        if has_http {
            missing.extend(http::missing(&shop));
        }
        if has_ws {
            missing.extend(ws::missing(&shop));
        }
        missing.sort();
        missing.dedup();
        for (peer, why) in &missing {
            eprintln!("{peer} takes no part: {why} ({INSTALL} installs it)");
        }
        ensure!(missing.is_empty() || !self.require, "{} peers are missing", missing.len());
        shop.set_up()?;
        let mut steps = Steps::default();
        if has_http {
            http::run(&shop, &mut steps);
        }
        if has_ws {
            ws::run(&shop, &mut steps);
        }
        for (peer, why) in missing {
            steps.skip(peer, why);
        }
        Ok(steps.finish())
    }
}
