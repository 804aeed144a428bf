#!/usr/bin/env bash
# Runs one fuzz target for TRACKWAY_FUZZ_SECONDS: run_target.sh PROGRAM [DICTIONARY]. It begins with
# the seeds of the repository and with what earlier runs found, which stays beside the program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$1")
found=$(dirname "$1")/corpus/$name
mkdir -p "$found"
seeds=()
[[ -d $here/corpus/$name ]] && seeds=("$here/corpus/$name")
words=()
[[ -n ${2:-} ]] && words=("-dict=$here/$2")
# Files that targets write are in memory.
TMPDIR=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo /tmp)" trackway-fuzz-XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
"$1" -max_total_time="${TRACKWAY_FUZZ_SECONDS:-5}" -timeout=25 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$(dirname "$1")/" "${words[@]}" "$found" "${seeds[@]}"
