using System.Text.Json;
using Microsoft.ML.Runtime;

namespace Ard.MLNet.Saving;

/// <summary>
/// The step <see cref="AdversarialExamples"/> as bytes: the classifier that it attacks as a <see cref="ClassifierFile"/>, whose metadata
/// entry <c>ard.examples</c> has the step's settings as JSON. An attack is kept by its name in <see cref="AttackCatalog"/>.
/// </summary>
internal static class AdversarialExamplesStep
{
    public const string LoaderName = "ArdAdversarialExamples";
    private const string Entry = "ard.examples";

    private sealed record Settings(string Attack, string Norm, double Epsilon, string Label, string Output, int BatchSize, long Seed);

    public static void Write(Stream stream, AdversarialMapping mapping)
    {
        var options = mapping.Options;
        var settings = new Settings(
            NameOf(options.ChosenAttack()), options.Threat!.Norm.ToString(), options.Threat.Epsilon, options.LabelColumnName,
            options.OutputColumnName, mapping.BatchSize, options.Seed);
        var json = JsonSerializer.Serialize(settings, JsonSerializerOptions.Web);
        ClassifierFile.Write(stream, mapping.Classifier, new Dictionary<string, string> { [Entry] = json });
    }

    /// <exception cref="FormatException">The bytes are damaged, of a later version, or name a network that was not registered.</exception>
    public static AdversarialMapping Read(Stream stream, IHostEnvironment env) => ClassifierFile.Read(stream, env, Parse);

    private static AdversarialMapping Parse(Classifier classifier, IReadOnlyDictionary<string, string> entries)
    {
        if (!entries.TryGetValue(Entry, out var text)
            || JsonSerializer.Deserialize<Settings>(text, JsonSerializerOptions.Web) is not { Attack: not null } settings
            || !Enum.TryParse<Norm>(settings.Norm, out var norm))
            throw new FormatException($"expected attack and threat model in the metadata entry {Entry}, found {text ?? "none"}");
        var options = new AdversarialExamplesOptions
        {
            AttackName = settings.Attack,
            Threat = new ThreatModel(norm, settings.Epsilon),
            LabelColumnName = settings.Label,
            OutputColumnName = settings.Output,
            BatchSize = settings.BatchSize,
            Seed = settings.Seed,
        };
        options.Validated();
        return new AdversarialMapping(classifier, options);
    }

    // The catalogue's attack of the same name is the same one: an attack of one's own, or with other settings, has no name to be kept by.
    private static string NameOf(Attack attack)
    {
        var named = OptionsValidator.Try(() => AttackCatalog.ByName(attack.Name), out _);
        if (named?.GetType() == attack.GetType() && named.Description == attack.Description) return attack.Name;
        throw new NotSupportedException(
            $"{nameof(AdversarialExamplesTransformer)} with the attack '{attack.Description}' cannot be saved: expected one of "
            + $"{nameof(AttackCatalog)}, whose name a file can hold; found settings or code of your own.");
    }
}
