using System.Text;
using System.Xml.Linq;
using Microsoft.CodeAnalysis;

namespace Ard.Reference;

/// <summary>The API reference: one Markdown page a namespace, and an index.</summary>
internal sealed class ApiReference(Library library)
{
    private static readonly SymbolDisplayFormat Signature = PublicMembers.Format(
        SymbolDisplayTypeQualificationStyle.NameAndContainingTypes, SymbolDisplayMemberOptions.None);

    private static readonly SymbolDisplayFormat Names = Signature.WithKindOptions(SymbolDisplayKindOptions.None);

    private readonly ILookup<string, INamedTypeSymbol> namespaces = library.Assemblies.Values
        .SelectMany(assembly => PublicMembers.Types(assembly.GlobalNamespace))
        .ToLookup(type => type.ContainingNamespace.ToDisplayString());

    /// <summary>File names and texts.</summary>
    public IEnumerable<(string Name, string Text)> Pages() => namespaces.OrderBy(each => each.Key, StringComparer.Ordinal)
        .Select(each => ($"{each.Key}.md", Page(each.Key, each))).Append(("README.md", Index()));

    private string Index()
    {
        var text = new StringBuilder("# API reference\n\nWritten by `./ard docs` from the XML documentation of the sources.\n");
        foreach (var each in namespaces.OrderBy(each => each.Key, StringComparer.Ordinal))
        {
            text.Append($"\n## {each.Key}\n\n");
            foreach (var type in each)
                text.Append($"- [{Name(type)}]({each.Key}.md#{Anchor(type)}): {FirstSentence(Prose(Element(type, "summary"), null))}\n");
        }
        return text.ToString();
    }

    private string Page(string name, IEnumerable<INamedTypeSymbol> types)
    {
        var text = new StringBuilder($"# {name}\n\n[All namespaces](README.md)\n");
        foreach (var type in types)
        {
            text.Append($"\n## {Name(type)}\n\n`{Declaration(type)}`\n\n{Prose(Element(type, "summary"), name)}\n");
            if (Prose(Element(type, "remarks"), name) is { Length: > 0 } remarks) text.Append($"\n{remarks}\n");
            var members = PublicMembers.Of(type).Where(member => !IsUntold(member)).OrderBy(Kind).ToArray();
            if (members.Length > 0) text.Append('\n');
            foreach (var member in members) Append(text, member, name);
        }
        return text.ToString();
    }

    // The constructor that a class has by itself.
    private bool IsUntold(ISymbol member) =>
        member is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters: [] } && library.Documentation(member).Count == 0;

    // A constructor, then what a type has, then what it does.
    private static int Kind(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IFieldSymbol => 1,
        IPropertySymbol => 2,
        _ => 3,
    };

    private void Append(StringBuilder text, ISymbol member, string page)
    {
        var documentation = library.Documentation(member);
        text.Append($"- `{Short(member.ToDisplayString(Signature))}`");
        // A primary constructor has the type's own summary.
        var told = library.Documentation(member.ContainingType).Select(element => element.Value).ToHashSet();
        foreach (var element in documentation.Where(element => element.Name == "summary" || element.Name == "remarks"))
            if (!told.Contains(element.Value)) text.Append($"  \n  {Prose(element, page)}");
        text.Append('\n');
        foreach (var element in documentation)
        {
            if (element.Name == "param") text.Append($"  - `{element.Attribute("name")?.Value}`: {Prose(element, page)}\n");
            if (element.Name == "returns") text.Append($"  - Returns {Prose(element, page)}\n");
            if (element.Name == "exception")
                text.Append($"  - Throws {Link(element.Attribute("cref")!.Value, page)}: {Prose(element, page)}\n");
        }
    }

    private XElement? Element(ISymbol symbol, string name) => library.Documentation(symbol).FirstOrDefault(element => element.Name == name);

    private static string Declaration(INamedTypeSymbol type)
    {
        var parents = type.Interfaces.Where(each => each.Name != "IEquatable").ToList();
        if (type.BaseType is { SpecialType: SpecialType.None } parent) parents.Insert(0, parent);
        return Short(PublicMembers.Modifier(type) + type.ToDisplayString(Signature)
            + (parents.Count == 0 ? "" : $" : {string.Join(", ", parents.Select(each => each.ToDisplayString(Names)))}"));
    }

    // TorchSharp's types are nested in the static classes torch and nn.
    private static string Short(string signature) => signature.Replace("torch.", "").Replace("nn.", "");

    private static string Name(INamedTypeSymbol type) =>
        type.TypeKind == TypeKind.Delegate ? type.Name : Short(type.ToDisplayString(Names));

    // As GitHub makes it of the heading.
    private static string Anchor(INamedTypeSymbol type) =>
        string.Concat(Name(type).ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is '-' or '_'));

    private static string FirstSentence(string text) =>
        text.IndexOf(". ", StringComparison.Ordinal) is >= 0 and var end ? text[..(end + 1)] : text;

    // What XML documentation has, as Markdown on one line; links from the page of this namespace, or from the index.
    private string Prose(XElement? element, string? page)
    {
        if (element is null) return "";
        var text = new StringBuilder();
        foreach (var node in element.Nodes())
        {
            text.Append(node switch
            {
                XText plain => plain.Value.Replace("<", "\\<").Replace("*", "\\*").Replace("[", "\\[").Replace("|", "\\|"),
                XElement { Name.LocalName: "see" } see when see.Attribute("cref") is { } cref => Link(cref.Value, page),
                XElement { Name.LocalName: "see" } see => see.Attribute("href") is { } href
                    ? $"[{(see.Value == "" ? href.Value : see.Value)}]({href.Value})" : $"`{see.Attribute("langword")?.Value}`",
                XElement { Name.LocalName: "paramref" or "typeparamref" } reference => $"`{reference.Attribute("name")?.Value}`",
                XElement { Name.LocalName: "c" or "code" } code => $"`{code.Value}`",
                XElement { Name.LocalName: "list" } list => string.Join("; ", list.Elements().Select(item =>
                    item.Element("term") is { } term
                        ? $"{Prose(term, page)}: {Prose(item.Element("description"), page)}" : Prose(item, page))),
                XElement other => Prose(other, page),
                _ => "",
            });
        }
        return string.Join(' ', text.ToString().Split((char[])[' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries));
    }

    private string Link(string cref, string? page)
    {
        if (library.Find(cref) is not { } symbol) return $"`{cref.Split('(')[0].Split('.')[^1]}`";
        var type = symbol as INamedTypeSymbol ?? symbol.ContainingType;
        var name = ReferenceEquals(symbol, type) || symbol is IMethodSymbol { MethodKind: MethodKind.Constructor }
            ? Name(type) : $"{Name(type)}.{symbol.Name}";
        var home = type.ContainingNamespace.ToDisplayString();
        if (!namespaces[home].Contains(type, SymbolEqualityComparer.Default)) return $"`{name}`";
        return $"[{name.Replace("<", "\\<")}]({(home == page ? "" : $"{home}.md")}#{Anchor(type)})";
    }
}
