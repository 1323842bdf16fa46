namespace Ard.Trainers.Reports;

/// <summary>
/// What trainings and evaluations were, as one HTML page for people: accuracy under every attack with 95 % intervals, the differences
/// between networks on the same images, flags, accuracy by class and over the budget, attacked images, confusion matrices, training
/// curves, settings, versions and the command. The page loads nothing, has no script, and can be read on a
/// phone, in the dark, on paper and by a screen reader. Sections for which nothing is given are left out.
/// </summary>
/// <param name="Title">The title.</param>
public sealed record HtmlReport(string Title)
{
    /// <summary>What was done and why, in a few sentences. Default nothing.</summary>
    public string? Introduction { get; init; }

    /// <summary>The networks, in the order in which they are to be shown.</summary>
    public IReadOnlyList<ModelReport> Models { get; init; } = [];

    /// <summary>The classes' names in the order of the logits. Default their numbers.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>The command, or the code, that makes the same again. Default nothing.</summary>
    public string? Reproduction { get; init; }

    /// <summary>The seed of everything that chance decided. Default null: the settings have it.</summary>
    public long? Seed { get; init; }

    /// <summary>When it was written. Default now.</summary>
    internal DateTimeOffset Written { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>
    /// A page of networks that were evaluated alike, with the differences between them on the same images: the same images and labels, the
    /// same threat model and the same attacks.
    /// </summary>
    /// <param name="files">
    /// Two or more files of <see cref="RobustnessReport.SaveJson"/> or of ML.NET's metrics, each by a name of its network's own.
    /// </param>
    /// <exception cref="ArgumentException">They were not evaluated alike; the message says what differs.</exception>
    /// <exception cref="FormatException">A file is no such report.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static HtmlReport Compare(params IReadOnlyList<(string Name, string Path)> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return Compare([.. files.Select(file => (file.Name, EvaluationSummary.Read(file.Path)))]);
    }

    internal static HtmlReport Compare(params IReadOnlyList<(string Name, EvaluationSummary Evaluation)> models)
    {
        var names = models.Select(model => model.Name).ToArray();
        if (names.Length < 2 || names.Distinct().Count() < names.Length)
            throw new ArgumentException($"The networks are [{string.Join(", ", names)}], expected two or more, each of another name.");
        var unknown = models.Where(model => model.Evaluation.Points is null or { Labels.Count: 0 }).Select(model => model.Name).ToArray();
        if (unknown.Length > 0) throw new ArgumentException($"Evaluations without single images: {string.Join(", ", unknown)}.");
        var reports = models.Select(model => model.Evaluation.ToReport()).ToArray();
        string[] faults =
        [
            .. reports.Zip(names).Skip(1).SelectMany(pair => ComparisonSection.Differences(reports[0], pair.First)
                .Select(fault => $"{pair.Second}: {fault} as of {names[0]}")),
        ];
        if (faults.Length > 0) throw new ArgumentException(string.Join("; ", faults) + ".");
        return new($"{Text.Count(models.Count, "network")} compared")
        {
            ClassNames = models.Select(model => model.Evaluation.ClassNames).FirstOrDefault(found => found is not null) ?? [],
            Models =
            [
                .. models.Zip(reports, (model, report) => new ModelReport(model.Name)
                {
                    Robustness = report,
                    Parameters = model.Evaluation.Parameters,
                    Description = model.Evaluation.Parameters is { } count ? Text.Count(count, "parameter") : null,
                }),
            ],
        };
    }

    /// <summary>Writes the page to a file, which appears whole or not at all.</summary>
    /// <param name="path">The file to create or to replace. Missing folders are made.</param>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToHtml());

    internal string ToHtml()
    {
        (string Id, string Name, Markup? Body)[] sections =
        [
            ("accuracy", "Accuracy under attack", AccuracySection.Render(Models)),
            ("comparison", "Pairwise comparison", ComparisonSection.Render(Models)),
            ("flags", "Flags and warnings", FlagsSection.Render(Models)),
            ("classes", "Accuracy by class", BarSections.Classes(Models, Class)),
            ("corruptions", "Corrupted images", BarSections.Corruptions(Models)),
            ("budget", "Accuracy over the budget", LineSections.Budgets(Models)),
            ("queries", "Accuracy over the queries", LineSections.Queries(Models)),
            ("images", "Attacked images", ImageGrid.Render(Models, Class)),
            ("confusion", "Confusion matrix", ConfusionTable.Render(Models, Class)),
            ("training", "Training", LineSections.Training(Models)),
            ("settings", "Settings and reproduction", SettingsSection.Render(this)),
        ];
        var body = new Markup();
        body.Line($"<header><h1>{Title}</h1>");
        if (Introduction is not null) body.Line($"<p>{Introduction}</p>");
        if (FlagsSection.Count(Models) is > 0 and var flags)
            body.Line(
                $"<p class=\"alarm\">⚠ The evaluation raised {Text.Count(flags, "flag")}: <a href=\"#flags\">read first why the figures "
                + $"may be wrong</a>.</p>");
        body.Add($"<nav aria-label=\"Sections\">");
        var filled = sections.Where(section => section.Body is not null).ToArray();
        body.Each(filled, section => Markup.Format($"<a href=\"#{section.Id}\">{section.Name}</a> "));
        body.Line($"</nav></header><main>");
        foreach (var (id, name, content) in filled)
            body.Line($"<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{name}</h2>").Line($"{content}</section>");
        return Page.Render(Title, body.Line($"</main>"));
    }

    private string Class(long number) => number < 0 ? "no class"
        : number < ClassNames.Count ? ClassNames[(int)number] : number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One network of a <see cref="HtmlReport"/>, and what is known of it.</summary>
/// <param name="Name">A name, such as <c>student, ARD</c>; that of each network is another.</param>
public sealed record ModelReport(string Name)
{
    /// <summary>What it is, such as its architecture and the number of its parameters. Default nothing.</summary>
    public string? Description { get; init; }

    /// <summary>The number of its parameters, for a comparison of several networks. Default null: unknown.</summary>
    public long? Parameters { get; init; }

    /// <summary>Its training. Default none.</summary>
    public TrainingResult? Training { get; init; }

    /// <summary>Its evaluation. Default none.</summary>
    public RobustnessReport? Robustness { get; init; }

    /// <summary>What <see cref="RobustnessUnion.WorstCase"/> says of it: a row below its evaluation. Default none.</summary>
    public AttackResult? Union { get; init; }

    /// <summary>How often it gets its worst points right, where its output is random. Default none.</summary>
    public RepeatedJudgement? Judgement { get; init; }

    /// <summary>Its accuracy over the budget. Default none.</summary>
    public RobustnessCurve? Curve { get; init; }

    /// <summary>Its accuracy on corrupted images. Default none.</summary>
    public CorruptionReport? Corruptions { get; init; }

    /// <summary>Images to look at. Default none.</summary>
    public AttackedImages? Images { get; init; }
}
