//! The layers, and what the commands have to know of each.

use core::str::FromStr;

/// A crate that is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    /// What its jobs and its benchmark are called.
    pub(crate) short: &'static str,
    /// The layers that it may depend on, for tests too. A new edge needs a decision note under
    /// `docs/decisions` first.
    pub(crate) may_use: &'static [&'static str],
    /// The sanitizers that have something to find in it.
    pub(crate) sanitizers: &'static [&'static str],
}

/// All layers, lowest first.
pub(crate) const LAYERS: [Layer; 5] = [
    Layer {
        name: "seg-pool",
        short: "pool",
        may_use: &[],
        sanitizers: &["address", "thread", "memory"],
    },
    Layer {
        name: "seg-seq",
        short: "seq",
        may_use: &["seg-pool"],
        sanitizers: &["address", "thread", "memory"],
    },
    Layer {
        name: "seg-flate",
        short: "flate",
        may_use: &["seg-pool", "seg-seq"],
        sanitizers: &["address"],
    },
    Layer {
        name: "http-chunked",
        short: "chunked",
        may_use: &["seg-pool", "seg-seq", "seg-flate"],
        sanitizers: &["address"],
    },
    Layer {
        name: "ws-assemble",
        short: "ws",
        may_use: &["seg-pool", "seg-seq", "seg-flate"],
        sanitizers: &["address", "thread", "memory"],
    },
];

impl Layer {
    /// The named layer, or all.
    pub(crate) fn chosen(named: Option<Self>) -> Vec<Self> {
        named.map_or(LAYERS.into(), |layer| vec![layer])
    }
}

impl FromStr for Layer {
    type Err = String;

    /// Finds a layer by its crate's name or its short one, before anything is built.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = LAYERS.into_iter().find(|layer| [layer.name, layer.short].contains(&name));
        let known = || LAYERS.map(|layer| layer.name).join(", ");
        found.ok_or_else(|| format!("no layer is named {name:?}: {}", known()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Workspace, root};

    #[test]
    fn a_layer_has_its_crates_name_and_a_short_one() {
        for layer in LAYERS {
            for name in [layer.name, layer.short] {
                assert_eq!(name.parse::<Layer>().expect(name).name, layer.name);
            }
            assert!(root().join(format!("benches/{}.rs", layer.short)).exists(), "{}", layer.short);
        }
        for name in ["seg", "xtask", "poo", ""] {
            let error = name.parse::<Layer>().expect_err(name);
            assert!(error.ends_with(", ws-assemble"), "{error}");
        }
    }

    #[test]
    fn every_published_crate_is_a_layer() {
        let packages = &Workspace::read().expect("the manifests").packages;
        let published = packages.iter().filter(|package| package.is_published);
        let mut published: Vec<_> = published.map(|package| package.name.as_str()).collect();
        let mut layers = LAYERS.map(|layer| layer.name);
        published.sort_unstable();
        layers.sort_unstable();
        assert_eq!(published, layers);
    }
}
