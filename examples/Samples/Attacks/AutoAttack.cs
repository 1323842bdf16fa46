using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>AutoAttack, the standard version: four attacks in turn, each on what the ones before have left.</summary>
internal static class AutoAttackSample
{
    public static void Example()
    {
        // It needs minutes for a thousand images; here ten.
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..10], Given.Test.Labels[..10]);
        var outcome = AutoAttack.Standard.Run(network, images, labels, ThreatModel.Linf(0.05));
        var parts = AutoAttack.Standard.Parts(Norm.Linf).Select(part => part.Name);
        Console.WriteLine($"{AutoAttack.Standard.Name}: {string.Join(", ", parts)}");
        Console.WriteLine($"stays right: {Given.Right(outcome)}");

        // Expected output:
        // autoattack: apgd-ce, apgd-t, fab-t, square
        // stays right: 60 %
    }
}
