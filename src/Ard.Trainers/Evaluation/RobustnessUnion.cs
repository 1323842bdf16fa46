using System.Text.Json.Nodes;

namespace Ard.Trainers.Evaluation;

/// <summary>A network against several adversaries, as in Linf and L2: an image is right where it is right against all of them.</summary>
public sealed record RobustnessUnion
{
    private RobustnessUnion(IReadOnlyList<RobustnessReport> reports, AttackResult worstCase) => (Reports, WorstCase) = (reports, worstCase);

    /// <summary>One evaluation for each adversary.</summary>
    public IReadOnlyList<RobustnessReport> Reports { get; }

    /// <summary>
    /// The result <c>union</c>: right where the network is right in the worst case of every report. A point that is not has the size and
    /// the attack of the first report that broke it, and the cost of all. Of one report it is that report's worst case.
    /// </summary>
    public AttackResult WorstCase { get; }

    /// <summary>Signs that the figures may be wrong, of all reports.</summary>
    internal IReadOnlyList<RobustnessFlag> Flags => [.. Reports.SelectMany(report => report.Flags).Distinct()];

    internal string Threats => string.Join(", ", Reports.Select(report => report.Threat));

    /// <summary>An evaluation by itself, where several may be handed over.</summary>
    /// <param name="report">The evaluation.</param>
    public static implicit operator RobustnessUnion(RobustnessReport report) =>
        report is null ? throw new ArgumentNullException(nameof(report)) : Combine(report);

    /// <summary>The union of evaluations.</summary>
    /// <param name="reports">Evaluations of the same network on the same images, each against another adversary, at least one.</param>
    /// <exception cref="ArgumentException">There is no report, or they are of other images, or two of one adversary.</exception>
    public static RobustnessUnion Combine(params IReadOnlyList<RobustnessReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        if (reports.Count == 0) throw new ArgumentException("There is no report, expected one or more.", nameof(reports));
        if (reports.Count == 1) return new(reports, reports[0].WorstCase);
        foreach (var report in reports)
        {
            if (!report.Labels.SequenceEqual(reports[0].Labels) || !report.Clean.Correct.SequenceEqual(reports[0].Clean.Correct))
                throw new ArgumentException(
                    $"The evaluations in {reports[0].Threat} and {report.Threat} have other labels or clean results, expected the same "
                    + "network and images.", nameof(reports));
        }
        RequireEachOnce(reports.Select(report => report.Threat));
        var worst = Enumerable.Range(0, reports[0].WorstCase.Points.Count)
            .Select(row => reports.FirstOrDefault(report => !report.WorstCase.Correct[row]) ?? reports[0]).ToArray();
        return new(reports, new AttackResult("union", [.. worst.Select((report, row) => report.WorstCase.Points[row] with
        {
            ForwardPasses = Cost(each => each.WorstCase.Points[row].ForwardPasses),
            BackwardPasses = Cost(each => each.WorstCase.Points[row].BackwardPasses),
            // With those of the adversaries that failed before.
            Queries = reports.TakeWhile(other => other != report).Aggregate(
                report.WorstCase.Points[row].Queries,
                (sum, other) => sum + other.WorstCase.Points[row].ForwardPasses - other.Clean.Points[row].ForwardPasses),
        })])
        {
            Details = $"of {string.Join(", ", reports.Select(report => report.Threat))}",
            Predictions = [.. worst.Select((report, row) => report.WorstCase.Predictions[row])],
        });

        // Of several that one does not say, nothing is known.
        long? Cost(Func<RobustnessReport, long?> passes) => reports.Aggregate((long?)0, (sum, report) => sum + passes(report));
    }

    internal static void RequireEachOnce(IEnumerable<ThreatModel> threats)
    {
        if (threats.CountBy(threat => threat).FirstOrDefault(count => count.Value > 1) is { Key: { } twice })
            throw new ArgumentException($"Two evaluations are against {twice}, expected one for each adversary.");
    }

    /// <summary>As <see cref="RobustnessReport.SaveRows"/>; of several reports with <c>threat</c>, such as <c>L2 0.5</c>.</summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    public void SaveRows(string path)
    {
        AtomicFile.Write(path, stream =>
        {
            foreach (var report in Reports)
                for (var row = 0; row < report.Labels.Count; row++)
                {
                    stream.Write(JsonSerializer.SerializeToUtf8Bytes(Line(report, row)));
                    stream.WriteByte((byte)'\n');
                }
        });
    }

    /// <summary>
    /// As <see cref="RobustnessReport.SaveJson"/>; of several reports one document with the <c>evaluations</c> and their <c>union</c>.
    /// </summary>
    /// <inheritdoc cref="RobustnessReport.SaveJson" path="/param"/>
    public void SaveJson(
        string path, Module<Tensor, Tensor>? network = null, string? data = null, IReadOnlyList<string>? classNames = null) =>
        AtomicFile.WriteAllText(path, EvaluationSummary.ToJson(this, network, data, classNames) + "\n");

    private JsonObject Line(RobustnessReport report, int row)
    {
        var point = report.WorstCase.Points[row];
        var line = new JsonObject { ["row"] = row };
        if (Reports.Count > 1) line["threat"] = $"{report.Threat}";
        line["label"] = report.Labels[row];
        line["predicted"] = Class(report.Clean.Predictions[row]);
        line["attacked"] = Class(report.WorstCase.Predictions[row]);
        line["brokenBy"] = point.BrokenBy;
        line["size"] = point.Size;
        line["forwardPasses"] = point.ForwardPasses;
        line["backwardPasses"] = point.BackwardPasses;
        if (report.BlackBox is not null) line["queries"] = point.Queries;
        return line;

        // Outputs that are not finite name no class.
        static long? Class(long number) => number < 0 ? null : number;
    }
}
