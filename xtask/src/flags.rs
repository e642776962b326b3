//! Command-line grammar.
#![allow(missing_docs, unreachable_pub)]

use std::path::PathBuf;

use crate::{cross::Target, layer::Layer, sanitize::Sanitizer};

xflags::xflags! {
    /// Build, show, check and test the workspace.
    ///
    /// A LAYER is a crate's name or its short one: `seg-pool` or `pool`; by default all of them.
    cmd xtask {
        /// Receive real messages over loopback and show what that cost, in one table.
        cmd demo {
            /// Send this file instead of the workspace's own sources.
            optional --file path: PathBuf
            /// Send the workspace's own sources, cut or repeated to this size (a number of bytes, KiB or MiB).
            optional --size bytes: String
            /// Write the table's rows as a list of objects, too.
            optional --json path: PathBuf
            /// Draw live memory over the course of two of the messages, as SVG.
            optional --plot path: PathBuf
        }
        /// Talk to other people's programs: nginx, curl, Python, Node.js and Chromium.
        cmd interop {
            /// `http` or `ws`; by default both.
            optional suite: String
            /// Count a program that is not installed as a failure.
            optional --require
        }
        /// Run the Autobahn test suite against our WebSocket server and client, in both assemblies.
        cmd autobahn {
            /// Only these cases: globs with commas between, `1.*,6.4.*`; by default all.
            optional --cases globs: String
        }
        /// Let HTTP and WebSocket connections stall, break off, die and find the pool full, all at once.
        cmd soak {
            /// How many seconds; by default 60.
            optional --seconds count: u32
        }
        /// Run every test that needs no special toolchain, with every set of features.
        cmd test {
            /// Keep how many tests each package has now in `xtask/test-counts.txt`.
            optional --bless
        }
        /// Check that the shipped crates keep to the oldest Rust that they promise.
        cmd msrv {}
        /// Explore the interleavings of threads with loom, in one layer or in all.
        cmd loom {
            /// The layer.
            optional layer: Layer
            /// How often a thread may be interrupted; by default twice.
            optional --preemptions count: u32
        }
        /// Run the tests of one layer, or of all, under Miri: both aliasing models, other systems.
        cmd miri {
            /// The layer.
            optional layer: Layer
            /// How many schedules to try; by default 4.
            optional --seeds count: u32
        }
        /// Run the tests of one layer, or of those that it is for, under a sanitizer.
        cmd sanitize {
            /// `address`, `thread` or `memory`.
            required sanitizer: Sanitizer
            /// The layer.
            optional layer: Layer
        }
        /// Run the tests of one layer, or of all, on other systems, emulated.
        cmd cross {
            /// aarch64, i686, s390x, armv7, riscv64, windows or wasm; by default all.
            optional target: Target
            /// The layer.
            optional layer: Layer
        }
        /// Throw hostile bytes at one fuzz target or at all, under the address sanitizer.
        cmd fuzz {
            /// The target, for example `chunked_decode`.
            optional target: String
            /// How many seconds each target runs; by default 30.
            optional --seconds count: u32
        }
        /// Measure: with criterion, or side by side with every peer.
        cmd bench {
            /// The layer.
            optional only: Layer
            /// The layer, spelled as an option.
            optional --layer name: Layer
            /// Measure ours and the peers in turn, and show the ratios.
            optional --compare
            /// With --compare: only the jobs whose name holds this text.
            optional --job text: String
            /// With --compare: fewer and shorter samples.
            optional --quick
            /// With --compare: write the rows as a list of objects, too.
            optional --json path: PathBuf
            /// With --compare: write a record for `cargo xtask report --from`, too.
            optional --record path: PathBuf
        }
        /// Measure against every peer and write `docs/bench`: a page, tables, pictures.
        cmd report {
            /// Take this record of `bench --compare --record` and measure nothing; may be named repeatedly.
            repeated --from record: PathBuf
            /// Fewer and shorter samples: for a look, not to be quoted.
            optional --quick
            /// Write to this folder instead.
            optional --to folder: PathBuf
        }
        /// Count the instructions of the hottest operations and compare them with the kept counts.
        cmd instructions {
            /// Keep what is counted now.
            optional --bless
        }
        /// Check the rules of the house: layers, unsafe, the door to atomics.
        cmd tidy {}
        /// Run everything that a change has to pass, as far as this machine has the tools.
        cmd ci {
            /// Sanitizers, fuzzing, other systems, Miri, all of Autobahn: what takes hours on two cores.
            optional --full
            /// Leave out the tests and the demo, which ran already.
            optional --skip-tests
        }
    }
}
