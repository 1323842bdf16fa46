using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>What the adversary may do: a norm and a budget.</summary>
internal static class ThreatModelSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        foreach (var threat in new[] { ThreatModel.Linf(0.05), ThreatModel.L2(0.5), ThreatModel.L1(4) })
        {
            var attack = Attack.Apgd(new ApgdOptions { Steps = 20 });
            var attacked = attack.Perturb(network, images, labels, threat);
            var size = threat.Size(attacked, images).max().item<double>();
            Console.WriteLine($"{threat}: {Given.Accuracy(network, attacked)}, largest {size:F2}");
        }

        // Expected output:
        // Linf 0.05: 64 %, largest 0.05
        // L2 0.5: 55 %, largest 0.50
        // L1 4: 15 %, largest 4.00
    }
}
