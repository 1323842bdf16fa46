using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>The attack of Carlini and Wagner in L2: the smallest perturbation, by descent and bisection. It is slow.</summary>
internal static class CarliniWagnerSample
{
    public static void Example()
    {
        // Three images; by its name in the catalog the search ends where the budget is met.
        var network = Given.Natural;
        var (images, labels) = (Given.Test.Images[..3], Given.Test.Labels[..3]);
        var attack = AttackCatalog.ByName("cw-l2");
        var outcome = attack.Run(network, images, labels, ThreatModel.L2(1));
        Console.WriteLine($"{attack.Name}: norms {string.Join(", ", attack.Norms)}");
        foreach (var point in outcome.Each)
            Console.WriteLine($"right before {point.WasRight}, after {point.IsRight}, moved by no more than 1: {point.Size <= 1}");

        // Expected output:
        // cw-l2: norms L2
        // right before True, after False, moved by no more than 1: True
        // right before True, after False, moved by no more than 1: True
        // right before True, after False, moved by no more than 1: True
    }
}
