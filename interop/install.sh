#!/usr/bin/env bash
# Installs the programs that `cargo xtask interop` talks to: nginx, curl, Node.js and Chromium from Debian's packages, and
# libraries of Python and Node.js into target/interop. Does nothing that is done already. Each step has a limit of time;
# the exit code says whether all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${CARGO_TARGET_DIR:-target}/interop
mkdir -p "$folder"

packages=()
want() { # PROGRAM PACKAGE...
  command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 ]] || packages+=("${@:2}")
}
want nginx nginx-light
want curl curl
want gzip gzip
want openssl openssl
want node nodejs npm
want npm npm
want chromium chromium
want setpriv util-linux
/usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

if [[ ${#packages[@]} -gt 0 ]]; then
  export DEBIAN_FRONTEND=noninteractive
  # Packages must not start what they install.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  timeout 120 apt-get update -qq
  timeout 600 apt-get install -y -qq --no-install-recommends "${packages[@]}" >"$folder/apt.log" 2>&1 ||
    { tail -n 5 "$folder/apt.log" >&2; exit 1; }
fi

python=$folder/venv/bin/python
if ! "$python" -c 'import aiohttp, websockets' 2>/dev/null; then
  rm -rf "$folder/venv"
  timeout 120 /usr/bin/python3 -m venv "$folder/venv"
  timeout 300 "$python" -m pip install -q --disable-pip-version-check -r interop/requirements.txt
fi

if [[ ! -e $folder/node/node_modules/ws/package.json ]] || ! cmp -s interop/package.json "$folder/node/package.json"; then
  mkdir -p "$folder/node"
  cp interop/package.json "$folder/node/"
  timeout 300 npm install --prefix "$folder/node" --no-audit --no-fund --no-package-lock --silent
fi
