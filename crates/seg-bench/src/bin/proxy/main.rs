//! HTTP proxies side by side, each in a process of its own: the example of http-chunked and one made of hyper, before an
//! origin of hyper, for a client of hyper.
//!
//! `cargo run --release --package seg-bench --features proxy --bin proxy [-- MEBIBYTES [STALLED [ROUNDS]]]`
//!
//! A body goes through each of them down, up and both ways, and then some downloads are left unread. Shown is what the proxy took,
//! the median of all rounds: processor time, reads and writes of sockets, and resident memory: at most, and how much of that was added
//! since it started, as 3.4 MiB are the program and its libraries. Linux tells these.

mod child;
mod client;
mod counted;
mod hyper_proxy;
mod origin;
#[expect(dead_code, reason = "its main serves for ever")]
#[path = "../../../../http-chunked/examples/proxy.rs"]
mod our_proxy;

use std::{env, sync::Arc};

use anyhow::Context as _;

use self::{
    child::{Child, Usage},
    counted::Counted,
};

/// What goes through the proxies.
#[derive(Clone, Copy)]
enum Traffic {
    Down,
    Up,
    Echo,
    /// So many downloads that nobody reads.
    Stalled(usize),
}

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["origin"] => child::serve(|socket| async move { origin::serve(socket).await }),
        ["ours", port] => {
            let pool = |bytes_max| seg_pool::Pool::builder().bytes_max(bytes_max).build();
            let pools = our_proxy::Pools { received: pool(256 << 20), sent: pool(64 << 20) };
            let (pools, port) = (Arc::new(pools), port.parse()?);
            child::serve(move |client| {
                let pools = pools.clone();
                async move {
                    let upstream = child::connect(port).await?;
                    let (client, upstream) = (client.into_split(), upstream.into_split());
                    let read_vectored = Counted::try_read_vectored;
                    Ok(our_proxy::serve(client, upstream, read_vectored, &pools).await?)
                }
            })
        }
        ["hyper", port] => {
            let port = port.parse()?;
            child::serve(move |client| async move {
                hyper_proxy::serve(client, child::connect(port).await?).await
            })
        }
        numbers => {
            let mut numbers = numbers.iter().map(|number| number.parse::<u64>());
            let mut number = || {
                numbers.next().transpose().context("usage: proxy [MEBIBYTES [STALLED [ROUNDS]]]")
            };
            let bytes = number()?.unwrap_or(1 << 10) << 20;
            let stalled = usize::try_from(number()?.unwrap_or(300))?;
            compare(bytes, stalled, number()?.unwrap_or(1))
        }
    }
}

fn compare(bytes: u64, stalled: usize, rounds: u64) -> anyhow::Result<()> {
    println!("{bytes} bytes a body, {rounds} rounds");
    println!("                  cpu ns/byte      reads     writes   peak KiB  added KiB");
    for (name, traffic) in [
        ("down", Traffic::Down),
        ("up", Traffic::Up),
        ("echo", Traffic::Echo),
        ("stalled", Traffic::Stalled(stalled)),
    ] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(measure("ours", traffic, bytes)?);
            theirs.push(measure("hyper", traffic, bytes)?);
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        for (proxy, usage) in [("ours", ours), ("hyper", theirs)] {
            println!(
                "{name:<8} {proxy:<6} {:>13.4} {:>10} {:>10} {:>10} {:>10}",
                usage.cpu_ns as f64 / bytes as f64,
                usage.reads,
                usage.writes,
                usage.peak_kib,
                usage.added_kib
            );
        }
        let ratio = |ours: u64, theirs: u64| ours as f64 / theirs.max(1) as f64;
        println!(
            "{name:<8} ratio  {:>13.2} {:>10.2} {:>10.2} {:>10.2} {:>10.2}",
            ratio(ours.cpu_ns, theirs.cpu_ns),
            ratio(ours.reads, theirs.reads),
            ratio(ours.writes, theirs.writes),
            ratio(ours.peak_kib, theirs.peak_kib),
            ratio(ours.added_kib, theirs.added_kib)
        );
    }
    Ok(())
}

/// Returns the median of each figure.
fn median(rounds: &[Usage]) -> Usage {
    let median = |figure: fn(&Usage) -> u64| {
        let mut figures: Vec<_> = rounds.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Usage {
        cpu_ns: median(|usage| usage.cpu_ns),
        reads: median(|usage| usage.reads),
        writes: median(|usage| usage.writes),
        peak_kib: median(|usage| usage.peak_kib),
        added_kib: median(|usage| usage.added_kib),
    }
}

/// Sends traffic through a new proxy to a new origin, and returns what the proxy took.
fn measure(proxy: &str, traffic: Traffic, bytes: u64) -> anyhow::Result<Usage> {
    let origin = Child::start(&["origin"])?;
    let mut proxy = Child::start(&[proxy, &origin.port.to_string()])?;
    client::run(proxy.port, traffic, bytes)?;
    proxy.usage()
}
