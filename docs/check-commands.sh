#!/usr/bin/env bash
# Runs every command of the README (its sh blocks) and its C# program as a newcomer would: in a fresh copy of what git knows of this
# repository, in the order of the page. What would take long is made small by the table below; nothing is left out but what the machine's
# mode rules out, which is said. Usage: docs/check-commands.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy=$work/path/to/this/repository
mkdir -p "$copy"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy")
[[ ! -d $root/.ard ]] || cp -r "$root/.ard" "$copy/" # which packages this machine can have
mode=$(sed -n 's/.*<ArdDependencies>\(.*\)<.ArdDependencies>.*/\1/p' "$copy/.ard/dependencies.props" 2>/dev/null || true)
mode=${ARD_DEPENDENCIES-${mode:-NuGet}}

blocks() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/ { /^\`\`\`/d; p; }" "$root/README.md"; } # of a language
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
    if [[ $mode == Compat && $line == *'not with the stand-ins'* ]]; then echo "-- left out in Compat mode: $command"; continue; fi
    folder=$copy
    [[ $command != dotnet\ * ]] || folder=$work
    # The program comes from the page, when the project is there.
    if [[ $command == 'dotnet run --project MyApp'* ]]; then
        blocks csharp | sed 's/epochs: 20/epochs: 1/; s/LoadGlyphs([0-9]*/LoadGlyphs(100/' > "$folder/MyApp/Program.cs"
    fi
    echo "-- $(small "$command")"
    (cd "$folder" && eval "$(small "$command")") > "$work/log" 2>&1 < /dev/null || { failed=1; tail -n 40 "$work/log"; echo "-- FAILED: $command"; }
done < <(blocks sh)
exit $failed
