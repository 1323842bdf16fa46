using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Ard.MLNet;
using Ard.Samples.Tests.Notebooks;
using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;

namespace Ard.Samples.Tests;

/// <summary>Every sample runs, and prints what its comment says.</summary>
public sealed partial class SampleTests
{
    /// <summary>By how many points a percentage may differ from machine to machine; everything else has to be the same.</summary>
    private const int Tolerance = 12;

    private static readonly string Folder = Path.Combine(NotebookSource.Root, "examples/Samples");

    // The class of X.cs is XSample.
    private static IEnumerable<Type> Samples() =>
        Assembly.Load("Samples").GetTypes().Where(type => type.Name.EndsWith("Sample", StringComparison.Ordinal));

    private static string Name(Type sample) => sample.Name[..^"Sample".Length];

    private static string Source(string name) => Directory.GetFiles(Folder, $"{name}.cs", SearchOption.AllDirectories).Single();

    public static TheoryData<string> Names() => [.. Samples().Select(Name).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_sample_prints_what_its_comment_says(string name)
    {
        var example = Samples().Single(type => Name(type) == name).GetMethod("Example", BindingFlags.Static | BindingFlags.Public)!;
        var expected = Expected(File.ReadAllLines(Source(name)));
        Assert.NotEmpty(expected);
        using var console = new RedirectedConsole();
        example.CreateDelegate<Action>()();
        var printed = console.Take();
        Assert.True(Agree(expected, printed), $"{name} printed\n{printed}\nand says that it prints\n{expected}");
    }

    [Fact]
    public void Every_file_is_a_sample_that_the_readme_lists()
    {
        var files = Directory.GetFiles(Folder, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/'))
            .Where(path => path.Contains('/'))
            .ToArray();
        Assert.Equal(files.Select(Path.GetFileNameWithoutExtension).Order(), Samples().Select(Name).Order());
        var readme = File.ReadAllText(Path.Combine(Folder, "README.md"));
        Assert.All(files, file => Assert.Contains($"({file})", readme));
        Assert.All(Link().Matches(readme), link => Assert.True(File.Exists(Path.Combine(Folder, link.Groups[1].Value)), link.Value));
    }

    [Fact]
    public void Every_component_has_a_sample_and_one_with_options_where_it_has_options()
    {
        // Tools of the library's own that are public for those who write a method or an attack.
        string[] tools =
            ["AttackLosses", "Duration", "TrainingDevice", "Weights"];
        // Where the sample has the name of what is called.
        var elsewhere = new Dictionary<string, string>
        {
            ["AdversarialDistillation"] = "ArdTrainer",
            ["AdversarialExamplesFile"] = "RobustnessEvaluatorWithOptions",
            ["Corruption"] = "CorruptionReport",
            ["JUnitReport"] = "RobustnessAssert",
            ["RegisterNetworks"] = "CustomNetwork",
            ["Sequence"] = "AutoAttackWithOptions",
        };
        var samples = Samples().Select(Name).ToHashSet();
        var missing = Components().Except(tools).Where(component => !samples.Contains(elsewhere.GetValueOrDefault(component, component)));
        Assert.True(!missing.Any(), $"examples/Samples has no {string.Join(", ", missing.Select(name => $"{name}.cs"))}");
    }

    // Attacks and objectives, what takes options, static classes, and what extends the classes of ML.NET.
    private static IEnumerable<string> Components()
    {
        var types = new[] { typeof(Attack).Assembly, typeof(ArdTrainer).Assembly }
            .SelectMany(assembly => assembly.GetExportedTypes())
            .Where(type => type is { IsNested: false, IsClass: true } && type.GetMethod("<Clone>$") is null);
        foreach (var type in types)
        {
            var extensions = type.GetMethods().Where(method => method.IsDefined(typeof(ExtensionAttribute)))
                .Select(method => method.Name).Distinct();
            var hasOptions = type.GetConstructors().SelectMany(constructor => constructor.GetParameters())
                .Any(parameter => parameter.ParameterType.Name.EndsWith("Options", StringComparison.Ordinal));
            foreach (var extension in extensions) yield return extension;
            if (type is { IsAbstract: true, IsSealed: true } ? !extensions.Any()
                : hasOptions || (!type.IsAbstract && type.IsAssignableTo(typeof(Attack))))
                yield return type.Name;
            if (hasOptions && !type.IsAbstract) yield return type.Name + "WithOptions";
        }
        foreach (var method in new[] { typeof(Attack), typeof(Objective) }
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public)))
        {
            yield return method.Name;
            if (method.GetParameters().Any(parameter => parameter.Name == "options")) yield return method.Name + "WithOptions";
        }
    }

    [Fact]
    public void A_sample_is_short() => Assert.All(
        Samples().Select(Name), name => Assert.InRange(File.ReadAllLines(Source(name)).Length, 10, 60));

    [Theory]
    [InlineData("clean 84 %, 3 of 4", "clean 84 %, 3 of 4\n", true)]
    [InlineData("clean 84 %, 3 of 4", "clean 95 %, 3 of 4\n", true)]
    [InlineData("clean 84 %, 3 of 4", "clean 97 %, 3 of 4\n", false)]
    [InlineData("clean 84 %, 3 of 4", "clean 84 %, 2 of 4\n", false)]
    [InlineData("one\ntwo", "one\n", false)]
    [InlineData("one", "one\ntwo\n", false)]
    public void Percentages_may_differ_a_little_and_nothing_else(string expected, string printed, bool agree) =>
        Assert.Equal(agree, Agree(expected, printed));

    // The comment lines after "// Expected output".
    private static string Expected(string[] source) => string.Join('\n', source
        .SkipWhile(line => !line.TrimStart().StartsWith("// Expected output", StringComparison.Ordinal))
        .Skip(1)
        .TakeWhile(line => line.TrimStart().StartsWith("//", StringComparison.Ordinal))
        .Select(line => line.TrimStart()[2..].Trim()));

    private static bool Agree(string expected, string printed)
    {
        var (said, done) = (Percentage().Matches(expected), Percentage().Matches(printed));
        return Percentage().Replace(expected, "N %") == Percentage().Replace(printed.TrimEnd('\n'), "N %")
            && said.Zip(done).All(pair => Math.Abs(Number(pair.First) - Number(pair.Second)) <= Tolerance);
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(\d+) %")]
    private static partial Regex Percentage();

    [GeneratedRegex(@"\]\(([A-Za-z0-9/]+\.cs)\)")]
    private static partial Regex Link();
}
