using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>How far the accuracy of a network that draws noise depends on chance.</summary>
internal static class RepeatedJudgementSample
{
    public static void Example()
    {
        var network = Sequential(new Noise(), Given.Robust);
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var attacked = Attack.Eot(Attack.Pgd(), samples: 5).Run(network, images, labels, Given.Threat);
        var judged = RepeatedJudgement.Evaluate(network, attacked.Points, labels, passes: 10);
        Console.WriteLine($"mean of {judged.Accuracies.Count} passes: {100 * judged.Mean:F0} %");
        Console.WriteLine($"within the interval: {judged.Interval.Low < judged.Mean && judged.Mean < judged.Interval.High}");

        // Expected output:
        // mean of 10 passes: 37 %
        // within the interval: True
    }

    private sealed class Noise() : Module<Tensor, Tensor>("noise")
    {
        public override Tensor forward(Tensor images) => (images + randn_like(images) * 0.1).clamp(0, 1);
    }
}
