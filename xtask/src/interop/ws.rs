//! WebSocket: clients and a browser against our servers, our client against servers.

use core::time::Duration;
use std::process::Command;

use super::{
    cases::{Cases, Peer},
    process::{self, Server},
    workshop::{Workshop, installed},
};

/// How long all cases of one client may take.
const CLIENT_MAX: Duration = Duration::from_secs(100);

/// Our servers: the name of each in the table, its example and its options.
const OURS: &[(&str, &str, &[&str])] = &[
    ("echo", "echo_server", &[]),
    ("echo contiguous", "echo_server", &["--assembly", "contiguous"]),
    ("echo --deflate", "echo_server", &["--deflate"]),
    ("behind hyper", "hyper_server", &[]),
    ("chat", "chat", &[]),
];

/// What our client offers.
const OFFERS: &[&[&str]] =
    &[&[], &["--deflate"], &["--deflate", "--reset"], &["--deflate", "--window", "9"]];

/// Runs the suite.
pub(crate) fn run(shop: &Workshop, cases: &mut Cases) {
    let ours = match Ours::start(shop) {
        Ok(ours) => ours,
        Err(error) => return cases.run(&Peer::new("ours", "-"), "start", || Err(error)),
    };
    clients(shop, cases, &ours);
    chromium(shop, cases, &ours);
    server(shop, cases, "Python websockets", shop.python("ws/websockets_server.py"));
    server(shop, cases, "npm ws", shop.node("ws/ws_server.mjs"));
}

/// Our servers, started.
struct Ours(Vec<(&'static str, Server)>);

impl Ours {
    fn start(shop: &Workshop) -> anyhow::Result<Self> {
        let servers = OURS.iter().map(|&(name, example, options)| {
            let mut command = shop.example(example);
            let server = Server::start(command.arg("127.0.0.1:0").args(options), &shop.log(name))?;
            Ok((name, server))
        });
        Ok(Self(servers.collect::<anyhow::Result<_>>()?))
    }

    fn authority(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| *known == name);
        &found.expect("a name in OURS").1.authority
    }
}

/// Each client against each echo server.
fn clients(shop: &Workshop, cases: &mut Cases, ours: &Ours) {
    type Script = fn(&Workshop) -> Result<Command, String>;
    let scripts: [(&'static str, Script); 2] = [
        ("Python websockets", |shop| shop.python("ws/websockets_client.py")),
        ("npm ws", |shop| shop.node("ws/ws_client.mjs")),
    ];
    for (name, script) in scripts {
        for (server, started) in ours.0.iter().filter(|(server, _)| *server != "chat") {
            let mut script = match script(shop) {
                Ok(script) => script,
                Err(why) => {
                    cases.skip(name, why);
                    break;
                }
            };
            script.arg(&started.authority);
            if server.ends_with("--deflate") {
                script.arg("--deflate");
            }
            let said = process::run_well(&mut script, CLIENT_MAX);
            cases.note_script(&Peer::new(name, "-"), &format!("{server}: "), said);
        }
    }
}

/// Pages in a browser against the echo servers, and the chat page.
fn chromium(shop: &Workshop, cases: &mut Cases, ours: &Ours) {
    let script = installed("chromium").and_then(|chromium| {
        let mut script = shop.node("ws/chromium.mjs")?;
        script.arg(chromium).arg(shop.scratch(""));
        Ok(script)
    });
    let mut script = match script {
        Ok(script) => script,
        Err(why) => return cases.skip("Chromium", why),
    };
    for name in ["echo", "echo --deflate", "chat"] {
        script.arg(ours.authority(name));
    }
    let said = process::run_well(&mut script, CLIENT_MAX);
    cases.note_script(&Peer::new("Chromium", "-"), "", said);
}

/// Our client against a server that is a script.
fn server(shop: &Workshop, cases: &mut Cases, name: &'static str, script: Result<Command, String>) {
    let mut script = match script {
        Ok(script) => script,
        Err(why) => return cases.skip(name, why),
    };
    let server = match Server::start(&mut script, &shop.log(name)) {
        Ok(server) => server,
        Err(error) => return cases.run(&Peer::new(name, "-"), "starts", || Err(error)),
    };
    let peer = Peer::new(name, &*server.version);
    for options in OFFERS {
        let mut exercise = shop.example("exercise");
        let said = process::run(exercise.arg(&server.authority).args(*options), CLIENT_MAX);
        let prefix = format!("{}: ", ["exercise", &options.join(" ")].join(" ").trim_end());
        // It fails when a case does, and says so in lines.
        cases.note_script(&peer, &prefix, said.map(|said| said.stdout));
    }
}
