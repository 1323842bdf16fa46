using System.CommandLine;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>The verb evaluate: a trained network on clean and on attacked test images.</summary>
internal sealed class Evaluation(ParseResult p, CancellationToken cancellation)
{
    private static readonly Option<string?> Surrogate = Text(
        "--surrogate", "A safetensors file of another network: adds transfer(pgd-20), the points that PGD-20 finds on it, in l1 "
        + "those of APGD. Or answers: a network that is trained on what the model answers first.");
    private static readonly Option<IReadOnlyList<Attack>?> Attacks = Several(
        "--attacks", $"One or more of {string.Join(", ", AttackCatalog.Names)}, with commas between. Default fgsm,pgd-20; "
        + "square for an ONNX file.", AttackCatalog.ByName);
    private static readonly Option<IReadOnlyList<double>?> Epsilons = Several(
        "--eps", "One budget as for distill, or several with commas between for a curve: 2/255,4/255,8/255.", Budget);
    private static readonly Option<IReadOnlyList<ThreatModel>?> Threats = Several(
        "--threat", "Norm and budget in place of --eps, such as l2:0.5; several with commas between are evaluated one by one and as a "
        + "union: linf:8/255,l2:0.5,l1:12.", Threat);
    private static readonly Option<bool> Smallest = Switch(
        "--smallest", "Look for the smallest perturbations in the norm of --threat: median, quartiles and a curve over the budget. "
        + "Attacks: those of --attacks, by default fab-t and fmn.");
    private static readonly Option<int?> Judge = Count(
        "--judge", "With --save-examples: judge each of the worst points by so many passes; for networks whose output is random.");
    private static readonly Option<string?> State = ToWrite(
        "--state", "Keep what is done in this file, and go on from it where it exists.");
    private static readonly Option<int?> Queries = Count(
        "--queries", "Of a model that can only be asked: so many queries an image at most, by all attacks together.");
    private static readonly Option<int?> ImagesAtATime = Count(
        "--images-at-a-time", "Images that go through the network together. Default 250. A shard has whole ones of these batches.");
    private static readonly Option<EvaluationShard?> Shard = One(
        "--shard", "Evaluate one of several parts by itself, such as 3/8; of /8 the one of this task in a Slurm array or an indexed job of "
        + "Kubernetes. Needs --state, and writes FILE.3-of-8; then: merge FILE.", EvaluationShard.Parse);
    private static readonly Option<string?> SaveExamples = ToWrite(
        "--save-examples", "Write the adversarial examples to this safetensors file.");
    private static readonly Option<string?> JUnit = ToWrite(
        "--junit", "Write a test for each attack and each flag to this XML file, as CI services show them.");
    private static readonly Option<double?> FailUnder = Percent(
        "--fail-under", "Exit with 3 where the 95 % interval of the worst case ends below so many percent, or a serious flag stands.");
    private static readonly Option<IReadOnlyList<RobustnessFlagCode>?> AcceptFlags = Several(
        "--accept-flags", "Flags by which --fail-under and --junit do not fail, by their codes with commas between, such as ZeroGradients.",
        text => Enum.TryParse<RobustnessFlagCode>(text, out var code) && Enum.IsDefined(code)
            ? code
            : throw new FormatException($"expected {string.Join(", ", Enum.GetNames<RobustnessFlagCode>())}"));

    private readonly string model = p.GetValue(Model)!;
    private readonly NetworkSpec? architecture = p.Normalised(p.GetValue(Network));
    private readonly IReadOnlyList<Attack>? attacks = p.GetValue(Attacks);
    private readonly double[]? epsilons = p.GetValue(Epsilons)?.Distinct().ToArray();
    private readonly ThreatModel[]? several = p.GetValue(Threats)?.Distinct().ToArray();
    private readonly EvaluationShard? shard = p.GetValue(Shard);
    private readonly string? state = p.GetValue(State), examples = p.GetValue(SaveExamples), page = p.GetValue(Report);

    public static Command Verb(CancellationToken cancellation) => CommandLine.Verb(
        "evaluate", "Measures a trained network on clean and on attacked test images.", p => new Evaluation(p, cancellation).Run(),
        Model, Network, Mean, Std, Surrogate, Data, Classes, Attacks, Epsilons, Threats, Smallest, State, Shard, ImagesAtATime, Queries,
        SaveExamples, Judge, Report, Json, Rows, JUnit, FailUnder, AcceptFlags, TestImages, Seed, Options.Device, Threads);

    private int Run()
    {
        Entry.UseThreads(p.GetValue(Threads));
        Check();
        using var test = DataSource.LoadTest(p.GetValue(Data)!, p.GetValue(TestImages), p.GetValue(Classes));
        using var network = Read(model, architecture, test);
        var place = TrainingDevice.Find(p.GetValue(Options.Device)!);
        network.to(place);
        var threats = several ?? [epsilons is null ? ThreatModel.Default(test.Channels) : ThreatModel.Linf(epsilons[0])];
        // Attacks that do not fit are found before a network is trained for more of them.
        foreach (var each in attacks is null ? [] : threats)
            _ = new RobustnessEvaluator(new() { Threat = each, Attacks = [], MoreAttacks = attacks! });
        using var surrogate = p.GetValue(Surrogate) switch
        {
            null => null,
            "answers" => Imitation(network, test),
            var file => Read(file, null, test),
        };
        // With the images, which stay on the CPU where the model is only asked.
        surrogate?.to(Weights.Count(network) == 0 ? CPU : place);
        Console.WriteLine($"{model}: {Pages.Description(network, spec: null)}, {test.Count:N0} images");
        // All are known to be sound before the first begins.
        RobustnessEvaluator[] evaluators = [.. threats.Select(threat => new RobustnessEvaluator(Against(threat)))];
        if (p.GetValue(Smallest))
        {
            Save([.. threats.Select(threat => Perturbations(Against(threat), network, test))], network, test);
            return 0;
        }
        if (epsilons?.Length > 1)
        {
            var curve = Display.Run(display => RobustnessCurve.Evaluate(
                network, test.Images, test.Labels, epsilons, Against(threats[0]), display.Evaluation(model), cancellation));
            Figures.Print(curve);
            Figures.Print(curve.Points.SelectMany(point => point.Flags).DistinctBy(flag => flag.Code));
            Save([new ModelReport(model) { Curve = curve }], network, test);
            return 0;
        }
        var union = RobustnessUnion.Combine([.. evaluators.Select(Evaluate)]);
        if (evaluators.Length > 1) Figures.Print(union.WorstCase);
        if (ProcessGroup.Current.Rank == 0) Write(union, network, test, Against(threats[0]));
        return 0;

        EvaluationOptions Against(ThreatModel threat)
        {
            var transfer = threat.Norm == Norm.L1 ? Attack.Apgd() : Attack.Pgd();
            return new()
            {
                Threat = threat,
                Attacks = attacks is null ? null : [],
                // With the points that are worst for the surrogate: those that only just win there would carry over badly.
                MoreAttacks = surrogate is null ? attacks ?? [] : [.. attacks ?? [], Attack.Transfer(transfer, surrogate)],
                Seed = p.GetValue(Seed),
                StateFile = shard is not null ? $"{state}.{shard.Number}-of-{shard.Count}"
                    : threats.Length == 1 || state is null ? state : $"{state}-{threat.Norm}-{threat.Epsilon:R}",
                Shard = shard,
                ExamplesFile = examples,
                QueryBudget = p.GetValue(Queries),
                BatchSize = p.GetValue(ImagesAtATime),
            };
        }

        RobustnessReport Evaluate(RobustnessEvaluator evaluator)
        {
            var found = Display.Run(display => evaluator.Evaluate(
                network, test.Images, test.Labels, display.Evaluation(model), cancellation));
            Figures.Print(found, test.ClassNames);
            return found;
        }
    }

    // What does not go together.
    private void Check()
    {
        if (epsilons is not null && several is not null) throw new ArgumentException("--eps and --threat are given, expected one of them.");
        var curve = epsilons?.Length > 1 || p.GetValue(Smallest);
        var many = curve || several?.Length > 1;
        foreach (var option in new Option[] { SaveExamples, Json, Rows, JUnit, FailUnder })
        {
            if (p.GetResult(option) is null) continue;
            if (curve || (many && option == SaveExamples))
                throw new ArgumentException($"{option.Name} and several budgets are given, expected one budget.");
            if (shard is not null && option != SaveExamples)
                throw new ArgumentException($"{option.Name} and --shard are given, expected {option.Name} where the shards are merged.");
        }
        foreach (var option in new Option[] { Judge, Report })
            if (shard is not null && p.GetResult(option) is not null)
                throw new ArgumentException($"{option.Name} and --shard are given: a shard is a part of the figures.");
        if (p.GetValue(Smallest) && epsilons?.Length > 1)
            throw new ArgumentException("--smallest and several budgets are given, expected one: the curve goes up to twice that.");
        if (p.GetValue(Judge) is not null && examples is null)
            throw new ArgumentException("--judge needs --save-examples, whose points it judges.");
        if (many && (shard is not null || ProcessGroup.Current.Size > 1))
            throw new ArgumentException("Several budgets and several processes or a shard are given, expected one budget.");
        if (shard is not null && state is null) throw new ArgumentException("--shard needs --state, by which the shards are merged.");
    }

    // The files that were asked for.
    private void Write(RobustnessUnion union, Module<Tensor, Tensor> network, ImageDataset test, EvaluationOptions options)
    {
        var (report, name, accepted) = (union.Reports[0], Path.GetFileName(model), p.GetValue(AcceptFlags) ?? []);
        var together = union.Reports.Count > 1;
        if (p.GetValue(Json) is { } json) union.SaveJson(json, network, p.GetValue(Data), test.ClassNames);
        RepeatedJudgement? judged = null;
        if (p.GetValue(Judge) is { } passes)
        {
            using var scope = NewDisposeScope();
            judged = RepeatedJudgement.Evaluate(network, Safetensors.Read(examples!)["points"], test.Labels, passes);
            Console.WriteLine($"judged {passes} times: mean {100 * judged.Mean:F2} % (95 %: {judged.Interval}), from "
                + $"{100 * judged.Accuracies.Min():F2} to {100 * judged.Accuracies.Max():F2}");
        }
        if (p.GetValue(Rows) is { } rows) union.SaveRows(rows);
        if (p.GetValue(JUnit) is { } tests) JUnitReport.Save(tests, name, union, p.GetValue(FailUnder), accepted);
        if (page is not null)
        {
            // The one that broke most, or its first part: the others take long.
            var most = report.Attacks.MinBy(attack => attack.CorrectCount)!.Name;
            var strongest = options.MoreAttacks.FirstOrDefault(attack => attack.Name == most) ?? AttackCatalog.ByName(most);
            Save(
            [
                .. union.Reports.Select(each => new ModelReport(together ? $"{model}, {each.Threat}" : model)
                {
                    Robustness = each,
                    Union = together && each == union.Reports[^1] ? union.WorstCase : null,
                    Judgement = judged,
                    // They are attacked once more, which would ask more often than allowed.
                    Images = each == report && options.QueryBudget is null
                        ? Pages.Images(network, test, strongest.Parts(each.Threat.Norm)[0], options, cancellation) : null,
                }),
            ], network, test);
        }
        if (p.GetValue(FailUnder) is { } least) RobustnessAssert.AtLeast(union, least, accepted);
    }

    private void Save(ModelReport[] found, Module<Tensor, Tensor> network, ImageDataset test)
    {
        if (page is null) return;
        var (description, parameters) = (Pages.Description(network, architecture), Weights.Count(network));
        new HtmlReport($"Robustness of {Path.GetFileName(model)}")
        {
            Introduction = $"{test.Count:N0} test images of {p.GetValue(Data)}.",
            ClassNames = test.ClassNames,
            Models = [.. found.Select(each => each with { Description = description, Parameters = parameters })],
            Reproduction = p.Typed(),
            Seed = p.GetValue(Seed),
        }.Save(page);
        Console.WriteLine($"Curves, images and settings: {Path.GetFullPath(page)}");
    }

    private static IEnumerable<Attack> Usual => new[] { "fab-t", "fmn" }.Select(AttackCatalog.ByName);

    // The smallest perturbations in the norm of an adversary, and the curve up to twice its budget.
    private ModelReport Perturbations(EvaluationOptions options, Module<Tensor, Tensor> network, ImageDataset test)
    {
        var threat = options.Threat!;
        IReadOnlyList<Attack> looking = [.. attacks is null ? Usual : [], .. options.MoreAttacks];
        var found = Display.Run(display => SmallestPerturbations.Evaluate(
            network, test.Images, test.Labels, threat.Norm, looking, options, display.Evaluation(model), cancellation));
        Figures.Print(found.Report.Clean);
        Console.WriteLine($"smallest in {threat.Norm}: median {found.Median:G4}, quartiles {found.Quantile(0.25):G4} and "
            + $"{found.Quantile(0.75):G4} ({string.Join(", ", found.Report.Attacks.Select(attack => attack.Name))})");
        var curve = found.Curve([.. Enumerable.Range(0, 9).Select(i => i * threat.Epsilon / 4)]);
        Figures.Print(curve);
        Figures.Print(found.Report.Flags);
        return new ModelReport($"{model}, {threat.Norm}") { Curve = curve };
    }

    private Module<Tensor, Tensor> Imitation(Module<Tensor, Tensor> network, ImageDataset test)
    {
        var seed = p.GetValue(Seed);
        var imitation = DataSource.Fit(NetworkSpec.Parse(test.Height <= 16 ? "tinycnn-8-bn" : "smallcnn-16-bn"), test).Build(seed);
        var training = new TrainingOptions { Seed = seed, Device = p.GetValue(Options.Device)!, Threads = p.GetValue(Threads) };
        Trainers.Training.Surrogate.Fit(imitation, network, test.Images, training, cancellation);
        return imitation;
    }

    /// <summary>The network of a file.</summary>
    public static Module<Tensor, Tensor> Read(string model, NetworkSpec? architecture = null)
    {
        if (!Path.Exists(model)) throw new FileNotFoundException($"{model}: there is no such file.");
        if (model.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) return OnnxModel.Open(model);
        if (architecture is null) return ModelFile.Read(model);
        var imported = ModelFile.Import(model, architecture);
        foreach (var note in imported.Report.Notes) Console.WriteLine($"{model}: {note}");
        return imported.Network;
    }

    /// <summary>The network of a file, or ML.NET's model in it, for these images: with an output for each of their classes.</summary>
    /// <exception cref="ArgumentException">It has more or fewer: what it says would be compared with other classes.</exception>
    public static Module<Tensor, Tensor> Read(string model, NetworkSpec? architecture, ImageDataset images)
    {
        if (model.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) && architecture is null) return PipelineModel.Open(model, images);
        var network = Read(model, architecture is null ? null : DataSource.Fit(architecture, images));
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        long outputs;
        try
        {
            outputs = network.call(images.Batch(0, 1).Images).shape[^1];
        }
        catch (ArgumentException exception)
        {
            throw new ArgumentException(
                $"{model} does not take the images of {Data.Name}, which are {images.Channels}x{images.Height}x{images.Width}: "
                + exception.Message.Split(" (Parameter")[0]);
        }
        return outputs == images.ClassNames.Count
            ? network
            : throw new ArgumentException(
                $"{model} has {outputs} outputs, the images have {images.ClassNames.Count} classes: expected an output for each class. "
                + $"Where the files do not say the classes, {Classes.Name} does.");
    }

    private static ThreatModel Threat(string text) =>
        text.Split(':') is [var norm, var budget] && Enum.TryParse<Norm>(norm, ignoreCase: true, out var known) && Enum.IsDefined(known)
            ? new ThreatModel(known, Fraction(budget))
            : throw new FormatException("expected a norm and a budget, such as linf:8/255, l2:0.5 or l1:12");
}
