//! A compiler that has the sources of the standard library beside it: for sanitizers and for other
//! systems, which need a library built for them.

use std::{ffi::OsString, path::Path};

use xshell::cmd;

use crate::{
    child::{need, shell},
    steps::NotHere,
    workspace::root,
};

/// Returns the variables that let cargo build the standard library, an unstable option.
///
/// Where the usual compiler has no sources beside it, makes one that has them from Debian's packages,
/// which takes a minute.
pub(crate) fn get() -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let shell = shell();
    let mut variables = vec![("RUSTC_BOOTSTRAP", "1".into())];
    let sysroot = cmd!(shell, "rustc --print sysroot").quiet().read()?;
    if !Path::new(&sysroot).join("lib/rustlib/src/rust/library/std").exists() {
        let folder = root().join("target/std-sources");
        let rustc = folder.join("rustc");
        let version = cmd!(shell, "{rustc} --version").quiet().ignore_stdout().ignore_stderr();
        if version.run().is_err() {
            let hint = "rustup component add rust-src, or Debian's packages";
            need("apt-get", hint)?;
            cmd!(shell, "xtask/std-sources.sh {folder} {sysroot}")
                .run()
                .map_err(|_| NotHere(format!("no sources of the standard library ({hint})")))?;
        }
        variables.push(("RUSTC", rustc.into()));
    }
    Ok(variables)
}
