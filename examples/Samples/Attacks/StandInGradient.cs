using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>A gradient for a part that has none (BPDA): here colours in eight steps before the network.</summary>
internal static class StandInGradientSample
{
    public static void Example()
    {
        var (images, labels) = (Given.Test.Images[..100], Given.Test.Labels[..100]);
        var evaluator = new RobustnessEvaluator(new() { Threat = Given.Threat, Attacks = ["pgd-20"] });
        var hidden = evaluator.Evaluate(Sequential(new Steps(), Given.Robust), images, labels);
        // In the place of the part: the same outputs, and the gradient of the identity.
        var honest = evaluator.Evaluate(Sequential(new StandInGradient(new Steps()), Given.Robust), images, labels);
        Console.WriteLine($"as it is: {100 * hidden.WorstCase.Accuracy:F0} %, flagged: {hidden.Flags.Count > 0}");
        Console.WriteLine($"with a stand-in: {100 * honest.WorstCase.Accuracy:F0} %");

        // Expected output:
        // as it is: 86 %, flagged: True
        // with a stand-in: 35 %
    }

    private sealed class Steps() : Module<Tensor, Tensor>("steps")
    {
        public override Tensor forward(Tensor images) => (images * 8).round() / 8;
    }
}
