using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>A trained network on clean and on attacked test images.</summary>
internal static class Evaluation
{
    public static int Run(
        string model, NetworkSpec? architecture, string? surrogate, string data, IReadOnlyList<Attack> attacks, double? epsilon,
        int? images, long seed, string device, int? threads, CancellationToken cancellation)
    {
        CpuThreads.Set(threads);
        using var test = DataSource.LoadTest(data, images);
        using var network = Network(model, architecture is null ? null : DataSource.Fit(architecture, test));
        var place = TrainingDevice.Find(device);
        network.to(place);
        using var other = surrogate is null ? null : Network(surrogate, architecture: null);
        // The points of PGD that are worst for the surrogate: those that only just win there would carry over badly.
        if (other is not null) attacks = [.. attacks, new Transfer(new Pgd(), other.to(place))];
        var threat = ThreatModel.Linf(epsilon ?? (test.Channels == 3 ? 8.0 / 255 : 0.1));
        var evaluator = new RobustnessEvaluator(
            new EvaluationOptions { Threat = threat, Attacks = [], MoreAttacks = attacks, Seed = seed });
        RobustnessReport? report = null;
        Display.Run(display => report = evaluator.Evaluate(network, test.Images, test.Labels, display.Evaluation(model), cancellation));
        Console.WriteLine($"{model}: {Weights.Count(network):N0} parameters, {test.Count:N0} images, {threat}");
        foreach (var result in report!.Attacks.Prepend(report.Clean).Append(report.WorstCase))
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{result.Name,-16} {100 * result.Accuracy,6:F2} %  ({result.CorrectCount} right)"));
        return 0;
    }

    private static Module<Tensor, Tensor> Network(string model, NetworkSpec? architecture)
    {
        if (architecture is null) return ModelFile.Read(model);
        var network = architecture.Build(seed: 0);
        ModelFile.Load(model, network);
        network.eval();
        return network;
    }
}
