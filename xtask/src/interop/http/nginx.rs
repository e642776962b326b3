//! nginx as a server that compresses while it sends, and as a proxy in front of `serve`.

use core::time::Duration;
use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    thread,
    time::Instant,
};

use anyhow::{Context, bail, ensure};

use super::{
    CASE_MAX, Cases, Peer, Server, Workshop,
    fetch::{self, Page},
    process,
};
use crate::{
    interop::workshop::{installed, version_of},
    workspace,
};

/// Paths as `interop/http/nginx.conf` knows them.
const PAGES: &[Page] = &[
    Page::whole("gzip/large.txt"),
    Page::whole("gzip/noise.bin"),
    Page::whole("gzip/small.txt"),
    Page::whole("gzip/empty.txt"),
    Page::whole("plain/large.txt"),
    Page::with_trailer("trailers/large.txt", "x-served-by: nginx"),
    Page::whole("proxy/large.txt"),
    Page::whole("proxy/empty.txt"),
    Page::whole("proxy-gzip/large.txt"),
    Page::whole("proxy-gunzip/large.txt"),
    Page::whole("proxy-then-gzip/large.txt"),
];

/// How long it may take to listen.
const START_MAX: Duration = Duration::from_secs(10);

pub(super) fn run(shop: &Workshop, cases: &mut Cases, ours: &Server) {
    let nginx = match installed("nginx") {
        Ok(nginx) => nginx,
        Err(why) => return cases.skip("nginx", why),
    };
    let peer = Peer::new("nginx", version_of(&nginx, "-v"));
    let server = match start(&nginx, shop, ours) {
        Ok(server) => server,
        Err(error) => return cases.run(&peer, "starts", || Err(error)),
    };
    for page in PAGES {
        cases.run(&peer, format!("fetch {page}"), || fetch::check(shop, &server.authority, page));
    }
    let head = |path: &str| head_of(&server.authority, path);
    cases.run(&peer, "what it compresses is chunked and gzip", || {
        for path in ["gzip/large.txt", "proxy-then-gzip/large.txt"] {
            let head = head(path)?;
            let is_both = head.contains("transfer-encoding: chunked")
                && head.contains("content-encoding: gzip");
            ensure!(is_both, "{path}: {head}");
        }
        Ok(())
    });
}

/// Starts nginx in the foreground, as one process, at a port that is free.
fn start(nginx: &Path, shop: &Workshop, ours: &Server) -> anyhow::Result<Server> {
    let template = fs::read_to_string(workspace::root().join("interop/http/nginx.conf"))?;
    let folder = shop.scratch("nginx");
    fs::create_dir_all(&folder)?;
    // nginx does not choose a port. Somebody else may take a free one first: then the next is tried.
    for _ in 0..5 {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = template
            .replace("@listen@", &address.to_string())
            .replace("@upstream@", &ours.authority)
            .replace("@files@", &shop.files().to_string_lossy());
        fs::write(folder.join("nginx.conf"), config)?;
        let mut command = process::command(nginx);
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "stderr"]);
        command.stdout(Stdio::null()).stderr(fs::File::create(shop.log("nginx"))?);
        let server = Server::at(address.to_string(), command.spawn().context("cannot start")?);
        let start = Instant::now();
        while start.elapsed() < START_MAX {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    bail!("does not listen: {}", fs::read_to_string(shop.log("nginx"))?)
}

/// Asks with curl for the head of a compressed page, in lower case.
fn head_of(authority: &str, path: &str) -> anyhow::Result<String> {
    let mut curl = process::command(installed("curl").map_err(anyhow::Error::msg)?);
    curl.args(["-s", "-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: gzip"]);
    let head = process::run_well(curl.arg(format!("http://{authority}/{path}")), CASE_MAX)?;
    Ok(String::from_utf8_lossy(&head).to_ascii_lowercase())
}
