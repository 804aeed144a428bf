#!/usr/bin/env bash
# Puts what runs of the fuzz build have found into the corpus of the repository: of the inputs that
# add coverage to what is there, the smallest, up to 24 KiB for each target.
set -euo pipefail
cd "$(dirname "$0")/../.."
limit=24576

bytes_in() { find "$1" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }

for program in build/fuzz/bin/fuzz_*; do
    name=$(basename "$program")
    kept=tests/fuzz/corpus/$name
    [[ -d build/fuzz/bin/corpus/$name && -d $kept ]] || continue
    merged=$(mktemp -d)
    cp "$kept"/* "$merged"
    "$program" -merge=1 "$merged" "build/fuzz/bin/corpus/$name" 2>/dev/null
    total=$(bytes_in "$kept")
    while read -r size file; do
        [[ -e $kept/$(basename "$file") ]] && continue
        total=$((total + size))
        [[ $total -le $limit ]] || break
        cp "$file" "$kept/"
    done < <(find "$merged" -type f -printf '%s %p\n' | sort -n)
    rm -rf "$merged"
    echo "$name: $(find "$kept" -type f | wc -l) inputs, $(bytes_in "$kept") bytes"
done
