//! HTTP: `fetch` against servers, clients against `serve`, and gzip files.

mod curl;
mod fetch;
mod gzip_files;
mod nginx;

use core::time::Duration;
use std::process::Command;

use super::{
    cases::{Cases, Peer},
    process::{self, Server},
    workshop::Workshop,
};
use fetch::Page;

/// How long one run of a client may take.
const CASE_MAX: Duration = Duration::from_secs(60);

/// Runs the suite.
pub(crate) fn run(shop: &Workshop, cases: &mut Cases) {
    let ours =
        Server::start(shop.example("serve").arg(shop.files()).args(LISTEN), &shop.log("serve"));
    let ours = match ours {
        Ok(ours) => ours,
        Err(error) => {
            cases.run(&Peer::new("serve", "-"), "starts", || Err(error));
            return;
        }
    };
    script_server(shop, cases, "Python http.server", shop.python("http/stdlib_server.py"), STDLIB);
    script_server(shop, cases, "aiohttp", shop.python("http/aiohttp_server.py"), AIOHTTP);
    script_server(shop, cases, "Node.js", shop.node("http/node_server.mjs"), NODE);
    nginx::run(shop, cases, &ours);
    hyper(shop, cases);
    curl::run(shop, cases, &ours);
    script_client(shop, cases, &ours, "Python http.client", shop.python("http/stdlib_client.py"));
    script_client(shop, cases, &ours, "aiohttp", shop.python("http/aiohttp_client.py"));
    script_client(shop, cases, &ours, "Node.js", shop.node("http/node_client.mjs"));
    gzip_files::run(shop, cases);
}

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// What `interop/http/stdlib_server.py` serves.
const STDLIB: &[Page] = &[
    Page::whole("chunked/large.txt"),
    Page::whole("chunked/noise.bin"),
    Page::whole("chunked/empty.txt"),
    Page::whole("bytes/small.txt"),
    Page::whole("extensions/small.txt"),
    Page::with_trailer("trailers/medium.txt", "x-body-length: 1048576"),
    Page::whole("length/noise.bin"),
    Page::whole("close/medium.txt"),
    Page::whole("gzip/large.txt"),
    Page::whole("gzip/noise.bin"),
    Page::whole("gzip/empty.txt"),
    Page::whole("members/medium.txt"),
    Page::whole("zlib/medium.txt"),
    Page::whole("raw/medium.txt"),
    Page::whole("twice/medium.txt"),
    Page::whole("interim/small.txt"),
    Page::refused("cut/medium.txt", "ended early"),
    Page::refused("short/medium.txt", "ended early"),
    Page::refused("bad-size/medium.txt", "not hexadecimal"),
    Page::refused("bad-crc/medium.txt", "checksum"),
    Page::refused("cut-gzip/medium.txt", "truncated"),
    Page::refused("both/medium.txt", "both content length"),
];

const AIOHTTP: &[Page] = &[
    Page::whole("chunked/large.txt"),
    Page::whole("gzip/large.txt"),
    Page::whole("gzip/noise.bin"),
    Page::whole("gzip/empty.txt"),
    Page::whole("deflate/medium.txt"),
];

const NODE: &[Page] = &[
    Page::whole("chunked/large.txt"),
    Page::whole("gzip/large.txt"),
    Page::whole("deflate/medium.txt"),
    Page::with_trailer("trailers/medium.txt", "x-body-length: 1048576"),
    Page::whole("interim/medium.txt"),
];

/// Fetches the pages of a server that is a script.
fn script_server(
    shop: &Workshop,
    cases: &mut Cases,
    name: &'static str,
    script: Result<Command, String>,
    pages: &[Page],
) {
    let mut script = match script {
        Ok(script) => script,
        Err(why) => return cases.skip(name, why),
    };
    match Server::start(script.arg(shop.files()), &shop.log(name)) {
        Ok(server) => {
            let peer = Peer::new(name, &*server.version);
            for page in pages {
                cases.run(&peer, format!("fetch {page}"), || {
                    fetch::check(shop, &server.authority, page)
                });
            }
        }
        Err(error) => cases.run(&Peer::new(name, "-"), "starts", || Err(error)),
    }
}

/// Lets a client that is a script ask `serve`.
fn script_client(
    shop: &Workshop,
    cases: &mut Cases,
    ours: &Server,
    name: &'static str,
    script: Result<Command, String>,
) {
    let mut script = match script {
        Ok(script) => script,
        Err(why) => return cases.skip(name, why),
    };
    let script = script.arg(format!("http://{}", ours.authority)).arg(shop.files());
    let said = process::run_well(script, CASE_MAX);
    cases.note_script(&Peer::new(name, "-"), "serve: ", said);
}

/// hyper is a crate, so the example is both ends.
fn hyper(shop: &Workshop, cases: &mut Cases) {
    cases.run(&Peer::new("hyper", "1"), "both ends with our bodies", || {
        let said = process::run_well(&mut shop.example("hyper_body"), CASE_MAX)?;
        let said = String::from_utf8_lossy(&said);
        let is_right = said.starts_with("200 OK: 1120000 bytes") && said.contains("x-lines");
        anyhow::ensure!(is_right, "it said {said}");
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_asked_for_twice() {
        for pages in [STDLIB, AIOHTTP, NODE] {
            let mut paths: Vec<_> = pages.iter().map(|page| page.path).collect();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), pages.len());
        }
        assert!(STDLIB.iter().any(|page| matches!(page.outcome, fetch::Outcome::Refused(_))));
    }
}
