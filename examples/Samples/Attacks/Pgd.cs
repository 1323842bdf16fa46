using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>Projected gradient descent: many small steps from a random start, the usual attack.</summary>
internal static class PgdSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var attack = Attack.Pgd();
        var attacked = attack.Perturb(network, images, labels, Given.Threat, seed: 7);

        Console.WriteLine(attack.Name);
        Console.WriteLine($"clean {Given.Accuracy(network, images)}, attacked {Given.Accuracy(network, attacked)}");
        Console.WriteLine($"outside of the threat model: {(attacked - images).abs().gt(0.1 + 1e-6).sum().item<long>()} pixels");

        // The same seed gives the same points.
        var again = attack.Perturb(network, images, labels, Given.Threat, seed: 7);
        Console.WriteLine($"again the same: {attacked.Equals(again)}");

        // Expected output:
        // pgd-20
        // clean 84 %, attacked 30 %
        // outside of the threat model: 0 pixels
        // again the same: True
    }
}
