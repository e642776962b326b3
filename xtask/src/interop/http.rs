//! HTTP: `fetch` against servers, clients against `serve`, and gzip files.

use core::fmt;
use std::fs;

use anyhow::ensure;

use super::peers::{Server, Workshop, note_script, output};
use crate::steps::Steps;

/// A server: its name, its script, what else has to be installed, what it serves.
type Peer = (&'static str, &'static str, &'static [&'static str], &'static [Page]);

const SERVERS: &[Peer] = &[
    ("Python http.server", "http/stdlib_server.py", &[], STDLIB),
    ("aiohttp", "http/aiohttp_server.py", &[], AIOHTTP),
    ("Node.js", "http/node_server.mjs", &[], NODE),
    ("nginx", "http/nginx_server.py", &["nginx"], NGINX),
];

/// Clients: name, script, what else has to be installed.
const CLIENTS: &[(&str, &str, &[&str])] = &[
    ("curl", "http/curl_client.py", &["curl"]),
    ("Python http.client", "http/stdlib_client.py", &[]),
    ("aiohttp", "http/aiohttp_client.py", &[]),
    ("Node.js", "http/node_client.mjs", &[]),
];

/// A path whose last part is the file that is to arrive, and what is to become of it.
struct Page(&'static str, Outcome);

enum Outcome {
    /// The file.
    Whole,
    /// The file and this line in the trailers.
    Trailer(&'static str),
    /// An error with these words: the server breaks a rule or its promise.
    Refused(&'static str),
}

use Outcome::{Refused, Trailer, Whole};

/// What `interop/http/stdlib_server.py` serves.
const STDLIB: &[Page] = &[
    Page("chunked/large.txt", Whole),
    Page("chunked/noise.bin", Whole),
    Page("chunked/empty.txt", Whole),
    Page("bytes/small.txt", Whole),
    Page("extensions/small.txt", Whole),
    Page("trailers/medium.txt", Trailer("x-body-length: 1048576")),
    Page("length/noise.bin", Whole),
    Page("close/medium.txt", Whole),
    Page("gzip/large.txt", Whole),
    Page("gzip/noise.bin", Whole),
    Page("gzip/empty.txt", Whole),
    Page("members/medium.txt", Whole),
    Page("zlib/medium.txt", Whole),
    Page("raw/medium.txt", Whole),
    Page("twice/medium.txt", Whole),
    Page("interim/small.txt", Whole),
    Page("cut/medium.txt", Refused("ended early")),
    Page("short/medium.txt", Refused("ended early")),
    Page("bad-size/medium.txt", Refused("not hexadecimal")),
    Page("bad-crc/medium.txt", Refused("checksum")),
    Page("cut-gzip/medium.txt", Refused("truncated")),
    Page("both/medium.txt", Refused("both content length")),
];

const AIOHTTP: &[Page] = &[
    Page("chunked/large.txt", Whole),
    Page("gzip/large.txt", Whole),
    Page("gzip/noise.bin", Whole),
    Page("gzip/empty.txt", Whole),
    Page("deflate/medium.txt", Whole),
];

const NODE: &[Page] = &[
    Page("chunked/large.txt", Whole),
    Page("gzip/large.txt", Whole),
    Page("deflate/medium.txt", Whole),
    Page("trailers/medium.txt", Trailer("x-body-length: 1048576")),
    Page("interim/medium.txt", Whole),
];

/// Paths as `interop/http/nginx.conf` knows them.
const NGINX: &[Page] = &[
    Page("gzip/large.txt", Whole),
    Page("gzip/noise.bin", Whole),
    Page("gzip/small.txt", Whole),
    Page("gzip/empty.txt", Whole),
    Page("plain/large.txt", Whole),
    Page("trailers/large.txt", Trailer("x-served-by: nginx")),
    Page("proxy/large.txt", Whole),
    Page("proxy/empty.txt", Whole),
    Page("proxy-gzip/large.txt", Whole),
    Page("proxy-gunzip/large.txt", Whole),
    Page("proxy-then-gzip/large.txt", Whole),
];

/// Returns each peer that cannot be talked to, and why.
pub(super) fn missing(shop: &Workshop) -> Vec<(&'static str, String)> {
    let servers = SERVERS.iter().map(|&(name, script, programs, _)| (name, script, programs));
    let all = servers.chain(CLIENTS.iter().copied()).chain([("gzip", GZIP_FILES, &["gzip"][..])]);
    let why = |(name, script, programs)| Some((name, shop.script(script, programs).err()?));
    all.filter_map(why).collect()
}

const GZIP_FILES: &str = "http/gzip_files.py";

/// Runs the suite.
pub(super) fn run(shop: &Workshop, steps: &mut Steps) {
    let mut serve = shop.example("serve");
    let ours = match shop.start("serve", serve.arg(shop.files()).args(["--listen", "127.0.0.1:0"]))
    {
        Ok(ours) => ours,
        Err(error) => return steps.run("serve starts", || Err(error)),
    };
    for (name, script, programs, pages) in SERVERS {
        let Ok(mut script) = shop.script(script, programs) else { continue };
        script.arg(shop.files()).arg(&ours.authority).arg(shop.scratch(""));
        match shop.start(name, &mut script) {
            Ok(server) => pages.iter().for_each(|page| {
                let step = format!("{name} {}: fetch {page}", server.version);
                steps.run(step, || fetch(shop, &server, page));
            }),
            Err(error) => steps.run(format!("{name} starts"), || Err(error)),
        }
    }
    for (name, script, programs) in CLIENTS {
        let Ok(mut script) = shop.script(script, programs) else { continue };
        script.arg(format!("http://{}", ours.authority)).arg(shop.files());
        note_script(steps, name, "serve: ", &script);
    }
    if let Ok(mut script) = shop.script(GZIP_FILES, &["gzip"]) {
        script.arg(shop.example("gunzip").get_args().last().unwrap_or_default()).arg(shop.files());
        note_script(steps, "gzip", "gunzip: ", &script);
    }
    // hyper is a crate, so the example is both ends.
    steps.run("hyper: both ends with our bodies", || {
        let said = output(&shop.example("hyper_body"))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let is_right = said.starts_with("200 OK: 1120000 bytes") && said.contains("x-lines");
        ensure!(is_right, "it said {said}");
        Ok(())
    });
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.1 {
            Whole => "",
            Trailer(_) => ", with its trailer",
            Refused(_) => " is refused",
        };
        write!(f, "{}{what}", self.0)
    }
}

/// Fetches a page in each of the three ways and compares what came with the file.
fn fetch(shop: &Workshop, server: &Server, Page(path, outcome): &Page) -> anyhow::Result<()> {
    for assembly in ["streamed", "segmented", "contiguous"] {
        let fetched = shop.scratch("fetched");
        let mut fetch = shop.example("fetch");
        fetch.arg(format!("http://{}/{path}", server.authority)).arg("--output").arg(&fetched);
        let ran = output(fetch.args(["--assembly", assembly]))?;
        let said = String::from_utf8_lossy(&ran.stderr).trim_end().to_ascii_lowercase();
        if let Refused(why) = outcome {
            let is_refused = !ran.status.success() && said.contains(why);
            ensure!(is_refused, "{assembly}: not refused as {why}: {said}");
            continue;
        }
        ensure!(ran.status.success(), "{assembly}: {said}");
        let file = path.rsplit('/').next().unwrap_or_default();
        ensure!(fs::read(&fetched)? == shop.file(file)?, "{assembly}: not the file");
        if let Trailer(line) = outcome {
            let has_trailer = said.contains(&format!("trailer {line}"));
            ensure!(has_trailer, "{assembly}: no trailer {line}: {said}");
        }
    }
    Ok(())
}
