using Ard.Trainers.Training;

namespace Ard.Trainers.Reports;

/// <summary>Loss and accuracies epoch by epoch.</summary>
internal static class TrainingSection
{
    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        var trained = models.Where(model => model.Training is { History.Count: > 0 }).ToArray();
        if (trained.Length == 0) return null;
        var section = new Markup();
        section.Line(
            $"<p>Losses of different methods are not comparable. Where the accuracy of training goes on rising while that of "
            + $"attacked validation images falls, the network learns its images by heart.</p>");
        return section.Each(trained, model => Curves(model.Name, model.Training!));
    }

    private static Markup Curves(string name, TrainingResult training)
    {
        var epochs = Axis.Between([.. training.History.Select(epoch => (double)epoch.Epoch)], smallestStep: 1);
        var losses = Of(epoch => epoch.Loss);
        (double, string)? kept = training.KeptEpoch is { } epoch && epoch < training.History.Count ? (epoch, "kept") : null;
        Series[] accuracies =
        [
            .. new[]
            {
                new Series("clean", Of(epoch => 100 * epoch.ValidationAccuracy)),
                new Series("attacked", Of(epoch => 100 * epoch.RobustValidationAccuracy)),
                new Series("training", Of(epoch => 100 * epoch.TrainingAccuracy)),
            }.Where(series => series.Points.Any(point => double.IsFinite(point.Y))),
        ];
        var section = new Markup();
        section.Line($"<h3>{name}</h3><p class=\"note\">{Summary(training)}</p>");
        if (training.AuxiliaryLabels is { } noise) section.Line($"<p class=\"note\">Auxiliary labels: {noise}.</p>");
        section.Line($"<div class=\"grid-of-figures\">");
        var range = Axis.FromZero([.. losses.Select(point => point.Y).Where(double.IsFinite)]);
        section.Line($"{new LineChart("Loss", "epoch", "loss", epochs, range, [new("loss", losses)]) { Mark = kept }.Draw()}");
        if (accuracies.Length > 0)
            section.Line($"{new LineChart("Accuracy", "epoch", "images right, %", epochs, Axis.Percent, accuracies)
            {
                Mark = kept,
                YFormat = "F1",
                Note = (accuracies.Length == 1 ? "There was no validation. " : "Clean, attacked: on validation images. ")
                    + "Training: on the images trained on, attacked where the method attacks.",
            }.Draw()}");
        return section.Line($"</div>");

        (double X, double Y)[] Of(Func<EpochRecord, double?> value) =>
            [.. training.History.Where(epoch => value(epoch) is not null).Select(epoch => ((double)epoch.Epoch, value(epoch)!.Value))];
    }

    private static string Summary(TrainingResult training)
    {
        var epochs = $"{Text.Count(training.History.Count, "epoch")} in {Duration.Text(TimeSpan.FromSeconds(training.Seconds))}";
        if (training.Cancelled) epochs += ", cancelled before the last";
        var attacked = training.ChosenUnderAttack ? "attacked " : "";
        var kept = training.KeptEpoch is not { } at ? ""
            : FormattableString.Invariant($"; kept: epoch {at}")
                + (at == training.BestEpoch ? $", the best on {Text.Count(training.ValidationImages, $"{attacked}validation image")}" : "");
        var teacher = training.Teacher is { } found ? $" The teacher, on {found}." : "";
        return $"{epochs}{kept}.{teacher}";
    }
}
