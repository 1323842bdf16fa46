# .\ard.ps1 VERB [arguments]: on Windows what ./ard is elsewhere; .\ard.ps1 help lists the verbs, and each has --help.
# Where Windows lets no script run: powershell -ExecutionPolicy Bypass -File ard.ps1 VERB [arguments]
$ErrorActionPreference = 'Stop'
$env:DOTNET_NOLOGO, $env:DOTNET_CLI_TELEMETRY_OPTOUT, $env:DOTNET_CLI_UI_LANGUAGE = '1', '1', 'en'
# PowerShell reads a,b as a list.
$verb, $rest = $args[0], @($args | Select-Object -Skip 1 | ForEach-Object { $_ -join ',' })
function Start-Project($project) { dotnet run -c Release --project "$PSScriptRoot/$project" -- @rest; exit $LASTEXITCODE }
function Test-All {
    $expression, $short, $others = '', 'Category!=Long', @()
    for ($i = 0; $i -lt $rest.Count; $i++) {
        switch ($rest[$i]) {
            '--all' { $short = '' }
            '--filter' { $expression = "($($rest[++$i]))" }
            default { $others += $_ }
        }
    }
    $filter = ($expression, $short | Where-Object { $_ }) -join '&'
    if ($filter) { $others += '--filter', $filter }
    dotnet build "$PSScriptRoot/Ard.sln" -c Release -v q -clp:ErrorsOnly
    if ($LASTEXITCODE) { exit $LASTEXITCODE }
    # One project at a time: libtorch takes all cores by itself.
    dotnet test "$PSScriptRoot/Ard.sln" -c Release --no-build -m:1 @others
    exit $LASTEXITCODE
}
switch ($verb) {
    'demo' { Start-Project examples/Quickstart }
    { $_ -in 'distill', 'teacher', 'evaluate', 'merge', 'compare', 'corruptions', 'inspect', 'import', 'export' } {
        $rest = @($verb) + $rest; Start-Project examples/Distill }
    'test' { Test-All }
    'bench' { Start-Project bench/Ard.Bench }
    'docs' { Set-Location $PSScriptRoot; dotnet tool restore; dotnet docfx docs/docfx.json; exit $LASTEXITCODE }
    { -not $_ -or $_ -in '-h', 'help', '--help' } { Select-String '^#   (?!api)' "$PSScriptRoot/ard" | ForEach-Object { $_.Line.Substring(2) } }
    default { [Console]::Error.WriteLine("ard: unknown verb '$verb'; .\ard.ps1 help lists them"); exit 1 }
}
