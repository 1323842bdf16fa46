namespace Ard.Examples.Tests.Documentation;

/// <summary>No link of the documentation leads nowhere. Addresses outside of the repository are checked by their form only.</summary>
public sealed class LinkTests
{
    [Fact]
    public void Links_lead_to_files_and_headings_that_there_are() =>
        Page.None(Page.All.SelectMany(page => page.Links.Select(link => (link, Fault: Fault(page, link.Url)))
            .Where(found => found.Fault is not null).Select(found => $"{page.Name}:{found.link.Line}: {found.link.Url}: {found.Fault}")));

    [Fact]
    public void Every_page_under_docs_is_reached_from_the_README()
    {
        var pages = Page.All.ToDictionary(page => page.Path);
        var reached = new HashSet<string>();
        var next = new Stack<string>([Path.Combine(Page.Root, "README.md")]);
        while (next.TryPop(out var path))
        {
            if (!reached.Add(path)) continue;
            foreach (var (url, _) in pages[path].Links)
                if (Target(pages[path], url.Split('#')[0]) is { } target && pages.ContainsKey(target)) next.Push(target);
        }
        Page.None(Page.All.Select(page => page.Name).Where(name => name.StartsWith("docs/", StringComparison.Ordinal))
            .Except(reached.Select(path => pages[path].Name)));
    }

    private static string Target(Page page, string file) => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page.Path)!, file));

    private static string? Fault(Page page, string url)
    {
        if (url.Contains(':'))
            return Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme == "https" && address.Host.Contains('.')
                ? null : "expected an https address";
        var (file, anchor) = url.Split('#', 2) is [var before, var behind] ? (Uri.UnescapeDataString(before), behind) : (url, null);
        var target = file == "" ? page.Path : Target(page, file);
        if (!target.StartsWith(Page.Root, StringComparison.Ordinal)) return "is outside of the repository";
        if (!File.Exists(target) && !Directory.Exists(target)) return "there is no such file";
        if (anchor is null) return null;
        var other = Page.All.FirstOrDefault(other => other.Path == target);
        if (other is null) return "an anchor is possible in a page only";
        return other.Anchors.Contains(anchor) ? null : $"there is no such heading; there are {string.Join(", ", other.Anchors)}";
    }
}
