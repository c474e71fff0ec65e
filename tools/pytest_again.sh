#!/usr/bin/env bash
# pytest for CI: pytest_again.sh PYTEST ARGUMENTS...
#
# The tests start real processes and wait for them, and CI's machine is shared. With
# AGAIN set, up to three tests that failed are run twice more, alone; if they pass both
# times the run counts, and each is named in the file that AGAIN names, which .ci/run
# prints at the end. More than three, or a run that broke off, fail at once.
set -uo pipefail
pytest=$1
shift
[ -n "${AGAIN:-}" ] || exec "$pytest" "$@"

# Of its own, since CI runs some suites side by side.
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
"$pytest" -o cache_dir="$cache" "$@"
status=$?
[ "$status" -eq 1 ] || exit "$status"
list='import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")'
mapfile -t failed < <("$(dirname "$pytest")/python" -c "$list" "$cache/v/cache/lastfailed")
[ "${#failed[@]}" -ge 1 ] && [ "${#failed[@]}" -le 3 ] || exit 1
for round in 1 2; do
    printf '\n=== once more, alone (%d of 2): %s\n' "$round" "${failed[*]}"
    "$pytest" -n 0 "${failed[@]}" || exit 1
done
printf '%s\n' "${failed[@]}" >>"$AGAIN"
