using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>What the samples begin with: built-in images of ten shapes, a small network, and two that are trained already.</summary>
internal static class Given
{
    /// <summary>The adversary of the samples: every pixel, by 0.1.</summary>
    public static ThreatModel Threat { get; } = ThreatModel.Linf(0.1);

    /// <summary>500 images to train on.</summary>
    public static ImageDataset Training { get; } = Glyphs.Generate(500, seed: 1);

    /// <summary>200 other images, float32 [200,1,16,16] in [0,1], and their classes, int64 [200].</summary>
    public static (Tensor Images, Tensor Labels) Test { get; } = Glyphs.Generate(200, seed: 2).Batch(0, 200);

    /// <summary>A network for such images, of some 3,000 weights.</summary>
    public static NetworkSpec Network { get; } = NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = Glyphs.ImageSize };

    /// <summary>A training of a second or two; the defaults learn more, and take minutes.</summary>
    public static TrainingOptions Short { get; } = new()
    {
        Epochs = 5,
        BatchSize = 25,
        Optimizer = new SgdOptimizer { LearningRate = 0.1 },
        Schedule = Schedule.OneCycle(),
        Augmentation = Augmentation.None,
        ValidationFraction = 0,
        Seed = 1,
    };

    /// <summary>A still shorter one, for a network that is trained already.</summary>
    public static TrainingOptions Finishing { get; } =
        Short with { Epochs = 4, BatchSize = 50, Optimizer = new SgdOptimizer { LearningRate = 0.02 } };

    /// <summary>A network to go on training: it begins with the weights of <see cref="Natural"/>, which saves the samples time.</summary>
    public static Module<Tensor, Tensor> Student()
    {
        var student = Network.Build(seed: 1);
        Weights.Copy(Natural, student);
        return student;
    }

    private static readonly Lazy<Module<Tensor, Tensor>> natural = new(() => Trained(Objective.Natural(), Short));

    private static readonly Lazy<Module<Tensor, Tensor>> robust = new(() => Trained(
        Objective.AdversarialTraining(new() { Threat = Threat, Steps = 5, StepSize = 0.05 }),
        Short with { Epochs = 20 }));

    /// <summary>The network, trained on the images as they are.</summary>
    public static Module<Tensor, Tensor> Natural => natural.Value;

    /// <summary>The network, trained on attacked images.</summary>
    public static Module<Tensor, Tensor> Robust => robust.Value;

    /// <summary>A share as the samples print it.</summary>
    public static string Percent(double share) => FormattableString.Invariant($"{100 * share:F0} %");

    /// <summary>The share of images that a network gets right.</summary>
    public static string Accuracy(Module<Tensor, Tensor> network, Tensor images) =>
        Percent(network.call(images).argmax(1).eq(Test.Labels).mean(new long[] { 0 }, type: ScalarType.Float64).item<double>());

    /// <summary>Whether two networks have the same weights, bit for bit.</summary>
    public static bool Same(Module<Tensor, Tensor> one, Module<Tensor, Tensor> other) =>
        one.parameters().Zip(other.parameters()).All(pair => pair.First.Equals(pair.Second));

    /// <summary>The share of images that an attack left right.</summary>
    public static string Right(AttackOutcome outcome) => Percent(outcome.Each.Average(point => point.IsRight ? 1.0 : 0));

    /// <summary>Prints a student's accuracy on the test images, as they are and under PGD-10 in the threat model of its training.</summary>
    public static void Evaluate(Objective objective, Module<Tensor, Tensor> student)
    {
        var options = new EvaluationOptions { Threat = objective.Threat, Attacks = ["pgd-10"] };
        var report = new RobustnessEvaluator(options).Evaluate(student, Test.Images, Test.Labels);
        var (clean, attacked) = (Percent(report.Clean.Accuracy), Percent(report["pgd-10"].Accuracy));
        var budget = report.Threat.Epsilon.ToString("F2", CultureInfo.InvariantCulture);
        Console.WriteLine($"{objective.Name}: clean {clean}, PGD-10 of {budget} {attacked}");
    }

    private static Module<Tensor, Tensor> Trained(Objective objective, TrainingOptions options)
    {
        var network = Network.Build(seed: 1);
        Trainer.Fit(network, objective, Training, options);
        return network;
    }
}
