using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>FMN: a small perturbation in few steps, in any norm.</summary>
internal static class FmnSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        foreach (var threat in new[] { Given.Threat, ThreatModel.L2(0.5), ThreatModel.L1(4) })
        {
            var outcome = Attack.Fmn().Run(network, images, labels, threat);
            Console.WriteLine($"{threat.Norm}: {Given.Right(outcome)} stay right");
        }

        // Expected output:
        // Linf: 32 % stay right
        // L2: 54 % stay right
        // L1: 16 % stay right
    }
}
