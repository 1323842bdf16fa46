using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>DeepFool: a short way out of the class, rather than the worst point of a budget.</summary>
internal static class DeepFoolSample
{
    public static void Example()
    {
        var network = Given.Natural;
        var (images, labels) = Given.Test;
        var threat = ThreatModel.L2(1);
        var attack = Attack.DeepFool();
        var outcome = attack.Run(network, images, labels, threat);

        var broken = outcome.Each.Where(point => point.BrokenBy is not null).ToArray();
        Console.WriteLine($"within {threat}: {Given.Percent(broken.Length / 200.0)} broken");
        var median = broken.Select(point => point.Size).Order().ElementAt(broken.Length / 2);
        Console.WriteLine($"half of them by less than 0.3: {median < 0.3}");

        // Expected output:
        // within L2 1: 82 % broken
        // half of them by less than 0.3: True
    }
}
