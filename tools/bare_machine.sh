#!/usr/bin/env bash
# `make demo` and `make test` on a machine with only git, make and a Python, for
# `make test-bare`: a minimal Debian, as another user than root.
#
# Usage: bare_machine.sh [ARGUMENTS OF PYTEST]     as in make test BUT=
#
# The Debian lies in memory, in namespaces of its own. All of it goes when the script ends,
# and nothing of the system changes. It clones what is committed. How the machine reaches its
# registries is passed on: the settings of apt and pip, proxies and certificates. Debian's
# packages stay in .cache/bare, for the next run.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
task="make test-bare"
cache=$PWD/.cache/bare
log=$cache/log
suite=bookworm
. tools/private_apt.sh

if [ -z "${BARE_ROOT:-}" ]; then
    need_debian "Run it on one; CI does."
    [ "$(id -u)" = 0 ] || stop "debootstrap and chroot need root"
    type -P debootstrap >/dev/null || stop "debootstrap is missing: apt install debootstrap"
    mkdir -p "$cache/debs"
    BARE_ROOT=$(mktemp -d)
    export BARE_ROOT
    trap 'rmdir "$BARE_ROOT"' EXIT
    unshare --mount --propagation private --pid --fork --kill-child bash "$0" "$@"
    exit
fi

. /etc/os-release
root=$BARE_ROOT
home=/home/visitor

timed() {
    printf '%s: %d s\n' "$1" $((SECONDS - began))
    began=$SECONDS
}

in_root() {
    DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"
}

install_packages() {
    quietly "apt-get install $*" in_root apt-get install --yes "$@"
}

settings() {
    env | grep -E '^(PIP_[A-Z_]+|[A-Za-z]+_(proxy|PROXY)|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE)=' || true
}

# Run make in the clone, as the user: with no variable of this shell but the settings.
visitor_makes() {
    local each variables=()
    while IFS= read -r each; do variables+=("$each"); done < <(settings)
    chroot --userspec=visitor "$root" env -i "HOME=$home" LANG=C.UTF-8 USER=visitor \
        PATH=/usr/local/bin:/usr/bin:/bin "${variables[@]}" \
        make --no-print-directory -C "$home/checkout" "$@" </dev/null
}

# Copy a file of this machine, if there is one: pass_on FILE [PLACE]
pass_on() {
    local place=${2:-$1}
    [ -f "$1" ] || return 0
    mkdir -p "$root$(dirname "$place")"
    cp -L "$1" "$root$place"
}

pass_on_certificates() {
    local each
    for each in /etc/ssl/certs/ca-certificates.crt \
        $(settings | sed -nE 's/^[A-Z_]+(CERT|CERT_FILE|CA_BUNDLE)=//p'); do
        pass_on "$each"
    done
}

began=$SECONDS
mount -t tmpfs -o mode=755 bare "$root"
quietly debootstrap debootstrap --variant=minbase --keyring "$(keyring)" \
    --cache-dir="$cache/debs" "$suite" "$root" "$(mirror)"
mount -t proc proc "$root/proc"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount --bind "$cache/debs" "$root/var/cache/apt/archives"
acquire_settings >"$root/etc/apt/apt.conf.d/machine"
echo 'APT::Install-Recommends "false"; APT::Sandbox::User "root";' \
    >"$root/etc/apt/apt.conf.d/minimal"
pass_on_certificates
quietly "apt-get update" in_root apt-get update
install_packages git make python3
in_root useradd --create-home visitor
timed "$suite, minbase, with git, make and $(in_root python3 --version)"

pass_on /etc/pip.conf
for each in "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf"; do
    pass_on "$each" "$home/.config/pip/pip.conf"
done
git clone --quiet --no-hardlinks . "$root$home/checkout"
[ -z "$(git status --porcelain)" ] || echo "What is not committed is not tried."
in_root chown -R visitor:visitor "$home"
for each in cc gcc c++ clang; do
    ! in_root sh -c "command -v $each" || stop "the machine has a compiler: $each"
done

# Without headers and venv, make says on one line what to install. It must be right.
if visitor_makes demo >"$log" 2>&1; then
    stop "make demo needs no headers?"
fi
cat "$log"
[ "$(wc -l <"$log")" = 1 ] || stop "make demo printed more than one line"
said=$(sed -n 's/^.*: apt install \(.*[a-z]\)\.  Stop\.$/\1/p' "$log")
[ -n "$said" ] || stop "make demo named no packages"
read -ra packages <<<"$said"
install_packages "${packages[@]}"
# The package ca-certificates came along, and replaced them.
pass_on_certificates
timed "apt install ${packages[*]}"

visitor_makes demo
timed "make demo"

# Without an engine most tests skip.
for module in ops_service.heap._walker ops_client.heap_graph._native; do
    chroot --userspec=visitor "$root" sh -c "cd $home/checkout && .venv/3.*/bin/python -c \
        'import $module; print($module.__name__, \"compiled by zig\")'"
done
visitor_makes test "BUT=$*"
timed "make test BUT='$*'"
