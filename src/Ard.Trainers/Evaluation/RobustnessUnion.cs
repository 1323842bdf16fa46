using Ard.Trainers.Attacks;

namespace Ard.Trainers.Evaluation;

/// <summary>A network against several adversaries, as in Linf and L2: an image is right where it is right against all of them.</summary>
public sealed record RobustnessUnion
{
    private RobustnessUnion(IReadOnlyList<RobustnessReport> reports, AttackResult worstCase) => (Reports, WorstCase) = (reports, worstCase);

    /// <summary>One evaluation for each adversary.</summary>
    public IReadOnlyList<RobustnessReport> Reports { get; }

    /// <summary>
    /// The result <c>union</c>: right where the network is right in the worst case of every report. A point that is not has the size and
    /// the attack of the first report that broke it, and the cost of all.
    /// </summary>
    public AttackResult WorstCase { get; }

    /// <summary>Signs that the figures may be wrong, of all reports.</summary>
    public IReadOnlyList<RobustnessFlag> Flags => [.. Reports.SelectMany(report => report.Flags).Distinct()];

    internal string Threats => string.Join(", ", Reports.Select(report => report.Threat));

    /// <summary>The union of evaluations.</summary>
    /// <param name="reports">Evaluations of the same network on the same images, each against another adversary, at least one.</param>
    /// <exception cref="ArgumentException">There is no report, or they are of other images, or two of one adversary.</exception>
    public static RobustnessUnion Combine(params IReadOnlyList<RobustnessReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        if (reports.Count == 0) throw new ArgumentException("There is no report, expected one or more.", nameof(reports));
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
        })])
        {
            Details = $"of {string.Join(", ", reports.Select(report => report.Threat))}",
            Predictions = [.. worst.Select((report, row) => report.WorstCase.Predictions[row])],
        });

        // Of several that one does not say, nothing is known.
        long? Cost(Func<RobustnessReport, long?> passes) => reports.Aggregate((long?)0, (sum, report) => sum + passes(report));
    }

    /// <exception cref="ArgumentException">An adversary is there twice.</exception>
    internal static void RequireEachOnce(IEnumerable<ThreatModel> threats)
    {
        if (threats.CountBy(threat => threat).FirstOrDefault(count => count.Value > 1) is { Key: { } twice })
            throw new ArgumentException($"Two evaluations are against {twice}, expected one for each adversary.");
    }

    /// <summary>As <see cref="RobustnessReport.SaveRows"/>, report by report, with <c>threat</c>, such as <c>L2 0.5</c>.</summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    public void SaveRows(string path) => RobustnessRows.Write([.. Reports.Select(report => (report, (string?)$"{report.Threat}"))], path);
}
