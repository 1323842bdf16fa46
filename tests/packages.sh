#!/usr/bin/env bash
# Makes the packages, and from an empty package cache an application that installs them from a folder: it runs, and so does what it
# publishes, in a folder or as one file. The program is that of the package's own readme, made short. In the end a native library that
# Ard.Trainers.targets does not know has to be left alone. Usage: tests/packages.sh
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export NUGET_PACKAGES=$work/cache DOTNET_CLI_UI_LANGUAGE=en
quietly() { "$@" > "$work/log" 2>&1 < /dev/null || { tail -n 40 "$work/log"; echo "-- FAILED: $*"; exit 1; }; }
says_accuracy() { # what a program prints, started from another folder
    local said
    said=$(cd / && "$@" 2>&1) || { echo "$said"; echo "-- FAILED: $*"; exit 1; }
    [[ $said == *'PGD-20'* ]] || { echo "-- $* printed: $said"; exit 1; }
    echo "-- $*: $said"
}

mkdir "$work/source"
(cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$work/source")
(cd "$work/source" && quietly dotnet pack src/Ard.Trainers -o "$work/packages" && quietly dotnet pack src/Ard.MLNet -o "$work/packages")

cd "$work"
quietly dotnet new console -o MyApp
cat > nuget.config <<END
<configuration><packageSources><add key="made here" value="packages" /></packageSources></configuration>
END
sed -n '/^```csharp$/,/^```$/ { /^```/d; s/LoadGlyphs([0-9]*/LoadGlyphs(500/; p; }' "$root/src/Ard.MLNet/README.md" \
    > MyApp/Program.cs
version=$(basename packages/Ard.MLNet.*.nupkg .nupkg)
quietly dotnet add MyApp package Ard.MLNet --version "${version#Ard.MLNet.}"
quietly dotnet add MyApp package TorchSharp-cpu --version "$(sed -n "s/.*<TorchSharpVersion.*!.*>\(.*\)<.*/\1/p" "$root/Directory.Packages.props")"
before=$(md5sum cache/torchsharp/*/runtimes/*/native/*)
quietly dotnet build MyApp -c Release
quietly ls cache/ard.trainers/*/buildTransitive/Ard.Trainers.targets
says_accuracy dotnet run --no-build --project "$work/MyApp" -c Release
quietly dotnet publish MyApp -c Release -o published
says_accuracy dotnet "$work/published/MyApp.dll"
rm -r published
quietly dotnet publish MyApp -c Release -r "$(dotnet --info | sed -n 's/ *RID: *//p')" --self-contained -p:PublishSingleFile=true -o published
says_accuracy "$work/published/MyApp"
[[ $before == "$(md5sum cache/torchsharp/*/runtimes/*/native/*)" ]] || { echo '-- The package cache has been written to.'; exit 1; }

library=$(echo cache/torchsharp/*/runtimes/linux-x64/native/libLibTorchSharp.so) copy=MyApp/bin/Release/*/runtimes/linux-x64/native/libLibTorchSharp.so
quietly dotnet build MyApp -c Release -p:ArdOlderCxxLibrary=true
! cmp -s "$library" $copy || { echo '-- The library has not been made loadable.'; exit 1; }
sed -i s/_ZSt21ios_base_library_initv/_ZSt21ios_base_library_initx/ "$library"
quietly dotnet build MyApp -c Release -p:ArdOlderCxxLibrary=true
grep -q 'is left as it is' "$work/log" || { echo '-- Nothing is said of a library that is not known.'; exit 1; }
quietly cmp "$library" $copy
