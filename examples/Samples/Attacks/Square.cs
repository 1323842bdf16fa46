using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>Square: asks the network only, without gradients, so that masked ones do not stop it.</summary>
internal static class SquareSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var attack = AttackCatalog.ByName("square-500");        // Attack.Square() asks up to 5000 times
        var outcome = attack.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name} ({attack.Kind}): {Given.Right(outcome)} stay right");
        Console.WriteLine($"backward passes: {outcome.Each.Sum(point => point.BackwardPasses)}");

        // Expected output:
        // square-500 (GradientFree): 44 % stay right
        // backward passes: 0
    }
}
