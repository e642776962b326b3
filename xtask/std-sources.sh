#!/bin/sh
# Lays out in FOLDER a compiler with the sources of the standard library beside it, from Debian's packages; installs nothing.
# Debian's compiler lacks the runtimes of sanitizers, so they come from our own, whose sysroot is named.
set -eu
folder=$1 sysroot=$2
rustlib=lib/rustlib/x86_64-unknown-linux-gnu/lib
rm -rf "$folder"
mkdir -p "$folder/packages"
cd "$folder/packages"
# A list that is old serves as well, as long as the packages are there.
apt-get update -qq 2>/dev/null || true
# The library has the compiler's version in its name, and the compiler's LLVM has its own.
std=$(apt-cache depends libstd-rust-web-dev | grep -o 'libstd-rust-web-[0-9][0-9.]*' | head -n 1)
llvm=$(apt-cache depends rustc-web "$std" | grep -o 'libllvm[0-9][0-9.]*' | head -n 1)
apt-get download -qq rustc-web libstd-rust-web-dev "$std" "$llvm" rust-web-src 2>/dev/null
for package in *.deb; do dpkg-deb -x "$package" ..; done
cd ..
rm -r packages
for kind in asan lsan msan tsan; do
  cp "$sysroot/$rustlib/"*"_rt.$kind.a" "usr/$rustlib/librustc-stable_rt.$kind.a"
done
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu exec %s/usr/bin/rustc "$@"\n' "$PWD" "$PWD" >rustc
chmod +x rustc
./rustc --version
