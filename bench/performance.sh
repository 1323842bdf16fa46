#!/usr/bin/env bash
# Prints the tables of docs/performance.md. On a quiet machine; what is compared takes turns.
#   bench/performance.sh    AutoAttack is compared where ARD_AUTOATTACK names a checkout of github.com/fra31/auto-attack, PyTorch where a Python
#                           has it: ARD_PYTHON, python3 or /usr/bin/python3 (Debian: apt install python3-torch).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for project in bench/Ard.Bench examples/Quickstart; do
    dotnet build "$root/$project" -c Release -v q -clp:ErrorsOnly --nologo
done
run() { dotnet run --no-build -c Release --project "$root/$1" -- "${@:2}"; }

sed -n '/^model name/ { s/.*: /Processor: /p; q }' /proc/cpuinfo
echo "Processors: $(nproc)"
run bench/Ard.Bench all

# Demos alone, then two at once, three times in turns; seconds.
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
demo() { run examples/Quickstart --output "$out/$1" > /dev/null; }
clock() { local begin=$EPOCHREALTIME; "$@"; awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $begin }"; }
both() { demo 1 & demo 2; wait $!; }
printf '\nThe demo alone and two at once, seconds; the ratio is to twice the time of one alone\n\n| one | two at once | ratio |\n|--:|--:|--:|\n'
for _ in 1 2 3; do
    one=$(clock demo 1) two=$(clock both)
    awk "BEGIN { printf \"| %.1f | %.1f | %.2f |\n\", $one, $two, $two / (2 * $one) }"
done
