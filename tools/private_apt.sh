# Sourced by scripts that take packages of Debian without a change to the system.
# They set $task, which begins each message, and $log.
# shellcheck shell=bash

stop() {
    printf '%s: %s\n' "$task" "$*" >&2
    exit 1
}

# Run a command with its output in the log: quietly WHAT COMMAND...
quietly() {
    local what=$1
    shift
    "$@" >"$log" 2>&1 </dev/null || stop "$what failed:" \
        "$(grep -m 1 -E '^(E|ERROR): ' "$log" || tail -n 1 "$log")." \
        "Check the network and $log, then run $task again."
}

# Stop unless this is Debian: need_debian WHAT TO DO OTHERWISE
need_debian() {
    type -P apt-get >/dev/null || stop "this machine has no apt-get, so it is not Debian. $*"
    . /etc/os-release
    [ "$ID" = debian ] || stop "this machine is not Debian but ${PRETTY_NAME:-$ID}. $*"
}

# Print the address of the archive that the machine itself uses.
mirror() {
    local found
    found=$(apt-get indextargets --no-release-info --format '$(COMPONENT) $(RELEASE) $(REPO_URI)' \
        'Created-By: Packages' |
        awk -v own="${VERSION_CODENAME:-stable}" '$1 == "main" && $3 != "" &&
            ($2 == own || $2 ~ /^(oldstable|stable|testing|unstable|sid)$/) {print $3; exit}')
    [ -n "$found" ] || stop "apt's sources name no Debian archive. Add one, then run $task again."
    echo "$found"
}

keyring() {
    compgen -G '/usr/share/keyrings/debian-archive-keyring.[gp]*' | head -n 1
}

# How the machine's apt reaches its archive: proxies and the like.
acquire_settings() {
    apt-config dump | grep '^Acquire::.'
}

# Make $apt a folder for apt with an empty list of installed packages, so that it downloads
# every library, down to the C library: configure_apt SUITE [ARCHITECTURE]
configure_apt() {
    local archive
    archive=$(mirror)
    rm -rf "$apt"
    mkdir -p "$apt"/{lists,cache/archives}/partial
    touch "$apt/status"
    local architecture=${2:-$(dpkg --print-architecture)}
    printf 'deb [arch=%s signed-by=%s] %s %s main\n' "$architecture" "$(keyring)" \
        "$archive" "$1" >"$apt/sources.list"
    acquire_settings >"$apt/apt.conf"
    cat >>"$apt/apt.conf" <<END
APT::Architecture "$architecture";
APT::Architectures "$architecture";
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

# Unpack what was downloaded: unpack_downloads ROOT
unpack_downloads() {
    local package
    for package in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar --extract --directory "$1" \
            --exclude '*.a' --exclude ./usr/share/doc --exclude ./usr/share/man
    done
}
