using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>A network whose gradients are hidden: PGD finds little, and the evaluator says why not to believe it.</summary>
internal static class RobustnessFlagsSample
{
    public static void Example()
    {
        // Logits times 1000: the same decisions, but the softmax is saturated and the gradient of the cross-entropy 0.
        var masked = Given.Network.Build(seed: 1);
        Weights.Copy(Given.Natural, masked);
        using (no_grad())
        {
            foreach (var weight in masked.parameters().TakeLast(2)) weight.mul_(1000);
        }
        masked.eval();

        var options = new EvaluationOptions { Threat = Given.Threat, Attacks = ["pgd-20", "square-200"] };
        var report = new RobustnessEvaluator(options).Evaluate(masked, Given.Test.Images, Given.Test.Labels);
        Console.WriteLine($"pgd-20 {Given.Percent(report["pgd-20"].Accuracy)}, square-200 {Given.Percent(report["square-200"].Accuracy)}");
        foreach (var flag in report.Flags) Console.WriteLine(flag.Code);

        // Expected output:
        // pgd-20 80 %, square-200 22 %
        // ZeroGradients
        // GradientFreeStronger
    }
}
