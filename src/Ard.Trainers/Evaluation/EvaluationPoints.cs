namespace Ard.Trainers.Evaluation;

/// <summary>
/// What became of each image under the worst of all attacks, a column for each kind of value, described in
/// <c>docs/evaluation.schema.json</c>: classes are -1 where the output is not finite, and passes null where an attack does not say. Right
/// has a text for each attack, with 1 for an image that is right and else 0.
/// </summary>
internal sealed record EvaluationPoints(
    IReadOnlyList<long> Labels,
    IReadOnlyList<long> Predicted,
    IReadOnlyList<long> Attacked,
    IReadOnlyList<string?> BrokenBy,
    IReadOnlyList<double> Size,
    IReadOnlyList<long?> ForwardPasses,
    IReadOnlyList<long?> BackwardPasses,
    IReadOnlyDictionary<string, string> Right)
{
    /// <summary>
    /// How often a model that was only queried was asked until it got an allowed point wrong; null where it did not. Default null: its
    /// gradients were there.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<long?>? Queries { get; init; }

    // A table of classes by classes has to fit into memory.
    private const int MostClasses = 10_000;

    public static EvaluationPoints From(RobustnessReport report) => new(
        report.Labels,
        report.Clean.Predictions,
        report.WorstCase.Predictions,
        [.. report.WorstCase.Points.Select(point => point.BrokenBy)],
        [.. report.WorstCase.Points.Select(point => point.Size)],
        [.. report.WorstCase.Points.Select(point => point.ForwardPasses)],
        [.. report.WorstCase.Points.Select(point => point.BackwardPasses)],
        report.Attacks.ToDictionary(attack => attack.Name, attack => string.Concat(attack.Correct.Select(right => right ? '1' : '0'))))
    {
        Queries = report.BlackBox is null ? null : [.. report.WorstCase.Points.Select(point => point.Queries)],
    };

    /// <summary>Why these are not the points of an evaluation; null where they are.</summary>
    public string? Fault(EvaluationSummary evaluation)
    {
        var rows = evaluation.Rows;
        int[] counts =
        [
            Labels.Count, Predicted.Count, Attacked.Count, BrokenBy.Count, Size.Count, ForwardPasses.Count, BackwardPasses.Count,
            Queries?.Count ?? rows,
        ];
        if (counts.Any(count => count != rows)) return $"columns of {string.Join(", ", counts)} points, expected {rows}";
        if (Labels.Any(label => label is < 0 or >= MostClasses)
            || Predicted.Concat(Attacked).Any(label => label is < -1 or >= MostClasses))
            return $"a class that is not from 0 to {MostClasses - 1}";
        foreach (var attack in evaluation.Attacks)
            if (Right.GetValueOrDefault(attack.Name) is not { } right || right.Length != rows
                || right.Any(letter => letter is not ('0' or '1')))
                return $"no text of {rows} letters 0 and 1 of the attack '{attack.Name}'";
        return evaluation.Attacks.Select(attack => Count(attack, Under(attack.Name)))
            .Append(Count(evaluation.Clean, Clean())).Append(Count(evaluation.WorstCase, WorstCase()))
            .FirstOrDefault(fault => fault is not null);

        string? Count(EvaluationSummary.Figures figures, IReadOnlyList<AttackedPoint> points) =>
            points.Count(point => point.IsRight) is var count && Math.Abs(count - figures.Accuracy * rows) > 0.5
                ? Invariant($"{count} of {rows} points right of '{figures.Name}', and an accuracy of {figures.Accuracy}")
                : null;
    }

    public IReadOnlyList<AttackedPoint> Clean() => Each(row => new(WasRight(row), null, 0, 1, 0));

    /// <summary>Under one attack. How far it moved them, and what it cost, is not kept.</summary>
    public IReadOnlyList<AttackedPoint> Under(string attack) =>
        Each(row => new(WasRight(row), WasRight(row) && Right[attack][row] == '0' ? attack : null, 0, null, null));

    public IReadOnlyList<AttackedPoint> WorstCase() =>
        Each(row => new(WasRight(row), BrokenBy[row], Size[row], ForwardPasses[row], BackwardPasses[row]) { Queries = Queries?[row] });

    private IReadOnlyList<AttackedPoint> Each(Func<int, AttackedPoint> point) => [.. Enumerable.Range(0, Labels.Count).Select(point)];
    private bool WasRight(int row) => Predicted[row] == Labels[row];

    /// <summary>On one line, in a file that is indented otherwise.</summary>
    internal sealed class OnOneLine : JsonConverter<EvaluationPoints>
    {
        private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
        {
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
        };

        public override EvaluationPoints? Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<EvaluationPoints>(ref reader, Json);

        public override void Write(Utf8JsonWriter writer, EvaluationPoints value, JsonSerializerOptions options) =>
            writer.WriteRawValue(JsonSerializer.SerializeToUtf8Bytes(value, Json));
    }
}
