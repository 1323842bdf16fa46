namespace Ard.Trainers.Reports;

/// <summary>The flags of the evaluations and the warnings of the trainings, with what to do about them.</summary>
internal static class FlagsSection
{
    public static int Count(IReadOnlyList<ModelReport> models) => Flags(models).Count();

    public static Markup? Render(IReadOnlyList<ModelReport> models)
    {
        (string Title, string Text)[] all =
        [
            .. Flags(models).Select(each =>
                ($"{each.Model}: {Name(each.Flag.Code)}", $"{Sentence(each.Flag.Seen)} {Sentence(each.Flag.Advice)}")),
            .. models.SelectMany(model =>
                (model.Training?.Warnings ?? []).Select(warning => ($"{model.Name}, training", Sentence(warning)))),
        ];
        var quiet = Count(models) == 0 && models.Any(model => model.Robustness is not null || model.Curve is not null);
        if (!quiet && all.Length == 0) return null;
        var section = new Markup();
        if (quiet)
            section.Line(
                $"<p>The evaluation saw no sign that a figure is better than it should be. It looked for outputs that are random, "
                + $"probabilities, not finite or dependent on the rest of the batch, {Gradients(models)}"
                + $"attacks that leave their budget, and attacks that do worse than a weaker one. A stronger attack can still find "
                + $"more.</p>");
        return all.Length == 0 ? section : section.Line($"<ul class=\"flags\">")
            .Each(all, each => new Markup().Line($"<li><b>{each.Title}</b> – {each.Text}</li>")).Line($"</ul>");
    }

    // A model that was only queried has none.
    private static string Gradients(IReadOnlyList<ModelReport> models) => models.All(model => model.Robustness is { BlackBox: not null })
        ? "" : "gradients that are zero, not finite or missing, ";

    // All of its evaluation, and of its curve, which has other figures at each budget, what is not among them.
    private static IEnumerable<(string Model, RobustnessFlag Flag)> Flags(IReadOnlyList<ModelReport> models) => models.SelectMany(model =>
    {
        var seen = (model.Robustness?.Flags ?? []).Distinct().ToArray();
        var further = (model.Curve?.Points.SelectMany(point => point.Flags) ?? [])
            .DistinctBy(flag => flag.Code).Where(flag => seen.All(other => other.Code != flag.Code));
        return seen.Concat(further).Select(flag => (model.Name, flag));
    });

    private static string Name(RobustnessFlagCode code) => code switch
    {
        RobustnessFlagCode.RandomOutputs => "its outputs are random",
        RobustnessFlagCode.BudgetExceeded => "an attack left its budget",
        RobustnessFlagCode.NotFinite => "its outputs are not finite",
        RobustnessFlagCode.NoAdversary => "it met no adversary",
        RobustnessFlagCode.OneClass => "it says one class of all images",
        RobustnessFlagCode.Probabilities => "its outputs are probabilities",
        RobustnessFlagCode.ZeroGradients => "it has gradients of zero",
        RobustnessFlagCode.NotFiniteGradients => "its gradients are not finite",
        RobustnessFlagCode.MissingGradients => "it has no gradients",
        RobustnessFlagCode.BatchDependentOutputs => "its outputs depend on the rest of the batch",
        RobustnessFlagCode.FewClasses => "it has few classes",
        RobustnessFlagCode.GradientFreeStronger => "an attack without gradients found more",
        RobustnessFlagCode.OneStepStronger => "an attack of one step found more",
        RobustnessFlagCode.TransferStronger => "another network's examples found more",
        _ => code.ToString(),
    };

    private static string Sentence(string text) => text.TrimEnd('.') + ".";
}
