#!/usr/bin/env bash
# Runs one fuzz target for TRACKWAY_FUZZ_SECONDS.
set -euo pipefail
exec "$1" -max_total_time="${TRACKWAY_FUZZ_SECONDS:-5}" -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$(dirname "$1")/"
