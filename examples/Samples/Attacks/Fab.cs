using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>FAB: looks for the nearest boundary.</summary>
internal static class FabSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var attack = Attack.Fab();
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Right(outcome)} stay right");
        Console.WriteLine($"all within the budget: {outcome.Each.All(point => point.Size <= Given.Threat.Epsilon + 1e-6)}");

        // Expected output:
        // fab: 34 % stay right
        // all within the budget: True
    }
}
