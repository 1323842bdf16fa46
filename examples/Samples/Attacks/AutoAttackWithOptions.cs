using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>A sequence of attacks of your own, run as AutoAttack runs its four.</summary>
internal static class AutoAttackWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var sequence = Attack.Sequence("quick",
        [
            Attack.Apgd(new ApgdOptions { Steps = 20 }),
            Attack.Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Steps = 10, Targets = 3 }),
            Attack.Square(new SquareOptions { Queries = 100 }),
        ]);
        var outcome = sequence.Run(network, images, labels, Given.Threat);
        Console.WriteLine($"{sequence.Name}: {Given.Right(outcome)} stay right");
        var broken = outcome.Each.Where(point => point.BrokenBy is not null).CountBy(point => point.BrokenBy!);
        Console.WriteLine($"most were broken by {broken.MaxBy(part => part.Value).Key}");

        // Expected output:
        // quick: 26 % stay right
        // most were broken by apgd-ce-20
    }
}
