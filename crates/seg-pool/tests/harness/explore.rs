//! How models run under loom, and that none passes in vain.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use loom::thread;

/// Whether the first thread of a model lets the others go first.
pub(crate) static LATE: AtomicBool = AtomicBool::new(false);

/// Stands before what the first thread of a model does while others run.
///
/// Loom remembers one last access of an atomic: of a load in one thread and a load and a write in
/// another it explores only the order that it tried first. So each model is explored from both.
pub(crate) fn while_others_run() {
    if LATE.load(Relaxed) {
        thread::yield_now();
    }
}

/// Runs a model from both orders and asserts that `reached` grew in some interleaving, and that
/// there were several.
pub(crate) fn explore(reached: &'static AtomicUsize, model: impl Fn() + Send + Sync + 'static) {
    static LOCK: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = LOCK.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let model = std::sync::Arc::new(model);
    for late in [false, true] {
        LATE.store(late, Relaxed);
        let (counted, model) = (std::sync::Arc::clone(&runs), std::sync::Arc::clone(&model));
        loom::model(move || {
            counted.fetch_add(1, Relaxed);
            model();
        });
    }
    let (runs, reached) = (runs.load(Relaxed), reached.load(Relaxed));
    println!("{runs} interleavings, {reached} reached the branch");
    assert!(reached > 0, "no explored interleaving reached the branch");
    assert!(runs > 1, "nothing was explored");
}
