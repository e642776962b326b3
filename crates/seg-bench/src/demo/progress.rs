//! A progress bar that costs the measured thread nothing but one addition a read.

use core::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{
    io::{self, IsTerminal},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::timeline::Timeline;

/// What takes less than this shows no bar.
const QUIET: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);

const PREPARING: &str = "{spinner} preparing the input";
const RECEIVING: &str = "receiving {wide_bar} {binary_bytes} of {binary_total_bytes}";

/// Counts bytes, and shows them on a terminal from a thread of its own. Dropping it removes the bar.
#[derive(Debug)]
pub(super) struct Progress {
    counters: Arc<Counters>,
    /// Bytes of the passes that are complete.
    passes: Cell<u64>,
    drawing: Option<Drawing>,
    /// Where live memory is noted with each read, if it is.
    timeline: Option<Timeline>,
}

#[derive(Debug, Default)]
struct Counters {
    done: AtomicU64,
    /// 0 until it is known.
    total: AtomicU64,
}

#[derive(Debug)]
struct Drawing {
    thread: JoinHandle<()>,
    /// Closes to end the thread.
    stop: mpsc::Sender<()>,
}

impl Progress {
    /// Starts to show that something goes on. Draws only where stderr is a terminal.
    pub(super) fn start() -> Self {
        let counters = Arc::<Counters>::default();
        let drawing = io::stderr().is_terminal().then(|| {
            let (stop, stopped) = mpsc::channel();
            let counters = Arc::clone(&counters);
            Drawing { thread: thread::spawn(move || draw(&counters, &stopped)), stop }
        });
        Self { counters, passes: Cell::new(0), drawing, timeline: None }
    }

    /// Notes live memory with each read, too, which costs a look at the pool each time.
    pub(super) fn with_timeline(mut self, timeline: Timeline) -> Self {
        self.timeline = Some(timeline);
        self
    }

    pub(super) const fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }

    /// Says how many bytes there will be.
    pub(super) fn expect(&self, total: u64) {
        self.counters.total.store(total, Ordering::Relaxed);
    }

    /// Adds received bytes. Allocates nothing, locks nothing.
    pub(super) fn add(&self, bytes: u64) {
        self.counters.done.fetch_add(bytes, Ordering::Relaxed);
        if let Some(timeline) = &self.timeline {
            timeline.received(bytes);
        }
    }

    /// Notes that a message of so many bytes is there, however many came over the wire.
    pub(super) fn pass_done(&self, bytes: u64) {
        self.passes.set(self.passes.get() + bytes);
        self.counters.done.store(self.passes.get(), Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(Drawing { thread, stop }) = self.drawing.take() {
            drop(stop);
            // Only a panic while drawing could be lost here.
            let _ = thread.join();
        }
    }
}

fn draw(counters: &Counters, stopped: &mpsc::Receiver<()>) {
    let goes_on = |wait| stopped.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout);
    if !goes_on(QUIET) {
        return;
    }
    let bar = ProgressBar::new(0).with_style(style(PREPARING));
    loop {
        let total = counters.total.load(Ordering::Relaxed);
        if total == 0 {
            bar.tick();
        } else {
            if bar.length() != Some(total) {
                bar.set_style(style(RECEIVING));
                bar.set_length(total);
            }
            bar.set_position(counters.done.load(Ordering::Relaxed));
        }
        if !goes_on(REDRAW) {
            break;
        }
    }
    bar.finish_and_clear();
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
