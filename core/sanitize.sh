#!/usr/bin/env bash
# Builds the core's driver with each sanitizer and runs it. Arguments: the sanitizers, by default all.
set -euo pipefail
core="$(cd "$(dirname "$0")" && pwd)"
build="${SANITIZE_BUILD:-$core/../build/sanitize}"
[ $# -gt 0 ] || set -- address,undefined thread
for sanitizer in "$@"; do
    folder="$build/${sanitizer//,/-}"
    cmake -S "$core/sanitize" -B "$folder" -DSANITIZER="$sanitizer" >/dev/null
    cmake --build "$folder" --parallel 2 >/dev/null
    echo "$sanitizer:"
    "$folder/driver"
done
