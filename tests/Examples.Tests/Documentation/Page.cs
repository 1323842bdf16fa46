using System.Runtime.CompilerServices;
using Markdig;
using Markdig.Extensions.AutoIdentifiers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Ard.Examples.Tests.Documentation;

/// <summary>A Markdown file of the repository.</summary>
internal sealed class Page
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables().UseAutoIdentifiers(AutoIdentifierOptions.GitHub).UseGenericAttributes().UsePreciseSourceLocation().Build();

    // What builds and runs leave behind; the folders that git does not follow begin with a dot.
    private static readonly string[] NotOurs = ["artifacts", "out", "node_modules", "shared"];

    private readonly MarkdownDocument document;

    private Page(string path)
    {
        Path = path;
        document = Markdown.Parse(File.ReadAllText(path), Pipeline);
    }

    /// <summary>The repository.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Page> All { get; } = [.. Files(Root).Order(StringComparer.Ordinal).Select(path => new Page(path))];

    /// <summary>Fails with all of the faults, each on a line.</summary>
    public static void None(IEnumerable<string> faults) => Assert.True(!faults.Any(), string.Join('\n', faults));

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Its path in the repository.</summary>
    public string Name => System.IO.Path.GetRelativePath(Root, Path).Replace('\\', '/');

    /// <summary>Its links and pictures, with the line that each is on.</summary>
    public IEnumerable<(string Url, int Line)> Links =>
        document.Descendants<LinkInline>().Where(link => link.Url is not null).Select(link => (link.Url!, link.Line + 1));

    /// <summary>What a link's part behind # may name: the headings as GitHub names them.</summary>
    public IReadOnlySet<string> Anchors =>
        field ??= document.Descendants<HeadingBlock>().Select(heading => heading.GetAttributes().Id!).ToHashSet();

    /// <summary>Its blocks of code in a language, with the line that each begins on.</summary>
    public IEnumerable<(string Code, int Line)> Code(string language) =>
        document.Descendants<FencedCodeBlock>().Where(block => block.Info == language)
            .Select(block => (block.Lines.ToString(), block.Line + 2));

    private static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*.md").Concat(Directory.EnumerateDirectories(folder)
            .Where(inner => System.IO.Path.GetFileName(inner) is var name && name[0] != '.' && !NotOurs.Contains(name)).SelectMany(Files));

    private static string FindRoot([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(here, "..", "..", "..", ".."));
}
