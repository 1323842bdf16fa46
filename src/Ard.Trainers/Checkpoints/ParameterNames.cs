using System.Text.RegularExpressions;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// How a checkpoint's names become those of a network: a prefix that a wrapper has put before them is stripped, and names that other
/// definitions of the same network use are replaced. Both by rule.
/// </summary>
internal sealed record ParameterNames(string Prefix, string? Naming, IReadOnlyDictionary<string, string> ByName)
{
    /// <summary>The most tensors of a file that are compared with a network.</summary>
    public const int MaximumTensors = 20_000;

    private const int MostPrefixes = 8;
    private const int PrefixParts = 5;

    // DataParallel, the attack wrappers of the distillation papers, torch.compile, Lightning and others, Sequential(normalisation, net).
    private static readonly HashSet<string> Wrappers =
        ["module", "basic_net", "net", "model", "network", "_orig_mod", "backbone", "student", "0", "1"];

    // What else stands before this share of the names is stripped as well, whatever it is called.
    private const double CommonShare = 0.75;

    private sealed record Dialect(string? Description, params (Regex Pattern, string Replacement)[] Rules)
    {
        public string Translate(string name) => Rules.Aggregate(name, (text, rule) => rule.Pattern.Replace(text, rule.Replacement));
    }

    private static readonly Dialect[] Dialects =
    [
        new(null),
        new("classifier is linear", Rule(@"^classifier(\.1)?\.", "linear.")),
        new("fc is linear", Rule(@"^fc\.", "linear.")),
        new("torchvision's names: downsample is shortcut, fc is linear", Rule(@"\.downsample\.", ".shortcut."), Rule(@"^fc\.", "linear.")),
        new("linear is fc", Rule(@"^linear\.", "fc.")),
        new("the names conv2_x.0.residual_function: stages, convolutions and BatchNorms by their places",
            Rule(@"^conv1\.0\.", "conv1."), Rule(@"^conv1\.1\.", "bn1."), Rule(@"^conv2_x\.", "layer1."), Rule(@"^conv3_x\.", "layer2."),
            Rule(@"^conv4_x\.", "layer3."), Rule(@"^conv5_x\.", "layer4."), Rule(@"\.residual_function\.0\.", ".conv1."),
            Rule(@"\.residual_function\.1\.", ".bn1."), Rule(@"\.residual_function\.3\.", ".conv2."),
            Rule(@"\.residual_function\.4\.", ".bn2."), Rule(@"^fc\.", "linear.")),
        new("a Sequential's numbers stand under net", Rule(@"^(\d+\.)", "net.$1")),
    ];

    /// <summary>Every way in which names can be read, the plainest first: each says what is meant by each of the file's.</summary>
    public static IEnumerable<ParameterNames> Candidates(IReadOnlyCollection<string> names)
    {
        var counts = new Dictionary<string, int>();
        var wrappers = new HashSet<string>();
        foreach (var name in names)
        {
            var parts = name.Split('.', PrefixParts + 1);
            var (prefix, isWrapper) = ("", true);
            foreach (var part in parts[..^1])
            {
                prefix += $"{part}.";
                counts[prefix] = counts.GetValueOrDefault(prefix) + 1;
                if (isWrapper &= Wrappers.Contains(part)) wrappers.Add(prefix);
            }
        }
        var commonest = counts.Where(pair => wrappers.Contains(pair.Key) || pair.Value >= CommonShare * names.Count)
            .Append(new("", int.MaxValue))
            .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Length).Take(MostPrefixes);
        foreach (var (prefix, _) in commonest)
        {
            foreach (var dialect in Dialects)
            {
                var meant = new Dictionary<string, string>();
                foreach (var name in names)
                    if (name.StartsWith(prefix, StringComparison.Ordinal)) meant.TryAdd(dialect.Translate(name[prefix.Length..]), name);
                yield return new(prefix, dialect.Description, meant);
            }
        }
    }

    /// <summary>The way in which most of a network's names are found; among equals the plainest.</summary>
    public static ParameterNames Match(IReadOnlyCollection<string> names, IReadOnlyCollection<string> wanted) =>
        Candidates(names).MaxBy(candidate => wanted.Count(candidate.ByName.ContainsKey))!;

    private static (Regex, string) Rule(string pattern, string replacement) =>
        (new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking), replacement);
}
