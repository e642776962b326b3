//! WebSocket: clients and a browser against our servers, our client against servers.

use super::peers::{Server, Workshop, note_script};
use crate::{child::need, steps::Steps};

/// Our servers: the name of each in the table, its example and its options.
const OURS: [(&str, &str, &[&str]); 5] = [
    ("echo", "echo_server", &[]),
    ("echo contiguous", "echo_server", &["--assembly", "contiguous"]),
    ("echo --deflate", "echo_server", &["--deflate"]),
    ("hyper", "hyper_server", &[]),
    ("chat", "chat", &[]),
];

const CLIENTS: [(&str, &str); 2] =
    [("Python websockets", "ws/websockets_client.py"), ("npm ws", "ws/ws_client.mjs")];

const SERVERS: [(&str, &str); 2] =
    [("Python websockets", "ws/websockets_server.py"), ("npm ws", "ws/ws_server.mjs")];

const BROWSER: (&str, &str, &[&str]) = ("Chromium", "ws/chromium.mjs", &["chromium"]);

/// What our client offers.
const OFFERS: [&[&str]; 4] =
    [&[], &["--deflate"], &["--deflate", "--reset"], &["--deflate", "--window", "9"]];

/// Returns each peer that cannot be talked to, and why.
pub(super) fn missing(shop: &Workshop) -> Vec<(&'static str, String)> {
    let scripts = CLIENTS.into_iter().chain(SERVERS).map(|(name, script)| (name, script, &[][..]));
    let why = |(name, script, programs)| Some((name, shop.script(script, programs).err()?));
    scripts.chain([BROWSER]).filter_map(why).collect()
}

/// Runs the suite.
pub(super) fn run(shop: &Workshop, steps: &mut Steps) {
    let mut ours: Vec<(&str, Server)> = Vec::new();
    for (name, example, options) in OURS {
        let mut command = shop.example(example);
        let started = shop.started(steps, name, command.arg("127.0.0.1:0").args(options));
        ours.extend(started.map(|server| (name, server)));
    }
    for (name, script) in CLIENTS {
        for (server, started) in ours.iter().filter(|(server, _)| *server != "chat") {
            let Ok(mut script) = shop.script(script, &[]) else { continue };
            script.arg(&started.authority);
            if server.ends_with("--deflate") {
                script.arg("--deflate");
            }
            note_script(steps, name, &format!("{server}: "), &script);
        }
    }
    // Pages in a browser against the echo servers, and the chat page.
    let (name, script, programs) = BROWSER;
    if let (Ok(mut script), Ok(program)) = (shop.script(script, programs), need(programs[0], "")) {
        script.arg(program).arg(shop.scratch(""));
        let pages = ["echo", "echo --deflate", "chat"];
        script.args(pages.iter().filter_map(|page| {
            let found = ours.iter().find(|(name, _)| name == page);
            found.map(|(_, server)| &server.authority)
        }));
        note_script(steps, name, "", &script);
    }
    for (name, script) in SERVERS {
        let Ok(mut script) = shop.script(script, &[]) else { continue };
        let Some(server) = shop.started(steps, name, &mut script) else { continue };
        for options in OFFERS {
            let mut exercise = shop.example("exercise");
            exercise.arg(&server.authority).args(options);
            let prefix = format!("{}: ", [&["exercise"], options].concat().join(" "));
            note_script(steps, &format!("{name} {}", server.version), &prefix, &exercise);
        }
    }
}
