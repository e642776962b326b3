//! WebSocket: clients and a browser against our servers, our client against servers.

use super::peers::{Server, Workshop, note_script};
use crate::{steps::Steps, workspace::installed};

/// Our servers: the name of each in the table, its example and its options.
const OURS: &[(&str, &str, &[&str])] = &[
    ("echo", "echo_server", &[]),
    ("echo contiguous", "echo_server", &["--assembly", "contiguous"]),
    ("echo --deflate", "echo_server", &["--deflate"]),
    ("behind hyper", "hyper_server", &[]),
    ("chat", "chat", &[]),
];

const CLIENTS: &[(&str, &str)] =
    &[("Python websockets", "ws/websockets_client.py"), ("npm ws", "ws/ws_client.mjs")];

const SERVERS: &[(&str, &str)] =
    &[("Python websockets", "ws/websockets_server.py"), ("npm ws", "ws/ws_server.mjs")];

const BROWSER: (&str, &str, &[&str]) = ("Chromium", "ws/chromium.mjs", &["chromium"]);

/// What our client offers.
const OFFERS: &[&[&str]] =
    &[&[], &["--deflate"], &["--deflate", "--reset"], &["--deflate", "--window", "9"]];

/// Returns each peer that cannot be talked to, and why.
pub(super) fn missing(shop: &Workshop) -> Vec<(&'static str, String)> {
    let scripts = CLIENTS.iter().chain(SERVERS).map(|&(name, script)| (name, script, &[][..]));
    let why = |(name, script, programs)| Some((name, shop.script(script, programs).err()?));
    scripts.chain([BROWSER]).filter_map(why).collect()
}

/// Runs the suite.
pub(super) fn run(shop: &Workshop, steps: &mut Steps) {
    let started = OURS.iter().map(|&(name, example, options)| {
        let mut command = shop.example(example);
        Ok((name, shop.start(name, command.arg("127.0.0.1:0").args(options))?))
    });
    let ours: Vec<(&str, Server)> = match started.collect::<anyhow::Result<_>>() {
        Ok(ours) => ours,
        Err(error) => return steps.run("our servers start", || Err(error)),
    };
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
    if let (Ok(mut script), Ok(program)) = (shop.script(script, programs), installed(programs[0])) {
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
        let server = match shop.start(name, &mut script) {
            Ok(server) => server,
            Err(error) => return steps.run(format!("{name} starts"), || Err(error)),
        };
        for options in OFFERS {
            let mut exercise = shop.example("exercise");
            exercise.arg(&server.authority).args(*options);
            let prefix = format!("{}: ", [&["exercise"], *options].concat().join(" "));
            note_script(steps, &format!("{name} {}", server.version), &prefix, &exercise);
        }
    }
}
