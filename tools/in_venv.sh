#!/usr/bin/env bash
# Run a command with the tools of `make check`: in_venv.sh COMMAND [ARGUMENTS]
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest that make made; VERSION=3.11 takes another.
stamp=$(compgen -G ".venv/${VERSION:-3.*}/check.stamp" | sort -V | tail -n 1 || true)
if [ -z "$stamp" ]; then
    echo "run 'make check' once, which installs the tools" >&2
    exit 1
fi
PATH=$PWD/$(dirname "$stamp")/bin:$PATH exec "$@"
