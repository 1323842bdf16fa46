using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>A trained network on clean and on attacked test images.</summary>
internal sealed record Evaluation
{
    /// <summary>The file of the network.</summary>
    public required string Model { get; init; }

    /// <summary>The architecture, where the file does not say it.</summary>
    public NetworkSpec? Architecture { get; init; }

    /// <summary>In place of a file: a network that is trained on the model's answers.</summary>
    private const string LearnedSurrogate = "answers";

    /// <summary>The file of a network whose adversarial examples are tried too, or <see cref="LearnedSurrogate"/>.</summary>
    public string? Surrogate { get; init; }

    public required string Data { get; init; }

    public int? Classes { get; init; }

    public int? TestImages { get; init; }

    /// <summary>The attacks; null for those of every evaluation.</summary>
    public IReadOnlyList<Attack>? Attacks { get; init; }

    /// <summary>The budgets in the maximum norm; several for a curve. Null: one that is usual for the images.</summary>
    public IReadOnlyList<double>? Epsilons { get; init; }

    /// <summary>Several adversaries, or one in another norm; null: as <see cref="Epsilons"/> says.</summary>
    public IReadOnlyList<ThreatModel>? Threats { get; init; }

    /// <summary>Whether the smallest perturbations are looked for, in the norms of the adversaries.</summary>
    public bool Smallest { get; init; }

    public string? StateFile { get; init; }

    /// <summary>The part to evaluate by itself; null for everything.</summary>
    public EvaluationShard? Shard { get; init; }

    public int? ImagesAtATime { get; init; }

    /// <summary>How often a model that can only be asked is asked about an image; null for as often as the attacks want.</summary>
    public int? QueryBudget { get; init; }

    public string? ExamplesFile { get; init; }

    /// <summary>How often each of the saved examples is judged again; null for not at all.</summary>
    public int? Judgements { get; init; }

    /// <summary>The page to write, if any.</summary>
    public string? Report { get; init; }

    /// <summary>The file for the figures, if any.</summary>
    public string? Json { get; init; }

    /// <summary>The file for what became of each image, if any.</summary>
    public string? Rows { get; init; }

    /// <summary>The file for a test of each attack and flag, if any.</summary>
    public string? JUnit { get; init; }

    /// <summary>The share of images that has to be right in the worst case; null for any.</summary>
    public double? FailUnder { get; init; }

    /// <summary>Flags that do not count against it.</summary>
    public IReadOnlyList<RobustnessFlagCode> AcceptedFlags { get; init; } = [];

    public long Seed { get; init; }

    public string Device { get; init; } = "auto";

    public int? Threads { get; init; }

    /// <summary>The arguments that say all this.</summary>
    public string Command { get; init; } = "";

    /// <summary>Evaluates and prints; the exit code.</summary>
    public int Run(CancellationToken cancellation)
    {
        Entry.UseThreads(Threads);
        if (Epsilons is not null && Threats is not null) throw new ArgumentException("--eps and --threat are given, expected one of them.");
        var (curve, several) = (Epsilons?.Count > 1 || Smallest, Epsilons?.Count > 1 || Threats?.Count > 1 || Smallest);
        foreach (var (option, given) in new[]
        {
            ("--save-examples", ExamplesFile is not null), ("--json", Json is not null), ("--rows", Rows is not null),
            ("--junit", JUnit is not null), ("--fail-under", FailUnder is not null),
        })
        {
            if (given && (curve || (several && option == "--save-examples")))
                throw new ArgumentException($"{option} and several budgets are given, expected one budget.");
            if (given && Shard is not null && option != "--save-examples")
                throw new ArgumentException($"{option} and --shard are given, expected {option} where the shards are merged.");
        }
        if (Judgements is not null && ExamplesFile is null)
            throw new ArgumentException("--judge needs --save-examples, whose points it judges.");
        var group = ProcessGroup.Current;
        if (several && (Shard is not null || group.Size > 1))
            throw new ArgumentException("Several budgets and several processes or a shard are given, expected one budget.");
        if (Shard is not null && StateFile is null) throw new ArgumentException("--shard needs --state, by which the shards are merged.");
        using var test = DataSource.LoadTest(Data, TestImages, Classes);
        using var network = Model.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) && Architecture is null
            ? PipelineModel.Open(Model, test)
            : Network(Model, Architecture is null ? null : DataSource.Fit(Architecture, test));
        var place = TrainingDevice.Find(Device);
        network.to(place);
        var threats = Threats ?? [Epsilons is null ? ThreatModel.Default(test.Channels) : ThreatModel.Linf(Epsilons[0])];
        // Attacks that do not fit are found before a network is trained for more of them.
        foreach (var each in Attacks is null ? [] : threats)
            _ = new RobustnessEvaluator(new() { Threat = each, Attacks = [], MoreAttacks = Attacks! });
        using var other = Surrogate is null ? null
            : Surrogate == LearnedSurrogate ? Imitation(network, test, cancellation) : Network(Surrogate, architecture: null);
        other?.to(place);
        var threat = threats[0];
        var options = new EvaluationOptions
        {
            Threat = threat,
            Attacks = Attacks is null ? null : [],
            MoreAttacks = AttacksIn(threat.Norm),
            Seed = Seed,
            StateFile = Shard is null ? StateFile : $"{StateFile}.{Shard.Number}-of-{Shard.Count}",
            Shard = Shard,
            ExamplesFile = ExamplesFile,
            QueryBudget = QueryBudget,
        };
        if (ImagesAtATime is { } images) options = options with { BatchSize = images };
        Console.WriteLine($"{Model}: {Pages.Description(network, spec: null)}, {test.Count:N0} images");
        // All are known to be sound before the first begins.
        RobustnessEvaluator[] evaluators = [.. threats.Select(each => new RobustnessEvaluator(Against(each)))];
        if (Smallest)
        {
            Save([.. threats.Zip(evaluators, (each, its) => Perturbations(
                each, network, test, AttacksIn(each.Norm), its.Options, cancellation))]);
            return 0;
        }
        if (Epsilons?.Count > 1)
        {
            RobustnessCurve? overBudgets = null;
            Display.Run(display => overBudgets = RobustnessCurve.Evaluate(
                network, test.Images, test.Labels, Epsilons, options, display.Evaluation(Model), cancellation));
            foreach (var point in overBudgets!.Points)
                Print($"{overBudgets.Norm} {point.Epsilon:F4}", point.Accuracy, point.Interval, point.Correct.Count(correct => correct));
            Print(overBudgets.Points.SelectMany(point => point.Flags).DistinctBy(flag => flag.Code));
            Save([new ModelReport(Model) { Curve = overBudgets }]);
            return 0;
        }
        RobustnessReport[] reports = [.. evaluators.Select(Evaluate)];
        var union = reports.Length == 1 ? null : RobustnessUnion.Combine(reports);
        if (union?.WorstCase is { } all) Print($"{all.Name}", all.Accuracy, all.Interval, all.CorrectCount, all.Details);
        var report = reports[0];
        if (group.Rank != 0) return 0;
        if (Json is not null)
        {
            OutputFile.Write(Json, union is not null
                ? EvaluationSummary.ToJson(union, network, Data, test.ClassNames)
                : (EvaluationSummary.Create(report, network) with { Data = Data, ClassNames = test.ClassNames }).ToJson());
        }
        RepeatedJudgement? judged = null;
        if (Judgements is { } passes && ExamplesFile is not null)
        {
            using var scope = NewDisposeScope();
            judged = RepeatedJudgement.Evaluate(network, Safetensors.Read(ExamplesFile)["points"], test.Labels, passes);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"judged {passes} times: mean {100 * judged.Mean:F2} % (95 %: {100 * judged.Interval.Low:F2} to ")
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $"{100 * judged.Interval.High:F2}), from {100 * judged.Accuracies.Min():F2} to {100 * judged.Accuracies.Max():F2}"));
        }
        var name = Path.GetFileName(Model);
        if (Rows is not null && union is not null) union.SaveRows(Rows);
        else if (Rows is not null) report.SaveRows(Rows);
        if (JUnit is not null && union is not null) JUnitReport.Save(JUnit, name, union, FailUnder, AcceptedFlags);
        else if (JUnit is not null) JUnitReport.Save(JUnit, name, report, FailUnder, AcceptedFlags);
        if (Report is not null)
        {
            // The one that broke most, or its first part: the others take long.
            var most = report.Attacks.MinBy(attack => attack.CorrectCount)!.Name;
            var strongest = options.MoreAttacks.FirstOrDefault(attack => attack.Name == most) ?? AttackCatalog.ByName(most);
            Save(
            [
                .. reports.Select(each => new ModelReport(reports.Length == 1 ? Model : $"{Model}, {each.Threat}")
                {
                    Robustness = each,
                    Union = each == reports[^1] ? union?.WorstCase : null,
                    Judgement = judged,
                    Images = each == report ? Pages.Images(network, test, strongest.Parts(threat.Norm)[0], options, cancellation) : null,
                }),
            ]);
        }
        if (FailUnder is { } least && union is not null) RobustnessAssert.AtLeast(union, least, AcceptedFlags);
        else if (FailUnder is { } alone) RobustnessAssert.AtLeast(report, alone, AcceptedFlags);
        return 0;

        // With the points that are worst for the surrogate: those that only just win there would carry over badly.
        IReadOnlyList<Attack> AttacksIn(Norm norm) =>
            other is null ? Attacks ?? [] : [.. Attacks ?? [], Attack.Transfer(norm == Norm.L1 ? Attack.Apgd() : Attack.Pgd(), other)];

        EvaluationOptions Against(ThreatModel adversary) => options with
        {
            Threat = adversary,
            MoreAttacks = AttacksIn(adversary.Norm),
            StateFile = threats.Count == 1 || StateFile is null
                ? options.StateFile
                : string.Create(CultureInfo.InvariantCulture, $"{StateFile}-{adversary.Norm}-{adversary.Epsilon:R}"),
        };

        RobustnessReport Evaluate(RobustnessEvaluator evaluator)
        {
            RobustnessReport found = null!;
            Display.Run(display => found = evaluator.Evaluate(
                network, test.Images, test.Labels, display.Evaluation(Model), cancellation));
            Print(found);
            if (found.WeakestClass is { } weakest) Print(weakest, test.ClassNames[(int)weakest.Class]);
            return found;
        }

        void Save(IReadOnlyList<ModelReport> found)
        {
            if (Report is null) return;
            new HtmlReport($"Robustness of {Path.GetFileName(Model)}")
            {
                Introduction = $"{test.Count:N0} test images of {Data}.",
                ClassNames = test.ClassNames,
                Models =
                [
                    .. found.Select(each => each with
                    {
                        Description = Pages.Description(network, Architecture),
                        Parameters = Weights.Count(network),
                    }),
                ],
                Reproduction = Command,
                Seed = Seed,
            }.Save(Report);
            Console.WriteLine($"Curves, images and settings: {Path.GetFullPath(Report)}");
        }
    }

    // The smallest perturbations in the norm of an adversary, and the curve up to twice its budget.
    private ModelReport Perturbations(
        ThreatModel adversary, Module<Tensor, Tensor> network, ImageDataset test, IReadOnlyList<Attack> attacks, EvaluationOptions options,
        CancellationToken cancellation)
    {
        SmallestPerturbations? found = null;
        Display.Run(display => found = SmallestPerturbations.Evaluate(
            network, test.Images, test.Labels, adversary.Norm, Attacks is null ? null : attacks, options, display.Evaluation(Model),
            cancellation));
        var clean = found!.Report.Clean;
        Print($"{clean.Name}", clean.Accuracy, clean.Interval, clean.CorrectCount);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"smallest in {adversary.Norm}: median {found.Median:G4}, quartiles {found.Quantile(0.25):G4} and {found.Quantile(0.75):G4} (")
            + $"{string.Join(", ", found.Report.Attacks.Select(attack => attack.Name))})");
        var curve = found.Curve([.. Enumerable.Range(0, 9).Select(i => i * adversary.Epsilon / 4)]);
        foreach (var point in curve.Points)
            Print($"{curve.Norm} {point.Epsilon:F4}", point.Accuracy, point.Interval, point.Correct.Count(correct => correct));
        Print(found.Report.Flags);
        return new ModelReport($"{Model}, {adversary.Norm}") { Curve = curve };
    }

    /// <summary>Puts the state files of an evaluation's shards together and prints the figures; the exit code.</summary>
    public static int Merge(string file, string? json, string? rows)
    {
        if (Directory.Exists(file)) file = OnlyState(file);
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        string[] shards = [.. Directory.GetFiles(folder, $"{Path.GetFileName(file)}.*-of-*").Order(StringComparer.Ordinal)];
        var report = EvaluationShard.Merge(shards, file);
        Console.WriteLine($"{file}: {shards.Length} shards");
        if (report is not null) Print(report);
        if (report?.WeakestClass is { } weakest) Print(weakest, $"{weakest.Class}");
        if (report is null && (json ?? rows) is { } unmade)
            throw new ArgumentException($"{unmade}: the shards have an attack of your own, expected those of evaluate --attacks.");
        if (json is not null) OutputFile.Write(json, EvaluationSummary.Create(report!).ToJson());
        if (rows is not null) report!.SaveRows(rows);
        Console.WriteLine($"The same evaluate with --state {file} and without --shard {(report is null ? "prints" : "writes")} "
            + (report is null ? "the figures." : "page, JSON and examples."));
        return 0;
    }

    // What the shards in a folder are of.
    private static string OnlyState(string folder)
    {
        string[] states = [.. Directory.GetFiles(folder, "*.*-of-*").Select(file => Path.ChangeExtension(file, null)).Distinct()];
        return states is [var only] ? only : throw new ArgumentException(
            $"{folder}: expected the shards of one evaluation, found those of {states.Length}: {string.Join(", ", states)}.");
    }

    private static void Print(RobustnessReport report)
    {
        Console.WriteLine($"{report.Threat}");
        foreach (var result in report.Attacks.Prepend(report.Clean).Append(report.WorstCase))
        {
            Print($"{result.Name}", result.Accuracy, result.Interval, result.CorrectCount, result.Details);
            if (result.SurrogateAgreement is { } same)
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"  its surrogate says the same of {100 * same:F2} % of these clean images; ")
                    + "of others fewer, if it learned from these");
            foreach (var part in result.Parts) Console.WriteLine($"  after {part.Name}: {part.CorrectCount} right");
            if (report.BlackBox is not null && result.MedianQueries is { } median) Console.WriteLine(Queries(result, median));
        }
        if (report.BlackBox is not null) Console.WriteLine(report.BlackBox);
        Print(report.Flags);
    }

    private static void Print(ClassAccuracy weakest, string name) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"Weakest class: {name}, {100 * weakest.Accuracy:F2} % in the worst case ({weakest.RobustCount} of {weakest.Images}; ")
        + string.Create(CultureInfo.InvariantCulture, $"95 %: {100 * weakest.Interval.Low:F2} to {100 * weakest.Interval.High:F2})"));

    private static string Queries(AttackResult result, double median)
    {
        var most = result.Points.Max(point => point.Queries ?? 0);
        var after = new[] { 10L, 100, 1000, 10_000 }.TakeWhile(queries => queries < most).Select(queries =>
            string.Create(CultureInfo.InvariantCulture, $"{100 * result.AccuracyAfter(queries):F2} % after {queries} queries"));
        return string.Create(CultureInfo.InvariantCulture, $"  half of the broken needed {median:N0} queries or fewer")
            + string.Concat(after.Select(text => $"; {text}"));
    }

    private static void Print(FormattableString name, double accuracy, ConfidenceInterval interval, int right, string details = "") =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name.ToString(CultureInfo.InvariantCulture),-15} {100 * accuracy,6:F2} %  ({right} right; ")
            + string.Create(CultureInfo.InvariantCulture, $"95 %: {100 * interval.Low:F2} to {100 * interval.High:F2})")
            + (details == "" ? "" : $" {details}"));

    private static void Print(IEnumerable<RobustnessFlag> flags)
    {
        foreach (var flag in flags) Console.WriteLine($"Flag: {flag}");
    }

    private Module<Tensor, Tensor> Imitation(Module<Tensor, Tensor> model, ImageDataset test, CancellationToken cancellation)
    {
        var imitation = DataSource.Fit(NetworkSpec.Parse(test.Height <= 16 ? "tinycnn-8-bn" : "smallcnn-16-bn"), test).Build(Seed);
        var training = new TrainingOptions { Seed = Seed, Device = Device, Threads = Threads };
        Trainers.Training.Surrogate.Fit(imitation, model, test.Images, training, cancellation);
        return imitation;
    }

    public static Module<Tensor, Tensor> Network(string model, NetworkSpec? architecture)
    {
        if (model.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) return OnnxModel.Open(model);
        if (architecture is null) return ModelFile.Read(model);
        var imported = ModelFile.Import(model, architecture);
        foreach (var note in imported.Report.Notes) Console.WriteLine($"{model}: {note}");
        return imported.Network;
    }
}
