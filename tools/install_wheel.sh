#!/usr/bin/env bash
# Install a wheel as a user would on a slim image: not as root, without a compiler or headers,
# on another patch release than it was built on. Then capture from a read-only file system.
#
# Usage: install_wheel.sh WHEELS PIP PYTHON
#
# WHEELS is the folder of the wheels, PIP the package of a pip (any interpreter runs it), and
# PYTHON an interpreter that every user may run.
set -euo pipefail
wheels=$1 pip=$2 python=$3
nobody=65534

minor=$("$python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
wheel=$(ls "$wheels"/ops_service-*-"$minor"-"$minor"-*_"$(uname -m)".whl | grep -v musl | head -n 1)
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
chmod 755 "$home"
cp -r "$pip" "$home/pip"
cp "$wheel" "$home"
chown -R "$nobody" "$home"

# With a PATH that has no compiler. The settings of pip may stand in its variables.
as_user() {
    setpriv --reuid="$nobody" --regid="$nobody" --clear-groups env -i HOME="$home" \
        PATH="$home/venv/bin" $(env | grep '^PIP_' || true) "$@"
}

began=$SECONDS
as_user "$python" -m venv --without-pip "$home/venv"
as_user "$home/venv/bin/python" "$home/pip" -qq --no-cache-dir install --only-binary :all: \
    "$home/${wheel##*/}[cli]"
echo "installed ${wheel##*/} in $((SECONDS - began)) s"
as_user opsctl --help >/dev/null

cat >"$home/capture.py" <<'END'
import sys

from ops_service.heap.engine import engine_status
from ops_service.heap.model import CaptureOptions
from ops_service.heap.snapshot import start_capture

status = engine_status()
assert status.available, status.reason
with start_capture(CaptureOptions()) as capture:
    size = sum(map(len, capture))
release = sys.version.split()[0]
print(f"CPython {release}, walker of {status.compiled_for}:", end=" ")
print(f"captured {capture.summary.object_count:,} objects in {size:,} bytes, read-only")
END
export -f as_user
export home nobody
unshare --mount bash -euc 'mount --bind "$home" "$home"
    mount -o remount,bind,ro "$home"
    ! touch "$home/written" 2>/dev/null
    as_user python "$home/capture.py"'
