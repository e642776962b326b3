//! `cargo xtask autobahn [--cases GLOBS]`: the Autobahn test suite against our server and our client.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use xshell::{Shell, cmd};

use crate::{
    child::{need, shell},
    interop::peers::{Server, Workshop, ending_with_us, last_line, output_within},
    layer::Layer,
    steps::{NotHere, Steps},
    workspace::root,
};

/// The suite, from PyPI; it runs under Python 2.7 only.
const SUITE: &str = "autobahntestsuite==25.10.1";

/// What `ci` runs: framing, pings, reserved bits, opcodes, fragments, some UTF-8, closing, and a
/// first look at compression.
pub(crate) const QUICK: &str = "1.*,2.*,3.*,4.*,5.*,6.1.*,6.2.*,6.3.*,7.1.*,10.*,12.1.1,13.1.1";

/// Everything.
pub(crate) const ALL: &str = "*";

/// What a case ends with, where that is not `OK`.
const EXPECTED: &str = "interop/autobahn.txt";

/// How long a whole run may take, in seconds.
const RUN_SECONDS: u32 = 3600;

/// What each case ended with: behaviour and how it closed.
type Outcomes = BTreeMap<String, String>;

struct Suite {
    python: PathBuf,
    folder: PathBuf,
    shop: Workshop,
}

/// Runs cases against our server and our client in both assemblies: a step each.
pub(crate) fn check(steps: &mut Steps, cases: &str) {
    let mut suite = None;
    let get = || {
        suite = Some(Suite::install()?);
        "ws".parse::<Layer>().map_err(anyhow::Error::msg).and_then(Workshop::build_examples)?;
        Ok(SUITE.to_owned())
    };
    let (true, Some(suite)) = (steps.run("autobahn: suite and examples", get), suite) else {
        return;
    };
    for way in ["segmented", "contiguous"] {
        steps.run(format!("autobahn: server, {way}"), || suite.ask_server(way, cases));
        steps.run(format!("autobahn: client, {way}"), || suite.ask_client(way, cases));
    }
}

/// Finds a Python 2.7: pyenv's or the system's.
fn python(shell: &Shell) -> Result<PathBuf, NotHere> {
    let pyenv = cmd!(shell, "pyenv root").quiet().ignore_stderr().read().unwrap_or_default();
    let versions = shell.read_dir(Path::new(&pyenv).join("versions")).unwrap_or_default();
    let old = versions.iter().find(|path| path.to_string_lossy().contains("/2.7"));
    let found = old.map(|version| version.join("bin/python"));
    found.map_or_else(|| need("python2.7", "pyenv install 2.7.18"), Ok)
}

impl Suite {
    fn install() -> anyhow::Result<Self> {
        need("setpriv", "apt-get install util-linux")?;
        let (shell, shop) = (shell(), Workshop::new()?);
        let (python, folder) = (python(&shell)?, shop.scratch("autobahn"));
        let packages = folder.join("packages");
        if !packages.join("autobahntestsuite").is_dir() {
            eprintln!("installing {SUITE} into {}, which takes a minute", packages.display());
            let quiet = ["--quiet", "--disable-pip-version-check"];
            let install =
                cmd!(shell, "{python} -m pip install {quiet...} --target {packages} {SUITE}");
            install.ignore_stderr().run().with_context(|| format!("cannot install {SUITE}"))?;
        }
        Ok(Self { python, folder, shop })
    }

    /// `wstest`, whose packages lie in a folder of ours.
    fn command(&self, mode: &str, name: &str, mut spec: Value) -> anyhow::Result<Command> {
        let out = self.folder.join(name);
        fs::create_dir_all(&out)?;
        spec["outdir"] = json!(out);
        let path = self.folder.join(format!("{name}.json"));
        fs::write(&path, spec.to_string())?;
        let start = format!(
            "import site; site.addsitedir({:?}); from autobahntestsuite import wstest; wstest.run()",
            self.folder.join("packages")
        );
        let mut command = ending_with_us(&self.python);
        // A port of 0 is no page about the suite.
        command.args(["-c", &start, "-m", mode, "-u", "0", "-s"]).arg(path);
        Ok(command)
    }

    fn ask_server(&self, assembly: &str, cases: &str) -> anyhow::Result<String> {
        let mut server = self.shop.example("echo_server");
        server.args(["127.0.0.1:0", "--deflate", "--assembly", assembly]);
        let server = self.shop.start(&format!("autobahn-{assembly}"), &mut server)?;
        let name = format!("server-{assembly}");
        let url = format!("ws://{}", server.authority);
        let spec = json!({
            "servers": [{ "agent": "peer", "url": url }], "cases": globs(cases),
            "exclude-cases": [], "exclude-agent-cases": {},
        });
        let said = output_within(&self.command("fuzzingclient", &name, spec)?, RUN_SECONDS)?;
        ensure!(said.status.success(), "wstest: {}", last_line(&said.stderr));
        self.judge("server", &name)
    }

    fn ask_client(&self, assembly: &str, cases: &str) -> anyhow::Result<String> {
        let name = format!("client-{assembly}");
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let spec = json!({
            "url": format!("ws://{address}"), "cases": globs(cases),
            "exclude-cases": [], "exclude-agent-cases": {},
        });
        let _server = Server::at(address, &mut self.command("fuzzingserver", &name, spec)?)?;
        let mut client = self.shop.example("autobahn_client");
        client.arg(address.to_string()).args(["--assembly", assembly]);
        let said = output_within(&client, RUN_SECONDS)?;
        ensure!(said.status.success(), "autobahn_client: {}", last_line(&said.stderr));
        self.judge("client", &name)
    }

    /// Compares the report of a run with what is expected.
    fn judge(&self, side: &str, name: &str) -> anyhow::Result<String> {
        let index = self.folder.join(name).join("index.json");
        let index = fs::read_to_string(&index).with_context(|| format!("no {index:?}"))?;
        let found = outcomes(&index).context("the suite's report is broken")?;
        let expected = fs::read_to_string(root().join(EXPECTED)).context(EXPECTED)?;
        compare(side, &found, &expected)
    }
}

fn globs(cases: &str) -> Vec<&str> {
    cases.split(',').collect()
}

fn outcomes(index: &str) -> anyhow::Result<Outcomes> {
    let index: Value = serde_json::from_str(index)?;
    let cases = index["peer"].as_object().context("no peer")?;
    let text = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let outcome = |case: &Value| match (text(&case["behavior"]), text(&case["behaviorClose"])) {
        (behaviour, close) if close == "OK" || close == behaviour => behaviour,
        (behaviour, close) => format!("{behaviour}, close {close}"),
    };
    Ok(cases.iter().map(|(name, case)| (name.clone(), outcome(case))).collect())
}

/// Fails when a case ended neither well nor as the list says: lines of `SIDE CASE OUTCOME`.
fn compare(side: &str, found: &Outcomes, list: &str) -> anyhow::Result<String> {
    ensure!(!found.is_empty(), "no case ran");
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let expected: BTreeMap<&str, &str> = lines
        .filter_map(|line| line.strip_prefix(side)?.strip_prefix(' ')?.split_once(' '))
        .collect();
    let expected_of = |case: &str| expected.get(case).copied().unwrap_or("OK");
    // What became right fails nothing; its line may go.
    let differing =
        found.iter().filter(|(case, outcome)| *outcome != "OK" && expected_of(case) != *outcome);
    let differing: Vec<_> =
        differing.map(|(case, outcome)| format!("{side} {case} {outcome}")).collect();
    ensure!(differing.is_empty(), "not as {EXPECTED} says: {}", differing.join("; "));
    let ok = found.values().filter(|outcome| *outcome == "OK").count();
    Ok(format!("{} cases, {ok} OK, the others as expected", found.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_ends_otherwise_is_found() {
        let index = r#"{"peer": {
            "1.1": {"behavior": "OK", "behaviorClose": "OK"},
            "3.2": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
            "7.1": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"},
            "9.1": {"behavior": "OK", "behaviorClose": "WRONG CODE"}}}"#;
        let found = outcomes(index).expect("a report");
        let list = "# words\nserver 3.2 NON-STRICT\nserver 7.1 INFORMATIONAL\nclient 1.1 FAILED\n";
        let error = compare("server", &found, list).expect_err("a wrong code").to_string();
        assert!(error.ends_with("says: server 9.1 OK, close WRONG CODE"), "{error}");
        let list = format!("{list}server 9.1 OK, close WRONG CODE\n");
        let said = compare("server", &found, &list).expect("as expected");
        assert_eq!(said, "4 cases, 1 OK, the others as expected");
        let right = Outcomes::from([("3.2".to_owned(), "OK".to_owned())]);
        assert!(compare("server", &right, &list).is_ok());
        assert!(compare("server", &Outcomes::new(), &list).is_err());
    }
}
