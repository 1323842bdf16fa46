using Microsoft.CodeAnalysis;

namespace Ard.Reference;

/// <summary>What users of an assembly can see.</summary>
internal static class PublicMembers
{
    private static readonly SymbolDisplayFormat Full = Format(
        SymbolDisplayTypeQualificationStyle.NameAndContainingTypesAndNamespaces,
        SymbolDisplayMemberOptions.IncludeContainingType | SymbolDisplayMemberOptions.IncludeAccessibility);

    /// <summary>Signatures of types and members as they are declared.</summary>
    public static SymbolDisplayFormat Format(SymbolDisplayTypeQualificationStyle names, SymbolDisplayMemberOptions more) => new(
        SymbolDisplayGlobalNamespaceStyle.Omitted,
        names,
        SymbolDisplayGenericsOptions.IncludeTypeParameters | SymbolDisplayGenericsOptions.IncludeTypeConstraints,
        SymbolDisplayMemberOptions.IncludeType | SymbolDisplayMemberOptions.IncludeParameters | SymbolDisplayMemberOptions.IncludeModifiers
            | SymbolDisplayMemberOptions.IncludeConstantValue | more,
        SymbolDisplayDelegateStyle.NameAndSignature,
        SymbolDisplayExtensionMethodStyle.StaticMethod,
        SymbolDisplayParameterOptions.IncludeType | SymbolDisplayParameterOptions.IncludeName
            | SymbolDisplayParameterOptions.IncludeDefaultValue | SymbolDisplayParameterOptions.IncludeParamsRefOut
            | SymbolDisplayParameterOptions.IncludeExtensionThis,
        SymbolDisplayPropertyStyle.ShowReadWriteDescriptor,
        SymbolDisplayLocalOptions.None,
        SymbolDisplayKindOptions.IncludeTypeKeyword,
        SymbolDisplayMiscellaneousOptions.UseSpecialTypes | SymbolDisplayMiscellaneousOptions.EscapeKeywordIdentifiers
            | SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    /// <summary>One line a type and a member, the members behind their type.</summary>
    public static string Of(IAssemblySymbol assembly) => string.Concat(
        Types(assembly.GlobalNamespace).SelectMany(type => Of(type)
            .OrderBy(member => member.GetDocumentationCommentId(), StringComparer.Ordinal).Prepend((ISymbol)type))
            .Select(symbol => $"{Line(symbol)}\n"));

    /// <summary>static, abstract, sealed or nothing, before the keyword of a type.</summary>
    public static string Modifier(INamedTypeSymbol type) =>
        type.TypeKind != TypeKind.Class ? "" : type.IsStatic ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";

    /// <summary>The public types of a namespace and of those within it, nested ones behind their own.</summary>
    public static IEnumerable<INamedTypeSymbol> Types(INamespaceOrTypeSymbol container) =>
        container.GetMembers().OrderBy(member => member.Name, StringComparer.Ordinal).SelectMany(member => member switch
        {
            INamespaceSymbol inner => Types(inner),
            INamedTypeSymbol type when IsVisible(type) => Types(type).Prepend(type),
            _ => [],
        });

    /// <summary>The members of a type that users can see and that somebody has written; nested types are not among them.</summary>
    public static IEnumerable<ISymbol> Of(INamedTypeSymbol type) =>
        type.GetMembers().Where(member => IsVisible(member) && member is not INamedTypeSymbol && !IsMadeByTheCompiler(member));

    private static string Line(ISymbol symbol) => symbol is INamedTypeSymbol { BaseType: { } parent } type
        ? $"{Modifier(type)}{symbol.ToDisplayString(Full)} : "
            + string.Join(", ", type.Interfaces.Prepend(parent).Select(each => each.ToDisplayString()))
        : symbol.ToDisplayString(Full);

    private static bool IsVisible(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal
        && (symbol.DeclaredAccessibility == Accessibility.Public || symbol.ContainingType is { IsSealed: false });

    private static bool IsMadeByTheCompiler(ISymbol symbol) =>
        symbol is IMethodSymbol
        {
            MethodKind: not (MethodKind.Ordinary or MethodKind.Constructor or MethodKind.UserDefinedOperator or MethodKind.Conversion)
        }
        || symbol.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == "CompilerGeneratedAttribute")
        || symbol is IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters: [], ContainingType.TypeKind: TypeKind.Struct }
        || symbol.ContainingType is { TypeKind: TypeKind.Enum } && symbol is not IFieldSymbol { HasConstantValue: true };
}
