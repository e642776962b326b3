//! What a server serves, asked for with `fetch`.

use core::fmt;

use anyhow::ensure;

use super::{CASE_MAX, Workshop, process};

/// A path whose last part is the file that is to arrive.
pub(super) struct Page {
    pub(super) path: &'static str,
    pub(super) outcome: Outcome,
}

/// What is to become of a page.
pub(super) enum Outcome {
    /// The file.
    Whole,
    /// The file and this line in the trailers.
    Trailer(&'static str),
    /// An error with these words: the server breaks a rule or its promise.
    Refused(&'static str),
}

impl Page {
    pub(super) const fn whole(path: &'static str) -> Self {
        Self { path, outcome: Outcome::Whole }
    }

    pub(super) const fn with_trailer(path: &'static str, line: &'static str) -> Self {
        Self { path, outcome: Outcome::Trailer(line) }
    }

    pub(super) const fn refused(path: &'static str, why: &'static str) -> Self {
        Self { path, outcome: Outcome::Refused(why) }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.outcome {
            Outcome::Whole => "",
            Outcome::Trailer(_) => ", with its trailer",
            Outcome::Refused(_) => " is refused",
        };
        write!(f, "{}{what}", self.path)
    }
}

/// Fetches a page in each of the three ways and compares what came with the file.
pub(super) fn check(shop: &Workshop, authority: &str, page: &Page) -> anyhow::Result<()> {
    for assembly in ["streamed", "segmented", "contiguous"] {
        let output = shop.scratch("fetched");
        let mut fetch = shop.example("fetch");
        fetch.arg(format!("http://{authority}/{}", page.path)).arg("--output").arg(&output);
        let fetched = process::run(fetch.args(["--assembly", assembly]), CASE_MAX)?;
        let said = fetched.stderr.trim_end();
        if let Outcome::Refused(why) = page.outcome {
            let is_refused = !fetched.is_success && said.contains(why);
            ensure!(is_refused, "{assembly}: not refused as {why}: {said}");
            continue;
        }
        ensure!(fetched.is_success, "{assembly}: {said}");
        let file = page.path.rsplit('/').next().unwrap_or_default();
        ensure!(std::fs::read(&output)? == shop.file(file)?, "{assembly}: not the file");
        if let Outcome::Trailer(line) = page.outcome {
            let has_trailer = said.to_ascii_lowercase().contains(&format!("trailer {line}"));
            ensure!(has_trailer, "{assembly}: no trailer {line}: {said}");
        }
    }
    Ok(())
}
