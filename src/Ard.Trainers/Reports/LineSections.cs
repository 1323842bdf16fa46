namespace Ard.Trainers.Reports;

/// <summary>Accuracy over the budget and over the queries, and trainings epoch by epoch.</summary>
internal static class LineSections
{
    public static Markup? Budgets(IReadOnlyList<ModelReport> models) => Page.Section(
        [.. models.Where(model => model.Curve is { Points.Count: > 0 }).GroupBy(model => model.Curve!.Norm)],
        "How the accuracy falls as the adversary may change more. At a budget of 0 it is that of clean images. A robust network falls "
        + "slowly; at a large enough budget every network reaches 0, and one that does not was not attacked well.",
        group => Budgets(group.Key, [.. group]).Draw());

    /// <summary>The chart of budgets as a file of its own; null where there are no curves, or curves of several norms.</summary>
    public static Markup? BudgetsPicture(IReadOnlyList<ModelReport> models)
    {
        var curves = models.Where(model => model.Curve is { Points.Count: > 0 }).ToArray();
        return curves.DistinctBy(model => model.Curve!.Norm).Count() == 1 ? Budgets(curves[0].Curve!.Norm, curves).Picture() : null;
    }

    private static LineChart Budgets(Norm norm, ModelReport[] models)
    {
        var budgets = models.SelectMany(model => model.Curve!.Points).Select(point => point.Epsilon).Distinct().ToArray();
        // In steps of eight-bit images where all budgets are.
        var unit = norm == Norm.Linf && budgets.All(budget => Math.Abs(budget * 255 - Math.Round(budget * 255)) < 1e-6) ? 255 : 1;
        var counts = models.Select(model => model.Curve!.Points[0].Correct.Count).Distinct().ToArray();
        var attacks = models.SelectMany(model => model.Curve!.Attacks).Distinct().Select(Text.Attack).ToArray();
        return new LineChart(
            $"Images right over the budget in {norm}",
            unit == 255 ? $"budget in {norm}, in 1/255" : $"budget in {norm}",
            "images right, %",
            Axis.Between([.. budgets.Select(budget => unit * budget)]),
            Axis.Percent,
            [
                .. models.Select(model => new Series(
                    model.Name, [.. model.Curve!.Points.Select(point => (unit * point.Epsilon, 100 * point.Accuracy))])),
            ])
        {
            YFormat = "F1",
            Note = $"On {string.Join(" or ", counts.Select(count => Text.Count(count, "image")))}"
                + (attacks.Length == 0 ? "." : $", under {(attacks.Length == 1 ? "" : "the worst of ")}{string.Join(", ", attacks)}.")
                + $" With {counts.Min()} images a figure is uncertain by up to ± {100 / Math.Sqrt(Math.Max(1, counts.Min())):F0} points.",
        };
    }

    /// <summary>Of models that were only queried.</summary>
    public static Markup? Queries(IReadOnlyList<ModelReport> models) => Page.Section(
        [.. models.Where(model => model.Robustness is { BlackBox: not null, Clean.Points.Count: > 0 } report && Counted(report).Any())],
        "How the accuracy falls as an adversary asks the model more often for each image. A curve that still falls at its end has not "
        + "seen the worst.",
        model => Queries(model.Name, model.Robustness!).Draw());

    // The attacks whose queries were counted; of a report that was read from its file only the worst case's are there.
    private static IReadOnlyList<AttackResult> Counted(RobustnessReport report) =>
        new[] { report.Attacks, [report.WorstCase] }.FirstOrDefault(attacks => attacks.Count > 0 && attacks.All(attack =>
            attack.Points.All(point => point.ForwardPasses is not null && (point.BrokenBy is null || point.Queries is not null)))) ?? [];

    private static LineChart Queries(string name, RobustnessReport report)
    {
        var attacks = Counted(report);
        // At 1, 2, 5, 10, 20 ... queries, up to the most that an image was asked for.
        var most = attacks.SelectMany(attack => attack.Points).Max(point => point.ForwardPasses!.Value);
        long[] queries =
        [
            .. Enumerable.Range(0, 18).SelectMany(power => new[] { 1L, 2, 5 }.Select(digit => digit * (long)Math.Pow(10, power)))
                .TakeWhile(number => number < most),
            most,
        ];
        return new LineChart(
            $"{name}: images right over the queries", "queries an image", "images right, %",
            new Axis(0, Math.Max(1, Math.Ceiling(Math.Log10(most))), 1),
            Axis.Percent,
            [
                .. attacks.Select(attack => new Series(
                    Text.Attack(attack.Name), [.. queries.Select(number => (Math.Log10(number), 100 * attack.AccuracyAfter(number)))])),
            ])
        {
            XIsPower = true,
            YFormat = "F1",
            Note = string.Join(" ", attacks.Select(attack => attack.MedianQueries is { } median
                ? string.Create(CultureInfo.InvariantCulture,
                    $"Half of the images that {Text.Attack(attack.Name)} broke needed {median:N0} queries or fewer.")
                : $"{Text.Attack(attack.Name)} broke none.")),
        };
    }

    public static Markup? Training(IReadOnlyList<ModelReport> models)
    {
        var trained = models.Where(model => model.Training is { History.Count: > 0 }).ToArray();
        return trained.Length == 0 ? null : Markup.Format($"<p>Losses of different methods are not comparable. Where the accuracy of ")
            .Line($"training goes on rising while that of attacked validation images falls, the network learns its images by heart.</p>")
            .Each(trained, model => Training(model.Name, model.Training!));
    }

    private static Markup Training(string name, TrainingResult training)
    {
        var epochs = Axis.Between([.. training.History.Select(epoch => (double)epoch.Epoch)], smallestStep: 1);
        (double, string)? kept = training.KeptEpoch is { } epoch && epoch < training.History.Count ? (epoch, "kept") : null;
        var losses = Line("loss", epoch => epoch.Loss);
        Series[] accuracies =
        [
            .. new[]
            {
                Line("clean", epoch => 100 * epoch.ValidationAccuracy), Line("attacked", epoch => 100 * epoch.RobustValidationAccuracy),
                Line("training", epoch => 100 * epoch.TrainingAccuracy),
            }.Where(series => series.Points.Any(point => double.IsFinite(point.Y))),
        ];
        var section = new Markup();
        section.Line($"<h3>{name}</h3><p class=\"note\">{Summary(training)}</p>");
        if (training.AuxiliaryLabels is { } noise) section.Line($"<p class=\"note\">Auxiliary labels: {noise}.</p>");
        section.Line($"<div class=\"grid-of-figures\">");
        var range = Axis.FromZero([.. losses.Points.Select(point => point.Y).Where(double.IsFinite)]);
        section.Line($"{new LineChart("Loss", "epoch", "loss", epochs, range, [losses]) { Mark = kept }.Draw()}");
        if (accuracies.Length > 0)
            section.Line($"{new LineChart("Accuracy", "epoch", "images right, %", epochs, Axis.Percent, accuracies)
            {
                Mark = kept,
                YFormat = "F1",
                Note = (accuracies.Length == 1 ? "There was no validation. " : "Clean, attacked: on validation images. ")
                    + "Training: on the images trained on, attacked where the method attacks.",
            }.Draw()}");
        return section.Line($"</div>");

        Series Line(string name, Func<EpochRecord, double?> value) => new(name,
        [
            .. training.History.Where(epoch => value(epoch) is not null).Select(epoch => ((double)epoch.Epoch, value(epoch)!.Value)),
        ]);
    }

    private static string Summary(TrainingResult training)
    {
        var epochs = $"{Text.Count(training.History.Count, "epoch")} in {Duration.Text(TimeSpan.FromSeconds(training.Seconds))}";
        if (training.Cancelled) epochs += ", cancelled before the last";
        var judges = Text.Count(training.ValidationImages, $"{(training.ChosenUnderAttack ? "attacked " : "")}validation image");
        var kept = training.KeptEpoch is not { } at ? ""
            : FormattableString.Invariant($"; kept: epoch {at}")
                + (at == training.BestEpoch ? $", which {judges} cannot tell from the best" : "");
        var teacher = training.Teacher is { } found ? $" The teacher, on {found}." : "";
        return $"{epochs}{kept}.{teacher}";
    }
}
