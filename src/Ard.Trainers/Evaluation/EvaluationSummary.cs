namespace Ard.Trainers.Evaluation;

/// <summary>
/// An evaluation as it is kept in files, in the form of <c>docs/evaluation.schema.json</c>: the figures of a
/// <see cref="RobustnessReport"/>, and what became of each image. A model card has it without the images. What is unknown is null.
/// </summary>
internal sealed record EvaluationSummary : IJsonOnDeserialized
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter() },
    };

    // Rises where what was there goes or means something else.
    private const int CurrentVersion = 1;

    public int SchemaVersion { get; init; } = CurrentVersion;
    public required ThreatModel Threat { get; init; }
    public required int Rows { get; init; }
    public required Figures Clean { get; init; }
    public required IReadOnlyList<Figures> Attacks { get; init; }
    public required Figures WorstCase { get; init; }
    public required IReadOnlyList<RobustnessFlag> Flags { get; init; }
    public string? BlackBox { get; init; }
    public IReadOnlyList<string> Settings { get; init; } = [];
    public string? Data { get; init; }
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>The digest of the network's weights, by which it is known again, as the images by theirs.</summary>
    public string? Weights { get; init; }
    public long? Parameters { get; init; }
    public string? Images { get; init; }
    public IReadOnlyList<ClassFigures>? Classes { get; init; }

    [JsonConverter(typeof(EvaluationPoints.OnOneLine))]
    public EvaluationPoints? Points { get; init; }

    /// <summary>As <see cref="AttackResult"/>, without its points. What was not measured is null.</summary>
    public sealed record Figures(string Name, double Accuracy, IReadOnlyList<double> Interval)
    {
        public string? Details { get; init; }
        public IReadOnlyList<PartFigures>? Parts { get; init; }
        public double? MedianQueries { get; init; }
        public double? SurrogateAgreement { get; init; }

        // This and what follows is of evaluations of ML.NET.
        public double? MacroAccuracy { get; init; }
        public double? LogLoss { get; init; }
        public double? LogLossReduction { get; init; }
        public IReadOnlyList<double>? PerClassLogLoss { get; init; }

        /// <summary>How many images of each true class, the first index, are taken for each class.</summary>
        public IReadOnlyList<IReadOnlyList<double>>? Confusion { get; init; }

        public static Figures From(AttackResult result) => new(result.Name, result.Accuracy, [result.Interval.Low, result.Interval.High])
        {
            Details = result.Details == "" ? null : result.Details,
            Parts = result.Parts.Count == 0 ? null : [.. result.Parts.Select(part => new PartFigures(part.Name, part.CorrectCount))],
            MedianQueries = result.MedianQueries,
            SurrogateAgreement = result.SurrogateAgreement,
        };
    }

    public sealed record PartFigures(string Name, int CorrectCount);

    /// <summary>What is right of one class, clean and against all attacks together, with the 95 % interval of the latter.</summary>
    public sealed record ClassFigures(long Class, int Images, double CleanAccuracy, double Accuracy, IReadOnlyList<double> Interval)
    {
        public static ClassFigures From(ClassAccuracy found) => new(
            found.Class, found.Images, (double)found.CleanCount / found.Images, found.Accuracy, [found.Interval.Low, found.Interval.High]);
    }

    /// <summary>The class with the lowest accuracy, by its name where it has one; null where they were not counted.</summary>
    [JsonIgnore]
    public (string Name, ClassFigures Figures)? Weakest =>
        (Classes ?? []).MinBy(each => (each.Accuracy, each.Interval[1])) is { } weakest
            ? (weakest.Class < ClassNames?.Count ? ClassNames[(int)weakest.Class] : $"{weakest.Class}", weakest)
            : null;

    /// <summary>The figures of a report, and of which network they are, where that is said.</summary>
    public static EvaluationSummary Create(RobustnessReport report, Module<Tensor, Tensor>? network = null) => new()
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
        Points = EvaluationPoints.From(report),
    };

    /// <summary>The JSON of one evaluation; of several <c>evaluations</c>, each as there, and their <c>union</c>.</summary>
    public static string ToJson(RobustnessUnion union, Module<Tensor, Tensor>? network, string? data, IReadOnlyList<string>? classNames)
    {
        EvaluationSummary[] each =
            [.. union.Reports.Select(report => Create(report, network) with { Data = data, ClassNames = classNames })];
        return each is [var only] ? only.ToJson() : JsonSerializer.Serialize(
            new Several(CurrentVersion, union.WorstCase.Points.Count, Figures.From(union.WorstCase), each), Json);
    }

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    private sealed record Several(int SchemaVersion, int Rows, Figures Union, IReadOnlyList<EvaluationSummary> Evaluations);

    /// <summary>Reads the JSON of one evaluation.</summary>
    /// <exception cref="FormatException">The file is no such report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static EvaluationSummary Read(string path) => Read(path, "the report of an evaluation", stream =>
    {
        using var document = JsonDocument.Parse(stream);
        if (document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("evaluations", out _))
            throw new JsonException("evaluations against several threat models: write one for each, and compare these");
        return document.Deserialize<EvaluationSummary>(Json);
    });

    /// <summary>Reads a report of any kind.</summary>
    public static T Read<T>(string path, string expected, Func<Stream, T?> parse) where T : class
    {
        try
        {
            using var stream = File.OpenRead(path);
            return parse(stream) ?? throw new JsonException("it is null");
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            // What the reader says of types and members is of no use outside.
            var other = exception.Message.Contains("could not be converted", StringComparison.Ordinal)
                || exception.Message.Contains("missing required", StringComparison.Ordinal);
            throw new FormatException(
                $"{path}: expected {expected} as JSON, found{(other ? " JSON of something else." : $": {exception.Message}")}", exception);
        }
    }

    /// <summary>The report that it was made of, but for logits, and for what each attack by itself moved and cost; it has points.</summary>
    public RobustnessReport ToReport()
    {
        var points = Points ?? throw new InvalidOperationException("The evaluation says nothing of single images.");
        return new(
            Threat,
            new(Clean.Name, points.Clean()) { Predictions = points.Predicted },
            [
                .. Attacks.Select(attack => new AttackResult(attack.Name, points.Under(attack.Name))
                {
                    Details = attack.Details ?? "",
                    SurrogateAgreement = attack.SurrogateAgreement,
                    Parts = [.. (attack.Parts ?? []).Select(part => (part.Name, part.CorrectCount))],
                }),
            ],
            new(WorstCase.Name, points.WorstCase()) { Predictions = points.Attacked })
        {
            Labels = points.Labels,
            Flags = Flags,
            BlackBox = BlackBox,
            Settings = Settings,
            Images = Images,
        };
    }

    // The figures are those of an evaluation, wherever they were read.
    void IJsonOnDeserialized.OnDeserialized()
    {
        if (SchemaVersion != CurrentVersion) throw new JsonException($"schemaVersion is {SchemaVersion}, expected {CurrentVersion}");
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
