using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Ard.Examples.Tests.Documentation;

/// <summary>The C# of the documentation compiles as it stands, each block a program or some types, without a warning.</summary>
public sealed class CodeTests
{
    // What ImplicitUsings means.
    private static readonly SyntaxTree Usings = CSharpSyntaxTree.ParseText(string.Concat(
        new[]
        {
            "System", "System.IO", "System.Linq", "System.Collections.Generic",
            "System.Net.Http", "System.Threading", "System.Threading.Tasks",
        }.Select(name => $"global using global::{name};")));

    // The libraries, what they need, and .NET, as the test itself runs on them.
    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    public static TheoryData<string> Pages =>
        [.. Page.All.Where(page => page.Code("csharp").Any()).Select(page => page.Name)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_block_compiles(string name)
    {
        var page = Page.All.Single(page => page.Name == name);
        Page.None(page.Code("csharp").SelectMany(block => Compile(block.Code)
            .Select(fault => $"{name}:{block.Line + fault.Location.GetLineSpan().StartLinePosition.Line}: {fault.GetMessage()}")));
    }

    private static IEnumerable<Diagnostic> Compile(string code) =>
        Compilation(code).GetDiagnostics().Where(fault => fault.Severity >= DiagnosticSeverity.Warning);

    internal static CSharpCompilation Compilation(string code)
    {
        var tree = CSharpSyntaxTree.ParseText(code);
        var kind = tree.GetCompilationUnitRoot().Members.Any(member => member is GlobalStatementSyntax)
            ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary;
        return CSharpCompilation.Create(
            "Documentation", [Usings, tree], References, new(kind, nullableContextOptions: NullableContextOptions.Enable));
    }
}
