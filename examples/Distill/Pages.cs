using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>What a page shows of a network besides its evaluation, from few images: the page says how many they are.</summary>
internal static class Pages
{
    private const int CurveImages = 200;

    /// <summary>Curve and images under PGD-20, from no budget to twice that of the evaluation.</summary>
    public static ModelReport Model(
        string name, Module<Tensor, Tensor> network, NetworkSpec spec, ImageDataset test, EvaluationOptions evaluation,
        CancellationToken cancellation)
    {
        var threat = evaluation.Threat!;
        using var few = test.Take(CurveImages);
        double[] budgets = threat.Epsilon == 0 ? [0] : [0, 0.5 * threat.Epsilon, threat.Epsilon, 1.5 * threat.Epsilon, 2 * threat.Epsilon];
        // The first of several processes makes the page.
        var one = new EvaluationOptions
        {
            Threat = threat,
            Attacks = ["pgd-20"],
            Seed = evaluation.Seed,
            CheckNetwork = false,
            Group = ProcessGroup.Alone,
        };
        return new ModelReport(name)
        {
            Description = Description(network, spec),
            Parameters = Weights.Count(network),
            Curve = RobustnessCurve.Evaluate(network, few.Images, few.Labels, budgets, one, cancellation: cancellation),
            Images = Images(network, test, AttackCatalog.ByName("pgd-20"), evaluation, cancellation),
        };
    }

    /// <summary>The architecture and its size.</summary>
    public static string Description(Module<Tensor, Tensor> network, NetworkSpec? spec) => Weights.Count(network) is 0
        ? "asked only"
        : $"{(spec is null ? "" : $"{spec}, ")}{Weights.Count(network):N0} parameters";

    /// <summary>The first images that the network gets right, attacked.</summary>
    public static AttackedImages Images(
        Module<Tensor, Tensor> network, ImageDataset test, Attack attack, EvaluationOptions evaluation, CancellationToken cancellation) =>
        AttackedImages.Find(
            network, test.Images, test.Labels, attack, evaluation.Threat!, seed: evaluation.Seed, cancellation: cancellation);
}
