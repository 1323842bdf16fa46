using Ard.Trainers.Attacks;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>An attack of your own: the search is yours; the checks and the network's state are looked after.</summary>
internal static class CustomAttackSample
{
    public static void Example()
    {
        var network = Given.Natural;
        var (images, labels) = Given.Test;
        var attacked = new BestOfRandom(10).Perturb(network, images, labels, Given.Threat);
        Console.WriteLine($"clean {Given.Accuracy(network, images)}, best of 10 random points {Given.Accuracy(network, attacked)}");

        // Expected output:
        // clean 84 %, best of 10 random points 70 %
    }

    private sealed class BestOfRandom(int tries) : Attack
    {
        public override string Name => $"random-{tries}";

        public override AttackKind Kind => AttackKind.GradientFree;

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            var (best, worstLoss) = (images.clone(), AttackLosses.Margin(target.Logits(images), labels));
            for (var n = 0; n < tries; n++)
            {
                var points = threat.Project(images + threat.RandomPerturbation(images, noise), images);
                var loss = AttackLosses.Margin(target.Logits(points), labels);
                var better = loss > worstLoss;
                best = where(better.reshape(-1, 1, 1, 1), points, best);
                worstLoss = where(better, loss, worstLoss);
            }
            return best;
        }
    }
}
