using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Ard.Samples.Tests.Notebooks;

/// <summary>One cell: a text for people, or code.</summary>
internal sealed record Cell(bool IsCode, string Text);

/// <summary>
/// A notebook's source: a C# program of one file in the percent format that Jupytext knows. A line <c>// %%</c> begins a cell of code,
/// <c>// %% [markdown]</c> a text in comments. What stands before the first of them, the <c>#:</c> lines of a program, is a cell of
/// <c>#r</c> lines in a notebook.
/// </summary>
internal static class NotebookSource
{
    private const string CodeMark = "// %%", TextMark = "// %% [markdown]", PackageMark = "#:package ";

    /// <summary>The cells of a notebook.</summary>
    public static IReadOnlyList<Cell> Read(string program)
    {
        var cells = new List<Cell>();
        foreach (var line in program.ReplaceLineEndings("\n").Split('\n'))
        {
            if (line is CodeMark or TextMark) cells.Add(new Cell(line == CodeMark, ""));
            else if (cells is [.., var cell]) cells[^1] = cell with { Text = cell.Text + (cell.IsCode ? line : Uncommented(line)) + "\n" };
        }
        var firstCode = cells.FindIndex(cell => cell.IsCode);
        return
        [
            .. cells.Take(firstCode).Append(References(program)).Concat(cells.Skip(firstCode))
                .Select(cell => cell with { Text = cell.Text.Trim('\n') }),
        ];
    }

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../.."));

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static string Uncommented(string line) => line switch
    {
        "" or "//" => "",
        _ when line.StartsWith("// ", StringComparison.Ordinal) => line[3..],
        _ => throw new FormatException($"A text of the notebook has the line '{line}', expected a comment."),
    };

    private static Cell References(string program)
    {
        var pins = XDocument.Load(Path.Combine(Root, "Directory.Packages.props"));
        var torchSharp = pins.Descendants("TorchSharpVersion").Last().Value;   // the first one is for Windows
        var versions = pins.Descendants("PackageVersion").ToDictionary(
            package => package.Attribute("Include")!.Value,
            package => package.Attribute("Version")!.Value.Replace("$(TorchSharpVersion)", torchSharp, StringComparison.Ordinal));
        var own = program.Split('\n').Where(line => line.StartsWith(PackageMark, StringComparison.Ordinal))
            .Select(line => line[PackageMark.Length..].Trim());
        string[] packages = ["Microsoft.ML", "Microsoft.ML.ImageAnalytics", "TorchSharp-cpu", .. own];
        return new Cell(true, string.Join('\n',
        [
            "// The library has no packages yet. Build it first, in the repository: dotnet build src/Ard.MLNet -c Release",
            .. packages.Select(package => $"#r \"nuget: {package}, {versions[package]}\""),
            .. new[] { "Ard.Trainers", "Ard.MLNet" }.Select(name => $"#r \"../../artifacts/bin/{name}/release/{name}.dll\""),
        ]));
    }
}
