using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>DeepFool with fewer iterations, fewer classes and a longer last step.</summary>
internal static class DeepFoolWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Natural;
        var (images, labels) = Given.Test;
        var quick = Attack.DeepFool(new DeepFoolOptions
        {
            Iterations = 3,
            Classes = 3,                            // only the boundaries to the likeliest classes
            Overshoot = 0.1,                        // how far beyond the boundary, as a share of the way
        });
        foreach (var (iterations, attack) in new[] { (50, Attack.DeepFool()), (3, quick) })
        {
            var outcome = attack.Run(network, images, labels, ThreatModel.L2(0.5));
            Console.WriteLine($"{iterations} iterations: {Given.Right(outcome)} stay right");
        }

        // Expected output:
        // 50 iterations: 20 % stay right
        // 3 iterations: 24 % stay right
    }
}
