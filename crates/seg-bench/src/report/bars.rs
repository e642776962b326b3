//! What we set out to reach, and whether it was reached.

use super::job::{Job, best};

/// One aim: our time over another must not exceed a number.
pub(super) struct Bar {
    /// The jobs; a star at the end of a name stands for anything.
    jobs: &'static [&'static str],
    /// Which of our ways it is about; the first one unless named.
    ours: Option<&'static str>,
    against: Against,
    /// The ratio, nanoseconds or bytes.
    at_most: f64,
}

#[derive(Clone, Copy)]
enum Against {
    BestPeer,
    BestFloor,
    /// The best of these.
    Named(&'static [&'static str]),
    /// Our own first way in another job.
    OursIn(&'static str),
    /// Nothing: the bar is in nanoseconds.
    Time,
    /// Nothing: the bar is in bytes that an operation's result keeps.
    HeldBytes,
}

/// An aim held against a record.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) job: String,
    pub(super) against: String,
    pub(super) at_most: f64,
    pub(super) found: f64,
    /// What the two figures are in.
    pub(super) unit: &'static str,
}

impl Judged {
    /// Compares at the two digits that are shown: more is noise.
    pub(super) fn is_met(&self) -> bool {
        (self.found * 100.0).round() <= (self.at_most * 100.0).round()
    }
}

use Against::{BestFloor, BestPeer, HeldBytes, Named, OursIn, Time};

const fn bar(jobs: &'static [&'static str], against: Against, at_most: f64) -> Bar {
    Bar { jobs, ours: None, against, at_most }
}

/// "Twice as fast" is 0.5, "within 10 %" is 1.1. They were set before the code was written.
const BARS: &[Bar] = &[
    bar(&["pool/same_thread_*"], BestPeer, 0.5),
    bar(&["pool/same_thread_*"], BestFloor, 2.0),
    bar(&["pool/burst_64", "pool/cross_thread_16k"], BestPeer, 0.67),
    bar(&["pool/touched_16k"], Named(&["glibc malloc"]), 0.1),
    bar(&["pool/touched_16k"], BestPeer, 1.0),
    bar(&["pool/scaling_16k_2t"], OursIn("pool/scaling_16k_1t"), 0.53),
    bar(&["segment/clone_drop", "segment/slice"], BestPeer, 1.0),
    bar(&["seq/append_1m_in_*"], GROWING, 0.59),
    bar(&["seq/append_1m_in_*"], BestFloor, 1.11),
    bar(&["seq/append_1m_cold_in_*"], GROWING, 0.1),
    bar(&["seq/append_16m_in_*"], GROWING, 1.0),
    bar(&["seq/append_16m_cold_in_*"], GROWING, 0.14),
    bar(&["seq/link_16k_*"], Time, 15.0),
    bar(&["seq/read_4k", "seq/copy_to_slice", "seq/sum_bytes"], BestFloor, 1.1),
    bar(&["seq/find_byte", "seq/find_needle"], BestFloor, 1.1),
    bar(&["seq/seek_random_*"], BestFloor, 3.0),
    bar(&["seq/fragment_1m_1420"], Named(&["Bytes::slice"]), 0.5),
    Bar {
        jobs: &["seq/fragment_*"],
        ours: Some("fragments, each kept"),
        against: Named(&["Bytes::slice"]),
        at_most: 1.0,
    },
    bar(&["seq/codec_64b", "seq/codec_1k"], BestPeer, 1.0),
    bar(&["seq/codec_64k"], BestPeer, 0.91),
    bar(&["seq/codec_4m"], BestPeer, 0.83),
    bar(&["seq/read_byte"], Named(&["Cursor"]), 2.0),
    bar(&["seq/json_from_reader"], Named(&["Reader in a BufReader"]), 1.15),
    bar(&["seq/append_1m_in_1400"], BestPeer, 0.83),
    bar(&["seq/packets_1m_1364"], Named(&["Box<[u8]> each"]), 0.67),
    bar(&["seq/packets_1m_1364_sealed"], Named(&["Box<[u8]> each"]), 0.98),
    bar(&["udp/send_1m_1200", "udp/send_1m_1200_sealed"], BestPeer, 0.33),
    bar(&["udp/send_1m_1200", "udp/send_1m_1200_sealed"], BestFloor, 1.11),
    bar(&["udp/receive_1m_1200", "udp/receive_1m_1200_sealed"], BestPeer, 0.5),
    bar(&["flate/gzip_*"], Named(&["zlib-rs, one shot"]), 1.11),
    bar(&["flate/gzip_*"], BestPeer, 0.71),
    bar(&["chunked/16m_in_16k"], BestFloor, 0.33),
    bar(&["chunked/16m_in_16k"], BestPeer, 0.83),
    bar(&["chunked/1m_in_1k"], BestPeer, 0.67),
    bar(&["chunked/64k_in_16b", "chunked/64k_in_1b"], BestPeer, 0.5),
    bar(&["chunked/encode_*"], Named(&["hyper server"]), 1.0),
    Bar {
        jobs: &["ws/read_16b_text", "ws/read_125b_text"],
        ours: Some("ws-assemble Decoder, batch of 64"),
        against: BestPeer,
        at_most: 0.4,
    },
    bar(&["ws/read_1k_text", "ws/read_1k_binary"], BestPeer, 0.59),
    bar(
        &["ws/read_16k_text", "ws/read_16k_binary", "ws/read_64k_text", "ws/read_64k_binary"],
        BestPeer,
        0.91,
    ),
    bar(&["ws/read_fragmented_text_1m_in_64"], BestPeer, 0.71),
    bar(&["ws/read_fragmented_binary_16m_in_256"], BestPeer, 0.83),
    bar(
        &[
            "ws/read_fragmented_text_1m_in_64_kept",
            "ws/read_fragmented_text_1m_in_64_cold",
            "ws/read_fragmented_binary_16m_in_256_kept",
            "ws/read_fragmented_binary_16m_in_256_cold",
        ],
        BestPeer,
        0.5,
    ),
    bar(&["ws/read_into_1k"], Named(&["ws-assemble next, no copy"]), 1.0),
    bar(&["mask/*"], BestFloor, 1.05),
    bar(&["mask/*"], BestPeer, 1.03),
    bar(
        &["utf8/ascii_*", "utf8/latin_*", "utf8/cjk_*", "utf8/emoji_*"],
        Named(&["simdutf8 basic, one shot"]),
        1.05,
    ),
    bar(&["utf8/mask_utf8_fused_64k"], Named(&["two passes of ours"]), 0.83),
    bar(&["utf8/mask_utf8_fused_64k"], Named(&["yawc, then simdutf8, in one slice"]), 0.83),
    bar(&["ws/write_*"], BestPeer, 1.0),
    bar(&["ws/deflate_*"], BestPeer, 1.0),
    bar(&["ws/idle_100k", "ws/idle_after_1m"], HeldBytes, 512.0),
    bar(&["ws/broadcast_100b_plain_1000", "ws/broadcast_16k_plain_1000"], BestPeer, 1.0),
    bar(
        &["ws/broadcast_100b_deflate_1000", "ws/broadcast_16k_deflate_1000"],
        Named(&["ws-assemble, compressed for each"]),
        0.2,
    ),
    bar(&["ws/axum_echo_*"], BestPeer, 0.83),
    bar(&["ws/tls_echo_16k"], BestPeer, 0.91),
    bar(
        &["ws/echo_loopback_64b_w16", "ws/echo_loopback_1k_w16", "ws/echo_loopback_64k_w16"],
        BestPeer,
        0.77,
    ),
    bar(
        &["ws/echo_loopback_64b_w1", "ws/echo_loopback_1k_w1", "ws/echo_loopback_64k_w1"],
        BestPeer,
        1.02,
    ),
];

const GROWING: Against = Named(&["Vec, growing", "BytesMut, growing"]);

/// Holds every aim against the jobs that were measured; a job that was not is left out.
pub(super) fn judge(jobs: &[&Job<'_>]) -> Vec<Judged> {
    let judged = BARS.iter().flat_map(|bar| {
        let measured = jobs.iter().filter(|job| bar.is_about(job.name));
        measured.filter_map(|job| bar.judge(job, jobs))
    });
    judged.collect()
}

impl Bar {
    fn is_about(&self, job: &str) -> bool {
        self.jobs.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => job.starts_with(start),
            None => job == *name,
        })
    }

    fn judge(&self, job: &Job<'_>, jobs: &[&Job<'_>]) -> Option<Judged> {
        let ours = match self.ours {
            Some(name) => job.named(name)?,
            None => job.main(),
        };
        let absolute = |against: &str, found, unit| {
            let (job, against) = (job.name.to_owned(), against.to_owned());
            Some(Judged { job, against, at_most: self.at_most, found, unit })
        };
        let other = match self.against {
            BestPeer => job.best_peer()?,
            BestFloor => job.best_floor()?,
            Named(names) => best(names.iter().filter_map(|name| job.named(name)))?,
            OursIn(other) => jobs.iter().find(|job| job.name == other)?.main(),
            Time => return absolute("time alone", ours.ns_min, " ns"),
            HeldBytes => {
                return absolute("bytes held", ours.held_bytes?, " B");
            }
        };
        let against = match self.against {
            OursIn(other) => format!("ours in {other}"),
            _ => other.contender.clone(),
        };
        let way = self.ours.map_or_else(String::new, |name| format!(" ({name})"));
        Some(Judged {
            job: format!("{}{way}", job.name),
            against,
            at_most: self.at_most,
            found: ours.value() / other.value(),
            unit: "×",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::job::{Layer, tests::row},
        *,
    };

    #[test]
    fn a_bar_is_met_or_missed_by_what_was_measured() {
        let rows = [
            row("pool/burst_64", "seg-pool", 'o', 7.0),
            row("pool/burst_64", "other", 'p', 10.0),
            row("pool/scaling_16k_1t", "seg-pool", 'o', 4.0),
            row("pool/scaling_16k_1t", "other", 'p', 10.0),
            row("pool/scaling_16k_2t", "seg-pool", 'o', 2.0),
            row("pool/scaling_16k_2t", "other", 'p', 10.0),
        ];
        let layers = Layer::all_of(&rows);
        let jobs: Vec<_> = layers.iter().flat_map(|layer| &layer.jobs).collect();
        let judged = judge(&jobs);
        let found: Vec<_> = judged.iter().map(|bar| (&*bar.job, bar.found, bar.is_met())).collect();
        assert_eq!(found, [("pool/burst_64", 0.7, false), ("pool/scaling_16k_2t", 0.5, true)]);
    }

    #[test]
    fn a_ratio_is_compared_as_it_is_shown() {
        let judged = |found| Judged {
            job: String::new(),
            against: String::new(),
            at_most: 1.0,
            found,
            unit: "×",
        };
        assert!(judged(1.004).is_met());
        assert!(!judged(1.006).is_met());
    }
}
