//! What a recorder of the `metrics` crate gets to see.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use seg_pool::{Budget, Pool, SLAB_BYTES, Stats};

/// Name with labels, and value, of everything that was recorded.
fn recorded(record: impl FnOnce()) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, record);
    let values = snapshotter.snapshot().into_vec();
    let values = values.into_iter().map(|(key, _unit, description, value)| {
        assert!(description.is_some(), "{key:?} is described");
        let key = key.key();
        let labels: Vec<_> = key.labels().map(|label| label.value().to_owned()).collect();
        let value = match value {
            DebugValue::Gauge(value) => value.into_inner(),
            #[expect(clippy::cast_precision_loss)]
            DebugValue::Counter(value) => value as f64,
            DebugValue::Histogram(_) => panic!("{key:?} is no histogram"),
        };
        (format!("{} {}", key.name(), labels.join(",")), value)
    });
    values.collect()
}

#[test]
fn the_figures_of_a_pool_become_gauges_and_counters() {
    let pool = Pool::builder().bytes_max(1 << 20).build();
    let held = (pool.take(256), pool.take(16_384), pool.take(16_384));
    drop(pool.take(16_384));
    let values = recorded(|| {
        Stats::describe_metrics();
        // A label need not be known when the program is compiled.
        pool.stats().record(String::from("test"));
    });
    let expected = [
        ("seg_pool_held_bytes test", 131_072.0),
        ("seg_pool_held_bytes_peak test", 131_072.0),
        ("seg_pool_idle_bytes test,16384", 32_768.0),
        ("seg_pool_idle_bytes test,256", 65_280.0),
        ("seg_pool_in_use_bytes test,16384", 32_768.0),
        ("seg_pool_in_use_bytes test,256", 256.0),
        ("seg_pool_limit_bytes test", 1_048_576.0),
        ("seg_pool_refused_total test,16384", 0.0),
        ("seg_pool_refused_total test,256", 0.0),
        ("seg_pool_takes_total test,16384", 3.0),
        ("seg_pool_takes_total test,256", 1.0),
        ("seg_pool_waits_total test", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(values.get(name), Some(&value), "{name} in {values:?}");
    }
    assert!(values["seg_pool_misses_total test,16384"] >= 1.0);
    assert!(values["seg_pool_metadata_bytes test"] >= 65_536.0);
    assert_eq!(values.len(), expected.len() + 3, "{values:?}");
    drop(held);
}

#[test]
fn a_pool_without_a_limit_records_none() {
    let values = recorded(|| {
        Stats::describe_metrics();
        Pool::new().stats().record("endless");
    });
    assert_eq!(values.get("seg_pool_held_bytes endless"), Some(&0.0));
    assert!(!values.keys().any(|name| name.starts_with("seg_pool_limit")), "{values:?}");
}

#[test]
fn refusals_of_a_pool_and_of_a_budget_are_recorded() {
    let pool = Pool::builder().bytes_max(SLAB_BYTES).build();
    let budget = Budget::with_label(&pool, 1_024, format!("tenant {}", 7));
    let held = budget.pool().take(1_024);
    assert!(budget.pool().try_take(256).is_err() && pool.try_take(256).is_err());
    let values = recorded(|| {
        Stats::describe_metrics();
        pool.stats().record("small");
        budget.stats().record("small");
    });
    let expected = [
        ("seg_pool_refused_total small,256", 1.0),
        ("seg_pool_refused_total small,1024", 0.0),
        ("seg_pool_budget_used_bytes small,tenant 7", 1_024.0),
        ("seg_pool_budget_used_bytes_peak small,tenant 7", 1_024.0),
        ("seg_pool_budget_limit_bytes small,tenant 7", 1_024.0),
        ("seg_pool_budget_refused_total small,tenant 7", 1.0),
        ("seg_pool_budget_waits_total small,tenant 7", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(values.get(name), Some(&value), "{name} in {values:?}");
    }
    drop(held);
}
