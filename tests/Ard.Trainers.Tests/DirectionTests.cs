using System.Reflection;
using static Ard.Trainers.Tests.Fixtures.CompiledCode;

namespace Ard.Trainers.Tests;

/// <summary>The folders of Ard.Trainers, which are its namespaces, depend downwards only.</summary>
public sealed class DirectionTests
{
    /// <summary>A folder knows those in the lines below its own.</summary>
    private const string Picture = """
        Reports
        Training
        Objectives   Evaluation
        Attacks   Onnx   Checkpoints
        Networks
        Data   Distributed
        Native
        Tensors   Settings
        """;

    private static readonly string[][] Lines =
        [.. Picture.Split('\n').Select(line => line.Split([' ', '\r'], StringSplitOptions.RemoveEmptyEntries))];

    [Fact]
    public void Folders_depend_downwards_only()
    {
        var wrong = from type in typeof(Attack).Assembly.GetTypes()
                    let folder = Folder(type)
                    where folder is not null
                    from used in Used(type).Select(Folder).Distinct()
                    where used is not null && used != folder && Line(used) <= Line(folder)
                    select $"{folder} → {used} in {type}";
        Assert.Empty(wrong);
    }

    [Fact]
    public void The_contributors_page_shows_the_picture() =>
        Assert.Contains(Picture.ReplaceLineEndings(), File.ReadAllText(Shared.InRepository("CONTRIBUTING.md")).ReplaceLineEndings());

    private static int Line(string folder) => Array.FindIndex(Lines, line => line.Contains(folder)) is >= 0 and var line
        ? line
        : throw new InvalidOperationException($"The folder {folder} is not in the picture.");

    private static string? Folder(Type type) =>
        type.Namespace?.Split('.') is ["Ard", "Trainers", var folder, ..] && type.Assembly == typeof(Attack).Assembly ? folder : null;

    private static IEnumerable<Type> Used(Type type) =>
        type.GetFields(AllMembers).SelectMany(Types)
            .Concat(Methods(type).SelectMany(method => Types(method)
                .Concat(Members(method).SelectMany(Types))
                .Concat((method.GetMethodBody()?.LocalVariables ?? []).SelectMany(local => Parts(local.LocalType)))))
            .Concat(type.GetInterfaces().Append(type.BaseType ?? type).SelectMany(Parts));

    private static IEnumerable<Type> Types(MemberInfo member) => member switch
    {
        Type type => Parts(type),
        FieldInfo field => Parts(field.FieldType).Concat(Parts(field.DeclaringType!)),
        MethodInfo method => Parts(method.ReturnType).Concat(method.GetGenericArguments().SelectMany(Parts)).Concat(OfAny(method)),
        _ => OfAny((MethodBase)member),
    };

    private static IEnumerable<Type> OfAny(MethodBase method) =>
        method.GetParameters().SelectMany(parameter => Parts(parameter.ParameterType)).Concat(Parts(method.DeclaringType!));

    // A type, what it is an array or a reference of, and its arguments.
    private static IEnumerable<Type> Parts(Type type) =>
        type.HasElementType ? Parts(type.GetElementType()!)
        : type.IsConstructedGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type)
        : [type];
}
