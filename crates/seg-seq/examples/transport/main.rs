//! Two peers send each other messages over UDP: batches of packets, encrypted where they lie, a batch
//! a system call.
//!
//! `cargo run --release --example transport -- [MIB] [--aes] [--lossy]`
//!
//! Each message is copied once, into batches of packets (`packet_batches`), which are encrypted in
//! place, sent by one call (`UDP_SEGMENT`) and kept until they are acknowledged. The other peer
//! receives up to 64 KiB of packets by one call (`UDP_GRO`), cuts them apart without a copy
//! (`DatagramBuf`), decrypts them where they lie and links their payload (`Reassembler`). What is lost
//! is sent again. The socket options are quinn-udp's, which also works where there are none.
//!
//! What a real transport has and this one does not: a handshake with keys, connection ids, congestion
//! control, pacing, and timeouts that follow the round trip.

#[path = "../../../seg-pool/tests/harness/counting.rs"]
mod counting;
#[path = "peer.rs"]
mod peer;

use core::{error::Error, net::SocketAddr};
use std::{collections::BTreeMap, env, net::UdpSocket, thread};

use aes_gcm::{Aes256Gcm, Key, KeyInit as _};
use seg_pool::{OutOfMemory, Pool};
use seg_seq::{SegmentedBuf, Sequence};
use sha2::{Digest as _, Sha256};

use peer::{Aead, Cipher, Faults, Link, Peer};

/// Ciphers take a hundred times as long where nothing is optimised.
const MESSAGE_BYTES: usize = if cfg!(test) { 128 << 10 } else { 1 << 20 };

/// The most memory of one peer, whatever it sends and receives.
const POOL_BYTES: usize = 16 << 20;

/// Receives in a row that find nothing, after which a peer that is done goes.
const LAST_SILENCES: u32 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let mebibytes = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(64);
    let cipher = if has("--aes") { aes_gcm } else { Cipher::chacha20_poly1305 };
    let reports = exchange(mebibytes, cipher, has("--lossy").then_some(50))?;
    println!("{mebibytes} MiB each way, every digest as it should be");
    println!(
        "peer  packets  again  refused  calls  calls/MiB  allocations  largest allocation  peak of the pool"
    );
    for (name, report) in ["a", "b"].iter().zip(reports) {
        let Report { counts: [calls, packets, again, refused], allocations, largest, peak } =
            report;
        println!(
            "{name:4}  {packets:7}  {again:5}  {refused:7}  {calls:5}  {:9.1}  {allocations:11}  \
             {largest:16} B  {peak:14} B",
            calls as f64 / mebibytes as f64,
        );
    }
    Ok(())
}

fn aes_gcm() -> Box<dyn Aead> {
    Box::new(Aes256Gcm::new(&Key::<Aes256Gcm>::from(Cipher::KEY)))
}

/// What one peer did.
#[derive(Debug)]
struct Report {
    /// System calls, packets sent, packets sent again, packets refused.
    counts: [u64; 4],
    allocations: usize,
    largest: usize,
    peak: usize,
}

/// Sends so many messages each way, each peer in a thread; one packet in `fault_one_in` is lost, one comes
/// twice, and one late.
fn exchange(
    messages: u64,
    aead: fn() -> Box<dyn Aead>,
    fault_one_in: Option<u64>,
) -> Result<[Report; 2], Box<dyn Error>> {
    let sockets = [UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?];
    let addresses = [sockets[1].local_addr()?, sockets[0].local_addr()?];
    let [a, b] = sockets;
    let run = |socket: UdpSocket, side: u8, other: SocketAddr| {
        let faults = fault_one_in.map(|one_in| Faults::one_in(one_in, 77 + u64::from(side)));
        let pool = Pool::builder().bytes_max(POOL_BYTES).build();
        let mut peer = Peer::new(
            Link::new(socket, other, faults).map_err(|error| error.to_string())?,
            Cipher::new(Some(aead()), side),
            &pool,
        );
        let mut result = Ok(());
        let (allocations, largest) = counting::allocations(|| {
            result = serve(&mut peer, &pool, side, messages).map_err(|error| error.to_string());
        });
        let peak = pool.stats().held_bytes_peak();
        result.map(|()| Report { counts: peer.counts(), allocations, largest, peak })
    };
    let [report_a, report_b] = thread::scope(|scope| {
        let b = scope.spawn(|| run(b, 1, addresses[1]));
        [run(a, 0, addresses[0]), b.join().unwrap_or_else(|_| Err("peer b panicked".to_owned()))]
    });
    Ok([report_a?, report_b?])
}

/// Sends and receives until both sides have everything.
fn serve(peer: &mut Peer, pool: &Pool, side: u8, messages: u64) -> Result<(), Box<dyn Error>> {
    let (mut sent, mut early) = (0, BTreeMap::new());
    let (mut received, mut digest) = (0, Sha256::new());
    while received < messages || sent < messages || !peer.is_idle() {
        if sent < messages && peer.queued() == 0 {
            peer.queue(message(pool, side, sent)?)?;
            sent += 1;
        }
        peer.turn()?;
        early.extend(peer.take_complete());
        while let Some(message) = early.remove(&received) {
            message.chunks().for_each(|chunk| digest.update(chunk));
            received += 1;
        }
    }
    // The last acknowledgement may be lost.
    while peer.silences() < LAST_SILENCES {
        peer.turn()?;
    }
    let mut expected = Sha256::new();
    for number in 0..messages {
        message(pool, 1 - side, number)?.chunks().for_each(|chunk| expected.update(chunk));
    }
    if digest.finalize() != expected.finalize() {
        return Err("the digest differs".into());
    }
    Ok(())
}

/// Bytes that nobody else sends.
fn message(pool: &Pool, side: u8, number: u64) -> Result<Sequence, OutOfMemory> {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ (number << 8 | u64::from(side));
    let mut buffer = SegmentedBuf::new(pool);
    for _ in 0..MESSAGE_BYTES / 64 {
        let mut bytes = [0; 64];
        for word in bytes.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        buffer.try_extend_from_slice(&bytes)?;
    }
    Ok(buffer.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_with_either_cipher() -> Result<(), Box<dyn Error>> {
        // An emulator passes the length of segments on in its own order of bytes. With faults, though next to none ever
        // happens, packets go one by one.
        let is_emulated = env::var_os("SEG_TEST_RUNNER").is_some_and(|runner| !runner.is_empty());
        let faults = (cfg!(target_endian = "big") && is_emulated).then_some(u64::MAX / 3);
        for aead in [Cipher::chacha20_poly1305, aes_gcm as fn() -> Box<dyn Aead>] {
            for report in exchange(2, aead, faults)? {
                assert!(report.counts[1] >= 2 * 113, "{report:?}");
                assert!(report.peak <= POOL_BYTES && report.largest <= 64 << 10, "{report:?}");
            }
        }
        Ok(())
    }

    #[test]
    fn messages_arrive_over_a_bad_network() -> Result<(), Box<dyn Error>> {
        for report in exchange(2, Cipher::chacha20_poly1305, Some(10))? {
            let [_, _, again, refused] = report.counts;
            assert!(again > 0 && refused > 0, "{report:?}");
        }
        Ok(())
    }
}
