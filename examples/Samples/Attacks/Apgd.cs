using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>APGD: PGD that finds its own step size; two of its kind are in AutoAttack.</summary>
internal static class ApgdSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var attack = Attack.Apgd();
        Console.WriteLine($"{attack.Name}: {Given.Accuracy(network, attack.Perturb(network, images, labels, Given.Threat))}");

        // Expected output:
        // apgd-ce: 28 %
    }
}
