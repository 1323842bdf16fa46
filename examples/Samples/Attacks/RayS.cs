using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>RayS: asks for the class only, and needs no scores.</summary>
internal static class RaySSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var attack = Attack.RayS(queries: 500);                 // Attack.RayS() asks up to 10000 times
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name} ({attack.Kind}): {Given.Right(outcome)} stay right");
        Console.WriteLine($"backward passes: {outcome.Each.Sum(point => point.BackwardPasses)}");

        // Expected output:
        // rays-500 (GradientFree): 34 % stay right
        // backward passes: 0
    }
}
