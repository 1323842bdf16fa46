using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>FMN with many small steps.</summary>
internal static class FmnWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var attack = Attack.Fmn(new FmnOptions
        {
            Steps = 200,
            StepSize = 0.5,                         // of the first step; it falls to a hundredth
            Change = 0.1,                           // by how much the ball grows or shrinks in the first step
            FinalChange = 0.001,                    // and in the last
        });
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Right(outcome)} stay right");

        // Expected output:
        // fmn-200: 32 % stay right
    }
}
