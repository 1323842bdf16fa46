using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>A trained network on clean and on attacked test images.</summary>
internal static class Evaluation
{
    public static int Run(
        string model, NetworkSpec? architecture, string? surrogate, string data, int? classes, IReadOnlyList<Attack> attacks,
        IReadOnlyList<double>? epsilons, string? state, string? examples, string? page, string command, string? json, int? images,
        long seed, string device, int? threads, CancellationToken cancellation)
    {
        CpuThreads.Set(threads);
        if (examples is not null && epsilons?.Count > 1)
            throw new ArgumentException("--save-examples and several budgets are given, expected one budget.");
        if (json is not null && epsilons?.Count > 1)
            throw new ArgumentException("--json and several budgets are given, expected one budget.");
        using var test = DataSource.LoadTest(data, images, classes);
        using var network = Network(model, architecture is null ? null : DataSource.Fit(architecture, test));
        var place = TrainingDevice.Find(device);
        network.to(place);
        using var other = surrogate is null ? null : Network(surrogate, architecture: null);
        // The points of PGD that are worst for the surrogate: those that only just win there would carry over badly.
        if (other is not null) attacks = [.. attacks, new Transfer(new Pgd(), other.to(place))];
        var options = new EvaluationOptions
        {
            Threat = epsilons is null ? new ObjectiveSettings().For(test.Channels).Threat! : ThreatModel.Linf(epsilons[0]),
            Attacks = [],
            MoreAttacks = attacks,
            Seed = seed,
            StateFile = state,
            ExamplesFile = examples,
        };
        Console.WriteLine($"{model}: {Weights.Count(network):N0} parameters, {test.Count:N0} images");
        RobustnessCurve? curve = null;
        if (epsilons?.Count > 1)
        {
            Display.Run(display => curve = RobustnessCurve.Evaluate(
                network, test.Images, test.Labels, epsilons, options, display.Evaluation(model), cancellation));
            foreach (var point in curve!.Points)
                Print($"{curve.Norm} {point.Epsilon:F4}", point.Accuracy, point.Interval, point.Correct.Count(correct => correct));
            Print(curve.Points.SelectMany(point => point.Flags).DistinctBy(flag => flag.Code));
            Save(new ModelReport(model) { Curve = curve });
            return 0;
        }
        RobustnessReport? report = null;
        Display.Run(display => report = new RobustnessEvaluator(options).Evaluate(
            network, test.Images, test.Labels, display.Evaluation(model), cancellation));
        Console.WriteLine($"{options.Threat}");
        foreach (var result in report!.Attacks.Prepend(report.Clean).Append(report.WorstCase))
        {
            Print($"{result.Name}", result.Accuracy, result.Interval, result.CorrectCount, result.Details);
            foreach (var part in result.Parts) Console.WriteLine($"  after {part.Name}: {part.CorrectCount} right");
        }
        Print(report.Flags);
        if (json is not null) AtomicFile.WriteAllText(json, (EvaluationSummary.Of(report, network) with { Data = data }).ToJson() + "\n");
        if (page is null) return 0;
        // The one that broke most, or its first part: the others take long.
        var strongest = attacks[report.Attacks.Index().MinBy(attack => attack.Item.CorrectCount).Index];
        Save(new ModelReport(model)
        {
            Robustness = report,
            Images = Pages.Images(network, test, strongest.Parts(options.Threat.Norm)[0], options, cancellation),
        });
        return 0;

        void Save(ModelReport found)
        {
            if (page is null) return;
            new HtmlReport($"Robustness of {Path.GetFileName(model)}")
            {
                Introduction = $"{test.Count:N0} test images of {data}.",
                ClassNames = test.ClassNames,
                Models = [found with { Description = Pages.Description(network, architecture) }],
                Reproduction = command,
                Seed = seed,
            }.Save(page);
            Console.WriteLine($"Curves, images and settings: {Path.GetFullPath(page)}");
        }
    }

    private static void Print(FormattableString name, double accuracy, ConfidenceInterval interval, int right, string details = "") =>
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name.ToString(CultureInfo.InvariantCulture),-15} {100 * accuracy,6:F2} %  ({right} right; ")
            + string.Create(CultureInfo.InvariantCulture, $"95 %: {100 * interval.Low:F2} to {100 * interval.High:F2})")
            + (details == "" ? "" : $" {details}"));

    private static void Print(IEnumerable<RobustnessFlag> flags)
    {
        foreach (var flag in flags) Console.WriteLine($"Doubtful: {flag}");
    }

    public static Module<Tensor, Tensor> Network(string model, NetworkSpec? architecture)
    {
        if (architecture is null) return ModelFile.Read(model);
        var imported = ModelFile.Import(model, architecture);
        Console.WriteLine($"{model}: {imported.Report.Notes[0]}");
        return imported.Network;
    }
}
