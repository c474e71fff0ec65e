#!/usr/bin/env bash
# Compare the contract with the one of a release: buf_breaking.sh BUF [REVISION].
# The default is the newest release tag that this commit descends from.
set -euo pipefail
cd "$(dirname "$0")/.."
buf=$1
revision=${2:-$(git describe --tags --match 'v[0-9]*' --abbrev=0 2>/dev/null || true)}
if [ -z "$revision" ]; then
    echo "buf breaking: there is no release (tag v*) to compare with yet"
    exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$revision" buf.yaml protos | tar -x -C "$before"
"$buf" breaking --against "$before"
echo "buf breaking: nothing broken since $revision"
