#!/usr/bin/env bash
# Print the interpreters that can run the project, a VERSION=PATH line each:
# CPython 3.11 to 3.13 with venv and headers, from PATH and from pyenv.
set -euo pipefail

usable='
import ensurepip, os, platform, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
named = "%d.%d" % sys.version_info[:2] == sys.argv[1]
ok = named and gil and platform.python_implementation() == "CPython" and os.path.exists(header)
sys.exit(0 if ok else 1)
'

for version in 3.11 3.12 3.13; do
    candidates=$(
        type -P "python$version" || true
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python 2>/dev/null | sort -rV || true
        type -P python3 || true
        type -P python || true
    )
    while IFS= read -r candidate; do
        # A pyenv shim exists for versions that are not switched on: only running it tells.
        if [ -n "$candidate" ] && "$candidate" -c "$usable" "$version" >/dev/null 2>&1; then
            printf '%s=%s\n' "$version" "$("$candidate" -c 'import sys; print(sys.executable)')"
            break
        fi
    done <<<"$candidates"
done
