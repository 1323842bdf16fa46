using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Ard.Reference;

/// <summary>The compiled libraries beside this program, with what their XML documentation says of each symbol.</summary>
internal sealed class Library
{
    private readonly CSharpCompilation compilation;
    private readonly Dictionary<string, XElement> documentation;

    public Library(params string[] names)
    {
        var paths = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        compilation = CSharpCompilation.Create("Reference", references: paths.Select(path => MetadataReference.CreateFromFile(path)));
        var ours = paths.Where(path => names.Contains(Path.GetFileNameWithoutExtension(path)))
            .ToDictionary(path => Path.GetFileNameWithoutExtension(path));
        Assemblies = names.ToDictionary(name => name, name => compilation.References
            .Select(compilation.GetAssemblyOrModuleSymbol).OfType<IAssemblySymbol>().Single(assembly => assembly.Name == name));
        documentation = names.SelectMany(name => XDocument.Load(Path.ChangeExtension(ours[name], "xml")).Descendants("member"))
            .ToDictionary(member => member.Attribute("name")!.Value);
    }

    public IReadOnlyDictionary<string, IAssemblySymbol> Assemblies { get; }

    /// <summary>The symbol that a cref names; null where it is none that can be referred to.</summary>
    public ISymbol? Find(string cref) => DocumentationCommentId.GetFirstSymbolForDeclarationId(cref, compilation);

    /// <summary>The elements of a symbol's documentation: summary, param, returns …, those that it inherits behind its own.</summary>
    public IReadOnlyList<XElement> Documentation(ISymbol symbol) =>
        symbol.GetDocumentationCommentId() is { } id && documentation.ContainsKey(id) ? Documentation(id, symbol) : Positional(symbol);

    private List<XElement> Documentation(string id, ISymbol? symbol)
    {
        if (!documentation.TryGetValue(id, out var own)) return [];
        var elements = own.Elements().Where(element => element.Name != "inheritdoc").ToList();
        foreach (var inherit in own.Elements("inheritdoc").Where(inherit => inherit.Attribute("cref")?.Value != id))
        {
            var source = inherit.Attribute("cref") is { } cref ? Documentation(cref.Value, null)
                : Base(symbol ?? Find(id)) is { } parent ? Documentation(parent) : [];
            var path = inherit.Attribute("path")?.Value.Trim('/');
            elements.AddRange(source.Where(element =>
                (path is null || element.Name == path) && !elements.Any(mine => mine.Name == element.Name && Key(mine) == Key(element))));
        }
        return elements;

        static string? Key(XElement element) => (element.Attribute("name") ?? element.Attribute("cref"))?.Value;
    }

    // A record's parameter describes its property.
    private XElement[] Positional(ISymbol symbol) =>
        symbol is IPropertySymbol { ContainingType: { IsRecord: true } record }
            && Documentation(record).FirstOrDefault(element => element.Name == "param" && element.Attribute("name")?.Value == symbol.Name)
                is { } parameter
            ? [new XElement("summary", parameter.Nodes())]
            : [];

    private static ISymbol? Base(ISymbol? symbol) =>
        (ISymbol?)(symbol as IMethodSymbol)?.OverriddenMethod ?? (symbol as IPropertySymbol)?.OverriddenProperty
        ?? (ISymbol?)(symbol as INamedTypeSymbol)?.BaseType ?? symbol?.ContainingType?.AllInterfaces.SelectMany(type => type.GetMembers())
            .FirstOrDefault(member => symbol.Equals(
                symbol.ContainingType.FindImplementationForInterfaceMember(member), SymbolEqualityComparer.Default));
}
