namespace Ard.MLNet.Evaluation;

/// <summary>What a model gets right under one attack.</summary>
public sealed record AttackMetrics
{
    internal AttackMetrics(AttackResult result, MulticlassClassificationMetrics metrics, IDataView rows) =>
        (Name, Accuracy, Interval, Metrics, Rows) = (result.Name, result.Accuracy, result.Interval, metrics, rows);

    /// <summary>The attack's name; <c>clean</c> and <c>worst-case</c> besides.</summary>
    public string Name { get; internal init; }

    /// <summary>The share of rows that the model gets right, from 0 to 1: both the row itself and its attacked image.</summary>
    public double Accuracy { get; internal init; }

    /// <summary>The 95 % interval of the accuracy, as the rows are a sample.</summary>
    public ConfidenceInterval Interval { get; internal init; }

    /// <summary>ML.NET's metrics of the attacked data.</summary>
    public MulticlassClassificationMetrics Metrics { get; internal init; }

    /// <summary>
    /// One row for each row of the data, in their order, for ML.NET to go on with: Row (int64, from 0), Label, PredictedLabel and
    /// AttackedPredictedLabel (keys; missing where the network's output is not finite), PerturbationNorm (double, in the norm of the threat
    /// model; 0 for rows that the model gets wrong without an attack), BrokenBy (text: the attack if it broke the row, in a sequence such
    /// as AutoAttack the part of it, of the worst case the first attack that did; else empty), ForwardPasses and BackwardPasses (int64,
    /// what this attack cost, of the worst case all of them; -1 where one does not say), Queries (int64,
    /// <see cref="AttackedPoint.Queries"/> of a model that was only queried; else, and where it was not broken, -1).
    /// </summary>
    public IDataView Rows { get; }
}

/// <summary>What <see cref="ArdCatalog.EvaluateRobustness"/> found.</summary>
public sealed class RobustnessMetrics
{
    private readonly EvaluatedModel model;
    private readonly AdversarialEvaluatorOptions options;

    internal RobustnessMetrics(
        RobustnessReport report, AttackMetrics clean, IReadOnlyList<AttackMetrics> attacks, AttackMetrics worstCase,
        EvaluatedModel model, AdversarialEvaluatorOptions options, AttackedImages? images)
    {
        (Report, Clean, Attacks, WorstCase) = (report, clean, attacks, worstCase);
        (this.model, this.options, Images) = (model, options, images);
        Summary = EvaluationSummary.Create(report, model.Subject.Model) with
        {
            ClassNames = ClassNames,
            Clean = Figures(report.Clean, clean),
            Attacks = [.. report.Attacks.Zip(attacks, Figures)],
            WorstCase = Figures(report.WorstCase, worstCase),
        };
    }

    /// <summary>The report of the evaluator underneath: which rows are right, attack by attack.</summary>
    public RobustnessReport Report { get; }

    /// <summary>Without an attack.</summary>
    public AttackMetrics Clean { get; }

    /// <summary>One entry an attack.</summary>
    public IReadOnlyList<AttackMetrics> Attacks { get; }

    /// <summary>Against all attacks together, row by row the one that does the most harm.</summary>
    public AttackMetrics WorstCase { get; }

    /// <summary>Signs that the figures may be wrong; empty where none was found.</summary>
    public IReadOnlyList<RobustnessFlag> Flags => Report.Flags;

    internal EvaluationSummary Summary { get; }

    /// <summary>Some images before and after the attack; null where <see cref="AdversarialEvaluatorOptions.Images"/> is 0.</summary>
    internal AttackedImages? Images { get; }

    /// <summary>The classes' names, in the order of the classifier's scores.</summary>
    public IReadOnlyList<string> ClassNames => model.Labels.Names;

    /// <summary>The network and the number of its parameters, or the model and that it was only queried.</summary>
    internal string Description => $"{model.Name}, {model.Details}";

    /// <summary>The metrics of one attack.</summary>
    /// <param name="attack">Its name, such as <c>pgd-20</c>; <c>clean</c> and <c>worst-case</c> are understood as well.</param>
    /// <exception cref="KeyNotFoundException">It was not run; the message names those that were.</exception>
    public AttackMetrics this[string attack] => Attacks.Prepend(Clean).Append(WorstCase).FirstOrDefault(metrics => metrics.Name == attack)
        ?? throw new KeyNotFoundException($"No result for '{attack}': found {string.Join(", ", Attacks.Select(metrics => metrics.Name))}.");

    private static EvaluationSummary.Figures Figures(AttackResult result, AttackMetrics attack) =>
        EvaluationSummary.Figures.From(result) with
        {
            MacroAccuracy = attack.Metrics.MacroAccuracy,
            LogLoss = attack.Metrics.LogLoss,
            LogLossReduction = attack.Metrics.LogLossReduction,
            PerClassLogLoss = attack.Metrics.PerClassLogLoss,
            Confusion = attack.Metrics.ConfusionMatrix.Counts,
        };

    /// <summary>
    /// Writes the report as JSON, as <see cref="RobustnessReport.SaveJson"/> does, with ML.NET's metrics of each attack. What became of
    /// each row as JSON lines is <see cref="RobustnessReport.SaveRows"/> of <see cref="Report"/>.
    /// </summary>
    /// <param name="path">The file to create or to replace.</param>
    public void SaveJson(string path) => AtomicFile.WriteAllText(path, Summary.ToJson() + "\n");

    /// <summary>
    /// The model on a page: evaluation, images, and its training unless it was loaded. Several of them make a page of several models.
    /// </summary>
    /// <param name="name">What the page calls it.</param>
    public ModelReport ToModelReport(string name) => new(name)
    {
        Description = Description,
        Parameters = Summary.Parameters,
        Robustness = Report,
        Images = Images,
        Training = model.Training,
    };

    /// <summary>Everything as a page for people; <c>with</c> changes its title or adds to it.</summary>
    internal HtmlReport ToHtmlReport() => new($"Robustness of {model.Name}")
    {
        ClassNames = ClassNames,
        // The network is the name already.
        Models = [ToModelReport(model.Name) with { Description = model.Details }],
        Seed = options.Evaluation.Seed,
        Reproduction = Code(),
    };

    /// <summary>Writes the report as one HTML page to a file, which appears whole or not at all.</summary>
    /// <param name="path">The file to create or to replace, such as <c>report.html</c>.</param>
    public void SaveHtml(string path) => ToHtmlReport().Save(path);

    // With what was a default by its name, and without files.
    private string Code()
    {
        var evaluation = options.Evaluation with { Attacks = options.Evaluation.AttackNames, StateFile = null, ExamplesFile = null };
        return "var metrics = mlContext.MulticlassClassification.EvaluateRobustness(model, data, "
            + $"{OptionsCode.Write(options with { Evaluation = evaluation })});";
    }
}
