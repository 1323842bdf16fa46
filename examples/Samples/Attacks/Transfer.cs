using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>Examples that were made on one network, tried on another whose gradients are not needed.</summary>
internal static class TransferSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        var attack = Attack.Transfer(Attack.Pgd(), surrogate: Given.Natural, source: "natural");
        var attacked = attack.Perturb(Given.Robust, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Accuracy(Given.Robust, attacked)}");
        Console.WriteLine($"on the surrogate itself: {Given.Accuracy(Given.Natural, attacked)}");

        // Expected output:
        // transfer(pgd-20, natural): 74 %
        // on the surrogate itself: 0 %
    }
}
