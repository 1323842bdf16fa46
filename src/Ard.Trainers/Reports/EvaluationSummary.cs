using System.Text.Json;
using System.Text.Json.Serialization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Tensors;

namespace Ard.Trainers.Reports;

/// <summary>
/// An evaluation as it is kept in files: the figures of a <see cref="RobustnessReport"/>, and what became of each image. A model card
/// has it without the images.
/// </summary>
public sealed record EvaluationSummary : IJsonOnDeserialized
{
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter() },
    };

    // Rises where what was there goes or means something else; docs/evaluation.schema.json describes it.
    private const int CurrentVersion = 1;

    [JsonConstructor]
    internal EvaluationSummary()
    {
    }

    [JsonInclude]
    internal int SchemaVersion { get; init; } = CurrentVersion;

    [JsonInclude, JsonRequired]
    internal ThreatModel Threat { get; init; } = null!;

    // How many images there were.
    [JsonInclude, JsonRequired]
    internal int Rows { get; init; }

    [JsonInclude, JsonRequired]
    internal Figures Clean { get; init; } = null!;

    [JsonInclude, JsonRequired]
    internal IReadOnlyList<Figures> Attacks { get; init; } = [];

    [JsonInclude, JsonRequired]
    internal Figures WorstCase { get; init; } = null!;

    [JsonInclude, JsonRequired]
    internal IReadOnlyList<RobustnessFlag> Flags { get; init; } = [];

    /// <summary>What the figures mean for a model that was only queried. Default null: its gradients were used.</summary>
    [JsonInclude]
    internal string? BlackBox { get; init; }

    /// <summary>The settings of the evaluation, its attacks' included, one a line: <see cref="RobustnessReport.Settings"/>.</summary>
    [JsonInclude]
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Which images they were. Default null: unknown.</summary>
    public string? Data { get; init; }

    /// <summary>The classes' names in the order of the labels. Default null: unknown.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The digest of the network's weights, by which it is known again. Default null: unknown.</summary>
    [JsonInclude]
    internal string? Weights { get; init; }

    [JsonInclude]
    internal long? Parameters { get; init; }

    /// <summary>The digest of the images, by which they are known again. Default null: unknown.</summary>
    [JsonInclude]
    internal string? Images { get; init; }

    [JsonInclude]
    internal IReadOnlyList<ClassFigures>? Classes { get; init; }

    [JsonInclude, JsonConverter(typeof(EvaluationPoints.OnOneLine))]
    internal EvaluationPoints? Points { get; init; }

    /// <summary>
    /// One line of the table: an attack, <c>clean</c> or <c>worst-case</c>, the share of images that the network gets right under it, and
    /// the bounds of its 95 % interval.
    /// </summary>
    internal sealed record Figures(string Name, double Accuracy, IReadOnlyList<double> Interval)
    {
        /// <summary>What the name leaves open. Default null: nothing.</summary>
        public string? Details { get; init; }

        /// <summary>How many images are right after each part of an attack that consists of others. Default null: it does not.</summary>
        public IReadOnlyList<AttackPart>? Parts { get; init; }

        /// <summary>The queries that half of the broken images needed at most. Default null: they were not counted.</summary>
        public double? MedianQueries { get; init; }

        /// <summary>As <see cref="AttackResult.SurrogateAgreement"/>. Default null: there is no surrogate.</summary>
        public double? SurrogateAgreement { get; init; }

        /// <summary>The mean over the classes of their accuracies. This and what follows is of evaluations of ML.NET.</summary>
        public double? MacroAccuracy { get; init; }

        /// <summary>The mean negative logarithm of the true class's probability.</summary>
        public double? LogLoss { get; init; }

        public double? LogLossReduction { get; init; }

        public IReadOnlyList<double>? PerClassLogLoss { get; init; }

        /// <summary>How many images of each true class, the first index, are taken for each class.</summary>
        public IReadOnlyList<IReadOnlyList<double>>? Confusion { get; init; }

        internal static Figures From(AttackResult result) => new(result.Name, result.Accuracy, [result.Interval.Low, result.Interval.High])
        {
            Details = result.Details == "" ? null : result.Details,
            Parts = result.Parts.Count > 0 ? result.Parts : null,
            MedianQueries = result.MedianQueries,
            SurrogateAgreement = result.SurrogateAgreement,
        };
    }

    /// <summary>What is right of one class, clean and against all attacks together, with the 95 % interval of the latter.</summary>
    internal sealed record ClassFigures(
        long Class, int Images, double CleanAccuracy, double Accuracy, IReadOnlyList<double> Interval)
    {
        internal static ClassFigures From(ClassAccuracy found) => new(
            found.Class, found.Images, (double)found.CleanCount / found.Images, found.Accuracy, [found.Interval.Low, found.Interval.High]);
    }

    /// <summary>The class with the lowest accuracy, by its name where it has one; null where they were not counted.</summary>
    internal (string Name, ClassFigures Figures)? Weakest =>
        (Classes ?? []).MinBy(each => (each.Accuracy, each.Interval[1])) is { } weakest
            ? (weakest.Class < ClassNames?.Count ? ClassNames[(int)weakest.Class] : $"{weakest.Class}", weakest)
            : null;

    /// <summary>The figures of a report.</summary>
    /// <param name="report">The report.</param>
    /// <param name="network">The network that was evaluated. Default null: it is not said.</param>
    public static EvaluationSummary Create(RobustnessReport report, Module<Tensor, Tensor>? network = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        return new EvaluationSummary
        {
            Threat = report.Threat,
            Rows = report.Clean.Points.Count,
            Clean = Figures.From(report.Clean),
            Attacks = [.. report.Attacks.Select(Figures.From)],
            WorstCase = Figures.From(report.WorstCase),
            Flags = report.Flags,
            BlackBox = report.BlackBox,
            Settings = report.Settings,
            Weights = network is null ? report.Weights : network is BlackBoxModel ? null : TensorDigest.Compute(network),
            Parameters = network is null or BlackBoxModel ? null : Networks.Weights.Count(network),
            Images = report.Images,
            Classes = [.. report.Classes.Select(ClassFigures.From)],
            // Merged shards of an earlier version do not know them.
            Points = report.Labels.Count == report.Clean.Points.Count ? EvaluationPoints.From(report) : null,
        };
    }

    /// <summary>
    /// All of it as JSON: threat model, settings, flags, the figures of each attack and of each class with their intervals, and what
    /// became of each image. Its form is that of <c>docs/evaluation.schema.json</c>, by the version that it names.
    /// </summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>
    /// Evaluations against several adversaries as one JSON document: <c>evaluations</c>, each as <see cref="ToJson()"/> has it, and the
    /// <c>union</c> of them.
    /// </summary>
    /// <param name="union">The evaluations.</param>
    /// <param name="network">The network that was evaluated. Default null: it is not said.</param>
    /// <param name="data">Which images they were. Default null: unknown.</param>
    /// <param name="classNames">The classes' names in the order of the labels. Default null: unknown.</param>
    public static string ToJson(
        RobustnessUnion union, Module<Tensor, Tensor>? network = null, string? data = null, IReadOnlyList<string>? classNames = null)
    {
        ArgumentNullException.ThrowIfNull(union);
        var evaluations = union.Reports.Select(report => Create(report, network) with { Data = data, ClassNames = classNames });
        return JsonSerializer.Serialize(
            new Several(CurrentVersion, union.WorstCase.Points.Count, Figures.From(union.WorstCase), [.. evaluations]), Json);
    }

    private sealed record Several(int SchemaVersion, int Rows, Figures Union, IReadOnlyList<EvaluationSummary> Evaluations);

    /// <summary>Reads a file of <see cref="ToJson()"/>, or of the ML.NET evaluation's report.</summary>
    /// <exception cref="FormatException">The file is no such report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static EvaluationSummary Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            using var document = JsonDocument.Parse(stream);
            if (document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("evaluations", out _))
                throw new JsonException("evaluations against several threat models: write one for each, and compare these");
            return document.Deserialize<EvaluationSummary>(Json) ?? throw new JsonException("it is null");
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new FormatException($"{path}: expected the report of an evaluation as JSON, found: {exception.Message}", exception);
        }
    }

    /// <summary>The report that it was made of, but for logits, and for what each attack by itself moved and cost; it has points.</summary>
    internal RobustnessReport ToReport()
    {
        var points = Points ?? throw new InvalidOperationException("The evaluation says nothing of single images.");
        return new(
            Threat,
            new(Clean.Name, points.Clean()) { Predictions = points.Predicted },
            [
                .. Attacks.Select(attack => new AttackResult(attack.Name, points.Under(attack.Name))
                {
                    Details = attack.Details ?? "",
                    Parts = attack.Parts ?? [],
                }),
            ],
            new(WorstCase.Name, points.WorstCase()) { Predictions = points.Attacked })
        {
            Labels = points.Labels,
            Flags = Flags,
            Settings = Settings,
            Images = Images,
        };
    }

    // The figures are those of an evaluation, wherever they were read.
    void IJsonOnDeserialized.OnDeserialized()
    {
        if (SchemaVersion != CurrentVersion)
            throw new JsonException($"schemaVersion is {SchemaVersion}, expected {CurrentVersion}");
        foreach (var figures in Attacks.Prepend(Clean).Append(WorstCase))
            if (figures is not { Accuracy: >= 0 and <= 1, Interval.Count: 2 })
                throw new JsonException($"'{figures?.Name}' has no accuracy from 0 to 1 with its interval");
        if (Classes?.Any(each => each is not { Class: >= 0, Accuracy: >= 0 and <= 1, Interval.Count: 2 }) == true)
            throw new JsonException("a class has no accuracy from 0 to 1 with its interval");
        if (Flags.Contains(null!) || Settings.Contains(null!) || ClassNames?.Contains(null!) == true
            || Attacks.Any(attack => attack.Parts?.Contains(null!) == true))
            throw new JsonException("null in a list");
        if (Points?.Fault(this) is { } fault) throw new JsonException(fault);
    }
}
