namespace Ard.Trainers.Reports;

internal static class ModelCardText
{
    private const string Unknown = "unknown";

    public static string Render(ModelCard card)
    {
        var text = new StringBuilder();
        Line($"# Model card: {Cell(card.Network)}");
        Table(
            "property",
            ("Network", card.Specification is { } spec
                ? $"{card.Network}, {JsonSerializer.Serialize(spec)}" : $"{card.Network}, not a built-in one"),
            ("Parameters", card.Parameters.ToString("N0", CultureInfo.InvariantCulture)),
            ("SHA-256 of the weights", card.Weights),
            ("Classes", card.ClassNames is { } names ? string.Join(", ", names) : Unknown));
        if (card.Files.Count > 0)
        {
            Line("## Files");
            Table("file", [.. card.Files.Select(file =>
                (file.Name, string.Create(CultureInfo.InvariantCulture, $"{file.Format}. {file.Bytes:N0} bytes, SHA-256 {file.Sha256}")))]);
        }

        Line("## Training");
        var training = card.Training;
        Table(
            "property",
            ("Data", card.Data ?? Unknown), ("Method", card.Method ?? Unknown), ("Preset", card.Preset ?? Unknown),
            ("Seed", card.Seed?.ToString(CultureInfo.InvariantCulture) ?? Unknown),
            ("Epochs", training is null ? Unknown : $"{training.Epochs}{(training.Cancelled ? ", then cancelled" : "")}; kept: "
                + (training.KeptEpoch is { } kept ? $"that of epoch {kept}" : "the last step's")),
            ("Seconds", training is null ? Unknown : training.Seconds.ToString("F1", CultureInfo.InvariantCulture)),
            ("Versions", training is null ? Unknown : Versions(training.Versions)));
        if (training?.AuxiliaryLabels is { } noise) Line($"Auxiliary labels: {Cell(noise)}.");
        if (training?.Teacher is { } teacher) Line($"The teacher, on {Cell(teacher)}.");
        foreach (var warning in training?.Warnings ?? []) Line($"Warning: {Cell(warning)}");
        Settings("Settings of the training", training?.Settings);

        Line("## Accuracy");
        if (card.Evaluation is { } evaluation) Evaluation(evaluation);
        else Line("Unknown: no evaluation was given, neither on clean images nor under attack.");

        Line("## Versions");
        Line($"Written by {Versions(card.Versions)}.");
        return text.ToString().TrimEnd('\n') + "\n";

        void Evaluation(EvaluationSummary found)
        {
            Line($"On {found.Rows.ToString("N0", CultureInfo.InvariantCulture)} images "
                + $"({(found.Data is { } data ? Cell(data) : "which ones is unknown")}); "
                + $"the adversary's budget: {found.Threat.Norm}, {found.Threat.Epsilon.ToString("R", CultureInfo.InvariantCulture)} "
                + "in units of images in [0,1].");
            Table("attack", [.. found.Attacks.Prepend(found.Clean).Append(found.WorstCase).Select(
                attack => (attack.Name, Right(attack.Accuracy, attack.Interval)))]);
            if (found.Weakest is var (name, weakest))
                Line($"The weakest of {found.Classes!.Count} classes under the worst of the attacks: {Cell(name)}, "
                    + $"{Right(weakest.Accuracy, weakest.Interval)} of {weakest.Images} images.");
            Line(found.Flags.Count > 0
                ? "Flags, for which these figures may be wrong:"
                : "The evaluation raised no flag; a stronger attack can still find more.");
            if (found.Flags.Count > 0) Line(string.Join('\n', found.Flags.Select(flag => $"- {Cell(flag.ToString())}")));
            if (found.Weights is null)
                Line("That they are of these weights is the word of whoever put them here: the report does not say of which.");
            Settings("Settings of the evaluation and its attacks", found.Settings);
        }

        void Settings(string title, IReadOnlyList<string>? lines)
        {
            if (lines is not { Count: > 0 })
            {
                Line($"{title}: {Unknown}.");
                return;
            }
            Line($"{title}:");
            Line(string.Join('\n', lines.Select(line => "    " + line.ReplaceLineEndings(" "))));
        }

        void Table(string first, params IEnumerable<(string Name, string Value)> rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {first} | value |\n| --- | --- |\n");
            foreach (var (name, value) in rows) text.Append(CultureInfo.InvariantCulture, $"| {Cell(name)} | {Cell(value)} |\n");
            text.Append('\n');
        }

        void Line(string line) => text.Append(line).Append("\n\n");
    }

    private static string Right(double accuracy, IReadOnlyList<double> interval) => string.Create(
        CultureInfo.InvariantCulture,
        $"{100 * accuracy:F2} % right (95 % interval: {100 * interval[0]:F2} to {100 * interval[1]:F2})");

    private static string Versions(IReadOnlyDictionary<string, string> versions) =>
        versions.Count == 0 ? Unknown : string.Join(", ", versions.Select(version => $"{version.Key} {version.Value}"));

    // Names come from elsewhere: they stay in their cell and are no markup.
    private static string Cell(string value) =>
        value.ReplaceLineEndings(" ").Replace("\\", "\\\\").Replace("|", "\\|").Replace("<", "&lt;").Replace("`", "\\`");
}
