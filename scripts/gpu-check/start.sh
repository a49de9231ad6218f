#!/bin/sh
# Lies in a pack as "gpu-check": unpacks this package, and Node.js where there is none, and runs the steps.
# Needs CMake, which reads the archives too. --help lists the options.
set -eu

pack=$(cd "$(dirname "$0")" && pwd)
work=$(dirname "$pack")/build/gpu-check
previous=
for argument in "$@"; do
    [ "$previous" = --work ] && work=$argument
    case $argument in --work=*) work=${argument#--work=} ;; esac
    previous=$argument
done

fail() {
    echo "gpu-check: $1" >&2
    exit 2
}

[ -f "$pack/manifest.json" ] || fail "$pack holds no pack: make one with node scripts/gpu-check.mjs pack"
command -v cmake >/dev/null 2>&1 || fail "CMake is missing (cmake)"
mkdir -p "$work"
work=$(cd "$work" && pwd)

unpack() { # archive, folder
    rm -rf "$2" "$2.part"
    mkdir -p "$2.part"
    (cd "$2.part" && cmake -E tar xf "$pack/$1.tar.xz") || fail "$pack/$1.tar.xz cannot be unpacked"
    mv "$2.part" "$2"
}

# A new pack takes the old one's place, what was compiled of it too.
if [ "$(cat "$pack/manifest.json")" != "$(cat "$work/project/manifest.json" 2>/dev/null)" ]; then
    unpack project "$work/project"
    rm -rf "$work/node"
    cp "$pack/manifest.json" "$work/project/manifest.json"
fi

node=$(command -v node || true)
version=$([ -z "$node" ] || "$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || true)
if [ "${version:-0}" -lt 20 ]; then
    [ -x "$work/node/node" ] || unpack node "$work/node"
    node=$work/node/node
    "$node" --version >/dev/null || fail "the packed Node.js does not run here"
fi

exec "$node" "$work/project/scripts/gpu-check.mjs" "$@" --pack "$pack" --work "$work"
