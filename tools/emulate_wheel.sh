#!/usr/bin/env bash
# Run the aarch64 wheel of CPython 3.11 under qemu-user, for `make test-aarch64`.
#
# Usage: emulate_wheel.sh SHIPPED EMULATED PIP     folders of one wheel each, and a pip
#
# qemu-user clones no child without an exit signal, as the walker does. So the wheel that
# users get must load, and refuse to capture with that reason, or capture. EMULATED is the
# same wheel but for that signal: it must prove the layout of CPython, and capture.
# CPython and its libraries come from Debian's arm64 packages, below .cache/emulated.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
task="make test-aarch64"
shipped=$1 emulated=$2 pip=$3
folder=$PWD/.cache/emulated
root=$folder/root
apt=$folder/apt
log=$folder/log
. tools/private_apt.sh

need_debian "Run it on one."
type -P qemu-aarch64 >/dev/null || stop "qemu-aarch64 is missing: apt install qemu-user"
mkdir -p "$folder"
if [ ! -x "$root/usr/bin/python3.11" ]; then
    configure_apt bookworm arm64
    quietly "apt-get update" our_apt apt-get update
    quietly "the download" our_apt apt-get install --yes --download-only python3.11
    mkdir -p "$root"
    unpack_downloads "$root"
    rm -rf "$apt"
fi

cat >"$folder/capture.py" <<'END'
import importlib, platform, sys
from pathlib import Path

from ops_service.heap.engine import engine_status
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import start_capture

importlib.import_module("ops_client.heap_graph._native")
print(f"CPython {platform.python_version()} on {platform.machine()}:", end=" ")
status = engine_status()
if not status.available:
    print(status.reason)
    sys.exit(not (sys.argv[1] == "shipped" and "refused to clone" in status.reason))
with start_capture(CaptureOptions()) as capture:
    size = sum(map(len, capture))
print(f"captured {capture.summary.object_count:,} objects in {size:,} bytes")
END

# Install a wheel with its dependencies for another machine: pip does not run it.
platforms=$(for minor in {36..17}; do printf -- '--platform manylinux_2_%s_aarch64 ' "$minor"; done)
for kind in shipped emulated; do
    began=$SECONDS
    wheel=$(ls "${!kind}"/ops_service-*-cp311-cp311-manylinux_*_aarch64.whl)
    rm -rf "$folder/site"
    # shellcheck disable=SC2086
    "$pip" -qq install --target "$folder/site" $platforms --platform manylinux2014_aarch64 \
        --python-version 3.11 --implementation cp --abi cp311 --abi abi3 --abi none \
        --only-binary :all: -c constraints/runtime-newest.txt -c constraints/tools.txt "$wheel" numpy
    printf '%s wheel, ' "$kind"
    PYTHONPATH=$folder/site qemu-aarch64 -L "$root" "$root/usr/bin/python3.11" \
        "$folder/capture.py" "$kind" || stop "the $kind wheel failed"
    echo "$((SECONDS - began)) s"
done
