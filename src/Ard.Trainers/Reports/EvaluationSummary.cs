using System.Text.Json;
using System.Text.Json.Serialization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Tensors;

namespace Ard.Trainers.Reports;

/// <summary>The figures of an evaluation as they are kept in files: a <see cref="RobustnessReport"/> without its single points.</summary>
public sealed record EvaluationSummary
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        Converters = { new JsonStringEnumConverter() },
    };

    [JsonConstructor]
    internal EvaluationSummary()
    {
    }

    /// <summary>What the adversary was allowed to do.</summary>
    [JsonInclude, JsonRequired]
    internal ThreatModel Threat { get; init; } = null!;

    /// <summary>How many images there were.</summary>
    [JsonInclude, JsonRequired]
    internal int Rows { get; init; }

    /// <summary>Without an attack.</summary>
    [JsonInclude, JsonRequired]
    internal Figures Clean { get; init; } = null!;

    /// <summary>One entry an attack.</summary>
    [JsonInclude, JsonRequired]
    internal IReadOnlyList<Figures> Attacks { get; init; } = [];

    /// <summary>Against all attacks together.</summary>
    [JsonInclude, JsonRequired]
    internal Figures WorstCase { get; init; } = null!;

    /// <summary>Reasons not to believe the figures.</summary>
    [JsonInclude, JsonRequired]
    internal IReadOnlyList<RobustnessFlag> Flags { get; init; } = [];

    /// <summary>The settings of the evaluation, its attacks' included, one a line: <see cref="RobustnessReport.Settings"/>.</summary>
    [JsonInclude]
    internal IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Which images they were. Default null: unknown.</summary>
    public string? Data { get; init; }

    /// <summary>The digest of the network's weights, by which it is known again. Default null: unknown.</summary>
    [JsonInclude]
    internal string? Weights { get; init; }

    /// <summary>One line of the table: an attack, and the share of images that the network gets right under it.</summary>
    /// <param name="Name">The attack; <c>clean</c> and <c>worst-case</c> besides.</param>
    /// <param name="Accuracy">From 0 to 1.</param>
    /// <param name="Interval">The lower and the upper bound of the 95 % interval.</param>
    internal sealed record Figures(string Name, double Accuracy, IReadOnlyList<double> Interval)
    {
        /// <summary>How many images are right after each part of an attack that consists of others. Default null: it does not.</summary>
        public IReadOnlyList<AttackPart>? Parts { get; init; }

        internal static Figures From(AttackResult result) => new(result.Name, result.Accuracy, [result.Interval.Low, result.Interval.High])
        {
            Parts = result.Parts.Count > 0 ? result.Parts : null,
        };
    }

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
            Settings = report.Settings,
            Weights = network is null ? null : TensorDigest.Compute(network),
        };
    }

    /// <summary>All of it as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads a file of <see cref="ToJson"/>, or of the ML.NET evaluation's report, which has more.</summary>
    /// <exception cref="FormatException">The file is no such report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static EvaluationSummary Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            var summary = JsonSerializer.Deserialize<EvaluationSummary>(stream, Json) ?? throw new JsonException("it is null");
            foreach (var figures in summary.Attacks.Prepend(summary.Clean).Append(summary.WorstCase))
                if (figures is not { Accuracy: >= 0 and <= 1, Interval.Count: 2 })
                    throw new JsonException($"'{figures?.Name}' has no accuracy from 0 to 1 with its interval");
            return summary;
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new FormatException($"{path}: expected the report of an evaluation as JSON, found: {exception.Message}", exception);
        }
    }
}
