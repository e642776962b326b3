//! A pool's figures for the `metrics` crate.

use metrics::{SharedString, counter, describe_counter, describe_gauge, gauge};

use crate::{budget::BudgetStats, shared::stats::Stats};

impl Stats {
    /// Sets the gauges and counters of the installed [`metrics`](https://docs.rs/metrics) recorder
    /// to these figures, labelled `pool`. With the feature `metrics`.
    ///
    /// For a task that runs every few seconds or before each scrape: the fast paths of a pool know
    /// nothing of recorders, so that they cost the same with the feature and without.
    ///
    /// | name | kind | labels |
    /// |---|---|---|
    /// | `seg_pool_held_bytes`, `seg_pool_held_bytes_peak`, `seg_pool_limit_bytes` | gauge | `pool` |
    /// | `seg_pool_metadata_bytes` | gauge | `pool` |
    /// | `seg_pool_in_use_bytes`, `seg_pool_idle_bytes` | gauge | `pool`, `size` |
    /// | `seg_pool_takes_total`, `seg_pool_misses_total`, `seg_pool_refused_total` | counter | `pool`, `size` |
    /// | `seg_pool_waits_total` | counter | `pool` |
    ///
    /// `seg_pool_limit_bytes` is missing for a pool without a limit.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = seg_pool::Pool::new();
    /// seg_pool::Stats::describe_metrics();
    /// pool.stats().record("http");
    /// ```
    pub fn record(&self, pool: impl Into<SharedString>) {
        let pool = pool.into();
        let pool = || pool.clone();
        gauge!("seg_pool_held_bytes", "pool" => pool()).set(float(self.held_bytes()));
        gauge!("seg_pool_held_bytes_peak", "pool" => pool()).set(float(self.held_bytes_peak()));
        if self.bytes_max() < usize::MAX {
            gauge!("seg_pool_limit_bytes", "pool" => pool()).set(float(self.bytes_max()));
        }
        gauge!("seg_pool_metadata_bytes", "pool" => pool()).set(float(self.metadata_bytes()));
        counter!("seg_pool_waits_total", "pool" => pool()).absolute(self.waits());
        for class in self.classes().iter().filter(|class| class.takes() + class.refused() > 0) {
            let bytes = class.size().bytes();
            let size = bytes.to_string();
            gauge!("seg_pool_in_use_bytes", "pool" => pool(), "size" => size.clone())
                .set(float(class.in_use() * bytes));
            gauge!("seg_pool_idle_bytes", "pool" => pool(), "size" => size.clone())
                .set(float(class.idle() * bytes));
            counter!("seg_pool_takes_total", "pool" => pool(), "size" => size.clone())
                .absolute(class.takes() as u64);
            counter!("seg_pool_misses_total", "pool" => pool(), "size" => size.clone())
                .absolute(class.misses() as u64);
            counter!("seg_pool_refused_total", "pool" => pool(), "size" => size)
                .absolute(class.refused() as u64);
        }
    }

    /// Tells the installed recorder what the figures of [`record`](Self::record) mean.
    pub fn describe_metrics() {
        use metrics::Unit::{Bytes, Count};
        describe_gauge!("seg_pool_held_bytes", Bytes, "Payload memory taken from the system.");
        describe_gauge!("seg_pool_held_bytes_peak", Bytes, "The highest seg_pool_held_bytes.");
        describe_gauge!("seg_pool_limit_bytes", Bytes, "The limit of seg_pool_held_bytes.");
        describe_gauge!("seg_pool_in_use_bytes", Bytes, "Segments that handles keep.");
        describe_gauge!("seg_pool_idle_bytes", Bytes, "Segments that wait for their next use.");
        describe_counter!("seg_pool_takes_total", Count, "Segments taken.");
        describe_counter!("seg_pool_misses_total", Count, "Takes that had to lock.");
        describe_counter!("seg_pool_waits_total", Count, "Asynchronous takes that had to wait.");
        describe_counter!("seg_pool_refused_total", Count, "Takes that the pool refused.");
        describe_gauge!("seg_pool_metadata_bytes", Bytes, "Slab metadata, magazines and caches.");
        describe_gauge!("seg_pool_budget_used_bytes", Bytes, "Segments in use on a budget.");
        describe_gauge!("seg_pool_budget_used_bytes_peak", Bytes, "The highest of these.");
        describe_gauge!("seg_pool_budget_limit_bytes", Bytes, "The cap of a budget.");
        describe_counter!("seg_pool_budget_refused_total", Count, "Takes that a budget refused.");
        describe_counter!("seg_pool_budget_waits_total", Count, "Takes that waited for a budget.");
    }
}

impl BudgetStats {
    /// Sets the gauges and counters of the installed recorder to these figures, labelled `pool` and,
    /// with the budget's [label](Self::label), `budget`. With the feature `metrics`.
    ///
    /// | name | kind |
    /// |---|---|
    /// | `seg_pool_budget_used_bytes`, `seg_pool_budget_used_bytes_peak`, `seg_pool_budget_limit_bytes` | gauge |
    /// | `seg_pool_budget_refused_total`, `seg_pool_budget_waits_total` | counter |
    ///
    /// Recorders keep a series for each label that they have ever seen: for tenants rather than for
    /// connections.
    pub fn record(&self, pool: impl Into<SharedString>) {
        let pool = pool.into();
        let labels =
            || [("pool", pool.clone()), ("budget", SharedString::from(self.label().to_owned()))];
        gauge!("seg_pool_budget_used_bytes", &labels()).set(float(self.used_bytes()));
        gauge!("seg_pool_budget_used_bytes_peak", &labels()).set(float(self.used_bytes_peak()));
        gauge!("seg_pool_budget_limit_bytes", &labels()).set(float(self.bytes_max()));
        counter!("seg_pool_budget_refused_total", &labels()).absolute(self.refused() as u64);
        counter!("seg_pool_budget_waits_total", &labels()).absolute(self.waits());
    }
}

/// A gauge's number.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn float(bytes: usize) -> f64 {
    bytes as f64
}
