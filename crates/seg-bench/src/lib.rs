//! Side-by-side measurement of the layers against their peers.
