#!/usr/bin/env bash
# Runs every command of the README and of docs/install.md (their sh blocks), and the README's C# program, as a newcomer would: in a fresh
# copy of what git knows of this repository, from an empty package cache. What would take long is made small by the table below.
# Usage: docs/check-commands.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/path/to/this/repository
export NUGET_PACKAGES=$work/cache
mkdir -p "$copy"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy")

blocks() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/ { /^\`\`\`/d; p; }" "$root/$2"; } # of a language in a page
small() { # a command that does the same with less
    case $1 in
        './ard demo') echo './ard demo --scale 0.02 --threads 1' ;;
        './ard test') echo './ard test --filter FullyQualifiedName~LinkTests' ;; # builds everything
        *) echo "$1" ;;
    esac
}

failed=0
while IFS= read -r line; do
    command=$(sed 's/ *#.*//' <<< "$line")
    [[ -n $command ]] || continue
    folder=$work
    [[ $command != ./* ]] || folder=$copy
    # The program comes from the page, when the project is there.
    if [[ $command == 'dotnet run --project MyApp'* ]]; then
        blocks csharp README.md > "$folder/MyApp/Program.cs"
        # Photographs that the example draws, and trains on as little as it can.
        (cd "$copy" && dotnet run -c Release --project examples/ImageFolder -- --images 60 --size 32 --epochs 1 --output "$work/drawn")
        cp -r "$work/drawn/photographs" "$folder"
    fi
    echo "-- $(small "$command")"
    (cd "$folder" && eval "$(small "$command")") > "$work/log" 2>&1 < /dev/null || { failed=1; tail -n 40 "$work/log"; echo "-- FAILED: $command"; }
done < <(blocks sh README.md; blocks sh docs/install.md)
exit $failed
