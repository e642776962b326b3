//! Segmented byte sequences that read like one slice.
