//! The feature combinations that are tested apart from the default one.

/// One crate, tested with one set of features.
pub(crate) struct FeatureSet {
    pub(crate) package: &'static str,
    /// Arguments for cargo; no spaces inside one.
    pub(crate) arguments: &'static [&'static str],
}

/// Every combination that changes what is compiled, smallest first.
pub(crate) const FEATURE_SETS: &[FeatureSet] = &[
    FeatureSet { package: "seg-pool", arguments: &["--all-features"] },
    FeatureSet {
        package: "seg-flate",
        arguments: &["--no-default-features", "--features=miniz_oxide"],
    },
    FeatureSet { package: "seg-flate", arguments: &["--all-features"] },
    FeatureSet { package: "ws-assemble", arguments: &["--all-features"] },
    FeatureSet { package: "ws-assemble", arguments: &["--features=portable"] },
];
