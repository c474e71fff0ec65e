#!/usr/bin/env bash
# Print the interpreters that can run the project, a VERSION=PATH line each: CPython 3.11 to
# 3.15 with venv and headers. Those that `make versions` unpacked come first, then those on
# PATH and in pyenv, so that make's default, the last one, is the newest of these.
#
# find_python.sh --missing prints one line instead: why there is no other, and what to install.
set -euo pipefail

# Print VERSION=PATH of one interpreter, or fail. A pyenv shim exists for versions that are
# not switched on: only running it tells.
probe() {
    "$1" -c '
import ensurepip, os, platform, sys, sysconfig, venv
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
if not (gil and platform.python_implementation() == "CPython" and os.path.exists(header)):
    sys.exit(1)
print("%d.%d=%s" % (*sys.version_info[:2], sys.executable))
' 2>/dev/null
}

# Print what each interpreter on PATH lacks, and the Debian packages that have it.
print_missing() {
    local name python found lacks packages=() reasons=() seen=" "
    for name in python3.{15,14,13,12,11} python3; do
        python=$(readlink -f "$(type -P "$name")") || continue
        # "3.11 headers venv": the release of a CPython that is new enough, and what it lacks.
        found=$("$python" -c '
import importlib.util, os, platform, sys, sysconfig
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
lacks = [] if os.path.exists(header) else ["headers"]
lacks += [] if all(map(importlib.util.find_spec, ("ensurepip", "venv"))) else ["venv"]
if (3, 11) <= sys.version_info[:2] <= (3, 15) and platform.python_implementation() == "CPython":
    print("%d.%d" % sys.version_info[:2], *lacks)
' 2>/dev/null) || continue
        read -r found lacks <<<"$found"
        [[ -n $lacks && $seen != *" $found "* ]] || continue
        seen+="$found "
        reasons+=("$python has no ${lacks/ / and no }")
        lacks=${lacks/headers/python$found-dev}
        [ "${#packages[@]}" -gt 0 ] || read -ra packages <<<"${lacks/venv/python$found-venv}"
    done
    [ "${#reasons[@]}" -gt 0 ] || reasons=("there is none on PATH or in pyenv")
    for name in python3.{15,14,13,12,11} python3; do
        [ "${#packages[@]}" -eq 0 ] || break
        # The distribution's own python3 may be older. Without lists of packages nobody knows.
        [ "$name" = python3 ] || apt-cache show "$name-venv" >/dev/null 2>&1 || continue
        packages=("$name" "$name-dev" "$name-venv")
    done
    printf 'No CPython 3.11 to 3.15 with headers and venv: %s. On Debian and Ubuntu: apt install %s\n' \
        "$(printf '%s; ' "${reasons[@]}" | sed 's/; $//')" "${packages[*]}"
}

if [ "${1:-}" = --missing ]; then
    print_missing
    exit
fi

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
