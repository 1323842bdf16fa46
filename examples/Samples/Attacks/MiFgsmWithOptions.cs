using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>MI-FGSM with fewer steps and less momentum.</summary>
internal static class MiFgsmWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var attack = Attack.MiFgsm(new MiFgsmOptions
        {
            Steps = 5,
            StepSize = 0.04,                        // default: epsilon / steps
            Decay = 0.5,                            // 1 sums all gradients, 0 is the iterated FGSM
            Keep = KeptPoint.Worst,
        });
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Right(outcome)} stay right");
        Console.WriteLine($"largest perturbation {outcome.Each.Max(point => point.Size):F2}");

        // Expected output:
        // mi-fgsm-5@0.04: 31 % stay right
        // largest perturbation 0.10
    }
}
