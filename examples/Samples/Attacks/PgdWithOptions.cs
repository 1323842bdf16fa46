using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>PGD with steps, restarts, loss and aim of its own.</summary>
internal static class PgdWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var options = new PgdOptions
        {
            Steps = 10,
            StepSize = 0.025,                       // default: epsilon / 4
            Restarts = 3,                           // the worst point of all
            Start = Start.Uniform,                  // anywhere in the budget; or Start.Clean, Start.Gaussian()
            Keep = KeptPoint.Worst,                 // KeptPoint.Last, as much attack code does, is weaker
            Loss = AttackLosses.Margin,             // that of Carlini and Wagner; default the cross-entropy
        };
        Report("margin, three starts", Attack.Pgd(options));

        // Towards a class rather than away from the true one: it has to go further.
        Report("to the least likely class", Attack.Pgd(
            options with { Loss = AttackLosses.CrossEntropy, Target = TargetClass.LeastLikely }));

        void Report(string what, Attack attack) => Console.WriteLine(
            $"{what}: {Given.Accuracy(network, attack.Perturb(network, images, labels, Given.Threat))}");

        // Expected output:
        // margin, three starts: 30 %
        // to the least likely class: 68 %
    }
}
