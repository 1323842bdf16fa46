using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>The attack of Carlini and Wagner with fewer steps, for a first look.</summary>
internal static class CarliniWagnerWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Natural;
        var (images, labels) = (Given.Test.Images[..20], Given.Test.Labels[..20]);
        var attack = Attack.CarliniWagner(new CarliniWagnerOptions
        {
            Steps = 50,                             // default 1000
            Searches = 3,                           // default 9 steps of bisection
            InitialWeight = 0.1,
            LearningRate = 0.02,
            Confidence = 0,                         // how much the wrong class has to lead
            StopWithinBudget = false,               // go on for the smallest perturbation
        });
        var outcome = attack.Run(network, images, labels, ThreatModel.L2(1));
        var broken = outcome.Each.Where(point => point.BrokenBy is not null).ToArray();
        var small = broken.Average(point => point.Size) < 0.4;
        Console.WriteLine($"{Given.Percent(broken.Length / 20.0)} broken; on average by less than 0.4: {small}");

        // Expected output:
        // 95 % broken; on average by less than 0.4: True
    }
}
