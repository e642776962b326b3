//! HTTP: `fetch` against servers, clients against `serve`, and gzip files.

use std::fs;

use anyhow::ensure;

use super::peers::{Server, Workshop, note_script, output};
use crate::steps::Steps;

/// Someone else's server, and what it serves: paths whose last part is the file that is to arrive.
struct Peer {
    name: &'static str,
    script: &'static str,
    /// What else has to be installed.
    programs: &'static [&'static str],
    whole: &'static [&'static str],
    /// With this line in the trailers.
    trailers: &'static [(&'static str, &'static str)],
    /// With an error of these words: the server breaks a rule or its promise.
    refused: &'static [(&'static str, &'static str)],
}

const SERVERS: [Peer; 4] = [
    Peer {
        name: "Python http.server",
        script: "http/stdlib_server.py",
        programs: &[],
        whole: &[
            "chunked/large.txt",
            "chunked/noise.bin",
            "chunked/empty.txt",
            "bytes/small.txt",
            "extensions/small.txt",
            "length/noise.bin",
            "close/medium.txt",
            "gzip/large.txt",
            "gzip/noise.bin",
            "gzip/empty.txt",
            "members/medium.txt",
            "zlib/medium.txt",
            "raw/medium.txt",
            "twice/medium.txt",
            "interim/small.txt",
        ],
        trailers: &[("trailers/medium.txt", "x-body-length: 1048576")],
        refused: &[
            ("cut/medium.txt", "ended early"),
            ("short/medium.txt", "ended early"),
            ("bad-size/medium.txt", "not hexadecimal"),
            ("bad-crc/medium.txt", "checksum"),
            ("cut-gzip/medium.txt", "truncated"),
            ("both/medium.txt", "both content length"),
        ],
    },
    Peer {
        name: "aiohttp",
        script: "http/aiohttp_server.py",
        programs: &[],
        whole: &[
            "chunked/large.txt",
            "gzip/large.txt",
            "gzip/noise.bin",
            "gzip/empty.txt",
            "deflate/medium.txt",
        ],
        trailers: &[],
        refused: &[],
    },
    Peer {
        name: "Node.js",
        script: "http/node_server.mjs",
        programs: &[],
        whole: &["chunked/large.txt", "gzip/large.txt", "deflate/medium.txt", "interim/medium.txt"],
        trailers: &[("trailers/medium.txt", "x-body-length: 1048576")],
        refused: &[],
    },
    // Paths as `interop/http/nginx.conf` knows them.
    Peer {
        name: "nginx",
        script: "http/nginx_server.py",
        programs: &["nginx"],
        whole: &[
            "gzip/large.txt",
            "gzip/noise.bin",
            "gzip/small.txt",
            "gzip/empty.txt",
            "plain/large.txt",
            "proxy/large.txt",
            "proxy/empty.txt",
            "proxy-gzip/large.txt",
            "proxy-gunzip/large.txt",
            "proxy-then-gzip/large.txt",
        ],
        trailers: &[("trailers/large.txt", "x-served-by: nginx")],
        refused: &[],
    },
];

/// Clients: name, script, what else has to be installed.
const CLIENTS: [(&str, &str, &[&str]); 4] = [
    ("curl", "http/curl_client.py", &["curl"]),
    ("Python http.client", "http/stdlib_client.py", &[]),
    ("aiohttp", "http/aiohttp_client.py", &[]),
    ("Node.js", "http/node_client.mjs", &[]),
];

const GZIP: (&str, &str, &[&str]) = ("gzip", "http/gzip_files.py", &["gzip"]);

/// Returns each peer that cannot be talked to, and why.
pub(super) fn missing(shop: &Workshop) -> Vec<(&'static str, String)> {
    let servers = SERVERS.iter().map(|peer| (peer.name, peer.script, peer.programs));
    let why = |(name, script, programs)| Some((name, shop.script(script, programs).err()?));
    servers.chain(CLIENTS).chain([GZIP]).filter_map(why).collect()
}

/// Runs the suite.
pub(super) fn run(shop: &Workshop, steps: &mut Steps) {
    let mut serve = shop.example("serve");
    serve.arg(shop.files()).args(["--listen", "127.0.0.1:0"]);
    let Some(ours) = shop.started(steps, "serve", &mut serve) else { return };
    for peer in &SERVERS {
        let Ok(mut script) = shop.script(peer.script, peer.programs) else { continue };
        script.arg(shop.files()).arg(&ours.authority).arg(shop.scratch(""));
        let Some(server) = shop.started(steps, peer.name, &mut script) else { continue };
        let mut step = |path, what: &str, [trailer, refused]: [Option<&str>; 2]| {
            let name = format!("{} {}: fetch {path}{what}", peer.name, server.version);
            steps.run(name, || fetch(shop, &server, path, trailer, refused));
        };
        peer.whole.iter().for_each(|path| step(path, "", [None, None]));
        for (path, line) in peer.trailers {
            step(path, ", with its trailer", [Some(line), None]);
        }
        for (path, why) in peer.refused {
            step(path, " is refused", [None, Some(why)]);
        }
    }
    for (name, script, programs) in CLIENTS {
        let Ok(mut script) = shop.script(script, programs) else { continue };
        script.arg(format!("http://{}", ours.authority)).arg(shop.files());
        note_script(steps, name, "serve: ", &script);
    }
    let (name, script, programs) = GZIP;
    if let Ok(mut script) = shop.script(script, programs) {
        script.arg(shop.example("gunzip").get_args().last().unwrap_or_default()).arg(shop.files());
        note_script(steps, name, "gunzip: ", &script);
    }
    // hyper is a crate, so the example is both ends.
    steps.run("hyper: both ends with our bodies", || {
        let said = output(&shop.example("hyper_body"))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let is_right = said.starts_with("200 OK: 1120000 bytes") && said.contains("x-lines");
        ensure!(is_right, "it said {said}");
        Ok(String::new())
    });
}

/// Fetches a page in each of the three ways and compares what came with the file.
fn fetch(
    shop: &Workshop,
    server: &Server,
    path: &str,
    trailer: Option<&str>,
    refused: Option<&str>,
) -> anyhow::Result<String> {
    for assembly in ["streamed", "segmented", "contiguous"] {
        let fetched = shop.scratch("fetched");
        let mut fetch = shop.example("fetch");
        fetch.arg(format!("http://{}/{path}", server.authority)).arg("--output").arg(&fetched);
        let ran = output(fetch.args(["--assembly", assembly]))?;
        let said = String::from_utf8_lossy(&ran.stderr).trim_end().to_ascii_lowercase();
        if let Some(why) = refused {
            let is_refused = !ran.status.success() && said.contains(why);
            ensure!(is_refused, "{assembly}: not refused as {why}: {said}");
            continue;
        }
        ensure!(ran.status.success(), "{assembly}: {said}");
        let file = path.rsplit('/').next().unwrap_or_default();
        ensure!(
            fs::read(&fetched)? == fs::read(shop.files().join(file))?,
            "{assembly}: not the file"
        );
        if let Some(line) = trailer {
            let has_trailer = said.contains(&format!("trailer {line}"));
            ensure!(has_trailer, "{assembly}: no trailer {line}: {said}");
        }
    }
    Ok(String::new())
}
