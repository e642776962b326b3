//! curl asking `serve`.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, ensure};

use super::{CASE_MAX, Cases, Peer, Server, Workshop, process};
use crate::interop::workshop::{installed, version_of};

pub(super) fn run(shop: &Workshop, cases: &mut Cases, ours: &Server) {
    let curl = match installed("curl") {
        Ok(curl) => curl,
        Err(why) => return cases.skip("curl", why),
    };
    let peer = Peer::new("curl", version_of(&curl, "--version"));
    let asking = Asking { curl: &curl, shop, authority: &ours.authority };
    for name in ["large.txt", "noise.bin", "empty.txt"] {
        cases.run(&peer, format!("serve: chunked {name}"), || asking.gets(name, &[]));
        cases.run(&peer, format!("serve: gzip {name}"), || asking.gets(name, &["--compressed"]));
    }
    cases.run(&peer, "serve: the chunks are what they say", || asking.raw());
    cases.run(&peer, "serve: trailers", || asking.trailers());
    cases.run(&peer, "serve: two requests on one connection", || asking.keep_alive());
    cases.run(&peer, "serve: HEAD, then GET on the same connection", || asking.head());
    cases.run(&peer, "serve: an unknown file, then a known one", || asking.not_found());
    cases.run(&peer, "serve: chunked upload after 100 Continue", || asking.upload(&[]));
    cases.run(&peer, "serve: chunked upload at once", || asking.upload(&["-H", "Expect:"]));
    cases.run(&peer, "serve: upload with a length", || {
        let file = format!("@{}", shop.files().join("noise.bin").display());
        let echoed = asking.ask(&["--data-binary", &file], &["upload"])?;
        ensure!(echoed == shop.file("noise.bin")?, "not what was sent");
        Ok(())
    });
}

struct Asking<'a> {
    curl: &'a Path,
    shop: &'a Workshop,
    authority: &'a str,
}

impl Asking<'_> {
    fn command(&self, options: &[&str], paths: &[&str]) -> Command {
        let mut curl = process::command(self.curl);
        curl.args(["-sS", "--max-time", "50"]).args(options);
        for path in paths {
            curl.arg(format!("http://{}/{path}", self.authority));
        }
        curl
    }

    fn ask(&self, options: &[&str], paths: &[&str]) -> anyhow::Result<Vec<u8>> {
        process::run_well(&mut self.command(options, paths), CASE_MAX)
    }

    fn ask_text(&self, options: &[&str], paths: &[&str]) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.ask(options, paths)?).into_owned())
    }

    fn gets(&self, name: &str, options: &[&str]) -> anyhow::Result<()> {
        let head = self.shop.scratch("head");
        let mut curl = self.command(options, &[name]);
        let body = process::run_well(curl.arg("-D").arg(&head), CASE_MAX)?;
        let head = fs::read_to_string(head)?;
        ensure!(head.contains("Transfer-Encoding: chunked"), "{head}");
        ensure!(head.contains("Content-Encoding: gzip") != options.is_empty(), "{head}");
        ensure!(body == self.shop.file(name)?, "not the file");
        Ok(())
    }

    /// Reads the framing of the body here, by a second and plainer hand.
    fn raw(&self) -> anyhow::Result<()> {
        let raw = self.ask(&["--raw"], &["large.txt"])?;
        let (mut rest, mut body) = (&raw[..], Vec::new());
        loop {
            let line = rest.windows(2).position(|two| two == b"\r\n").context("no line")?;
            let size = core::str::from_utf8(&rest[..line])?;
            let size = usize::from_str_radix(size, 16).with_context(|| format!("size {size}"))?;
            rest = &rest[line + 2..];
            let chunk = rest.get(..size + 2).context("a chunk is cut short")?;
            ensure!(chunk.ends_with(b"\r\n"), "no line end behind a chunk");
            rest = &rest[size + 2..];
            if size == 0 {
                break;
            }
            body.extend_from_slice(&chunk[..size]);
        }
        ensure!(rest.is_empty(), "{} bytes behind the last chunk", rest.len());
        ensure!(body == self.shop.file("large.txt")?, "not the file");
        Ok(())
    }

    fn trailers(&self) -> anyhow::Result<()> {
        let fields = ["-H", "TE: trailers", "-D", "-", "-o", "/dev/null"];
        let said = self.ask_text(&fields, &["medium.txt"])?;
        let trailers = said.split_once("\r\n\r\n").context("no head")?.1;
        ensure!(trailers.contains("X-Body-Length: 1048576"), "trailers {trailers:?}");
        Ok(())
    }

    fn keep_alive(&self) -> anyhow::Result<()> {
        let said =
            self.ask(&["--compressed", "-w", "%{num_connects}"], &["small.txt", "medium.txt"])?;
        let mut wanted = self.shop.file("small.txt")?;
        wanted.push(b'1');
        wanted.extend(self.shop.file("medium.txt")?);
        // The second found the first's connection open.
        wanted.push(b'0');
        ensure!(said == wanted, "not both files over one connection");
        Ok(())
    }

    fn head(&self) -> anyhow::Result<()> {
        let mut curl = self.command(&["-I", "-w", "%{http_code} "], &["large.txt"]);
        curl.args(["--next", "-sS", "--max-time", "50", "-o", "/dev/null"]);
        curl.args(["-w", "%{http_code} %{size_download} %{num_connects}"]);
        curl.arg(format!("http://{}/medium.txt", self.authority));
        let said = process::run_well(&mut curl, CASE_MAX)?;
        let said = String::from_utf8_lossy(&said);
        ensure!(said.ends_with("200 200 1048576 0"), "{said}");
        Ok(())
    }

    fn not_found(&self) -> anyhow::Result<()> {
        let options = [
            "--path-as-is",
            "-o",
            "/dev/null",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{num_connects} ",
        ];
        let said = self.ask_text(&options, &["../../etc/hostname", "small.txt"])?;
        ensure!(said == "404 1 200 0 ", "{said}");
        Ok(())
    }

    fn upload(&self, options: &[&str]) -> anyhow::Result<()> {
        let mut curl = self.command(&["-X", "POST", "-T", "-"], &["upload"]);
        curl.args(["-H", "Transfer-Encoding: chunked"]).args(options);
        curl.stdin(fs::File::open(self.shop.files().join("large.txt"))?);
        let echoed = process::run_well(&mut curl, CASE_MAX)?;
        ensure!(echoed == self.shop.file("large.txt")?, "not what was sent");
        Ok(())
    }
}
