//! `cargo xtask interop [http|ws] [--require]`: our examples against other people's programs.

mod http;
pub(crate) mod peers;
mod ws;

use anyhow::{bail, ensure};

use crate::{child::need, flags::Interop, layer::LAYERS, steps::Steps};
use peers::Workshop;

/// What installs the programs that are missing.
const INSTALL: &str = "interop/install.sh";

impl Interop {
    pub(crate) fn run(self, steps: &mut Steps) -> anyhow::Result<()> {
        let (has_http, has_ws) = match self.suite.as_deref() {
            None => (true, true),
            Some("http") => (true, false),
            Some("ws") => (false, true),
            Some(other) => bail!("{other} is no suite: http or ws"),
        };
        need("setpriv", "apt-get install util-linux")?;
        need("timeout", "apt-get install coreutils")?;
        let shop = Workshop::new()?;
        let mut missing = if has_http { http::missing(&shop) } else { Vec::new() };
        missing.extend(if has_ws { ws::missing(&shop) } else { Vec::new() });
        missing.sort();
        missing.dedup();
        for (peer, why) in &missing {
            steps.skip(*peer, format!("{why} ({INSTALL} installs it)"));
        }
        ensure!(missing.is_empty() || !self.require, "missing: {missing:?}");
        LAYERS.into_iter().try_for_each(Workshop::build_examples)?;
        shop.write_files()?;
        if has_http {
            http::run(&shop, steps);
        }
        if has_ws {
            ws::run(&shop, steps);
        }
        Ok(())
    }
}
