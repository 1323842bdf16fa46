#!/usr/bin/env bash
# Writes the lists of public members, src/*/PublicAPI.Unshipped.txt, anew from the sources: what the analyzer finds missing in empty lists.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
built='' log=$(mktemp)
dotnet build "$root/build/Publicizer" -c Release -v q '-clp:ErrorsOnly;NoSummary'
for name in Ard.Trainers Ard.MLNet Ard.MLNet.Parquet; do
    list=$root/src/$name/PublicAPI.Unshipped.txt
    echo '#nullable enable' > "$list"
    dotnet build "$root/src/$name" -c Release -v q '-clp:ErrorsOnly;NoSummary' "-p:ErrorLog=$log%2Cversion=2.1" \
        -p:TreatWarningsAsErrors=false -p:EnforceCodeStyleInBuild=false ${built:+-p:BuildProjectReferences=false}
    built=1
    sed -n 's/^ *"APIName": "\(.*\)",$/\1/p' "$log" | sed 's/\\"/"/g' | LC_ALL=C sort -u >> "$list"
done
rm -f "$log"
