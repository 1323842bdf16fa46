using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>FAB against a few classes one after another.</summary>
internal static class FabWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..100], Given.Test.Labels[..100]);
        var attack = Attack.Fab(new FabOptions
        {
            Targeted = true,
            Targets = 3,                            // the three likeliest others
            Steps = 30,
            Restarts = 1,
            StopWithinBudget = true,                // enough for an accuracy; false goes on for the smallest distance
        });
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Right(outcome)} stay right");

        // Expected output:
        // fab-t-30: 31 % stay right
    }
}
