#!/usr/bin/env bash
# Print the interpreters that can run the project, a VERSION=PATH line each: CPython 3.11 to
# 3.15 with venv and headers. Those that `make versions` unpacked come first, then those on
# PATH and in pyenv, so that make's default, the last one, is the newest of these.
set -euo pipefail

# Print VERSION=PATH of one interpreter, or fail. A pyenv shim exists for versions that are
# not switched on: only running it tells.
probe() {
    "$1" -c '
import ensurepip, os, platform, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
print("%d.%d=%s" % (*sys.version_info[:2], sys.executable))
sys.exit(not (gil and platform.python_implementation() == "CPython" and os.path.exists(header)))
' 2>/dev/null
}

unversioned=$(for name in python3 python; do probe "$(type -P "$name")" || true; done)
installed=()
for version in 3.11 3.12 3.13 3.14 3.15; do
    candidates=$(
        type -P "python$version" || true
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python 2>/dev/null | sort -rV || true
    )
    lines=$(while IFS= read -r candidate; do ! probe "$candidate" || break; done <<<"$candidates")
    line=$(grep -m 1 "^$version=" <<<"$lines"$'\n'"$unversioned") && installed+=("$line")
done

# 3.13-late is another 3.13 than the installed one. 3.14 and 3.15 only stand in for one.
for link in "${DEBIAN_PYTHONS:-$(dirname "$0")/../.cache/pythons}"/3.*; do
    name=${link##*/}
    [[ " ${installed[*]} " != *" $name="* ]] || continue
    line=$(probe "$(readlink -f "$link")") && [[ $line == "${name%-*}="* ]] && echo "$name=${line#*=}"
done
[ "${#installed[@]}" -eq 0 ] || printf '%s\n' "${installed[@]}"
