using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>Several adversaries, and all of them together.</summary>
internal static class SeveralNormsSample
{
    public static void Example()
    {
        var (images, labels) = (Given.Test.Images[..100], Given.Test.Labels[..100]);
        ThreatModel[] threats = [Given.Threat, ThreatModel.L2(0.5), ThreatModel.L1(2)];
        RobustnessReport[] reports =
        [
            .. threats.Select(threat => new RobustnessEvaluator(new() { Threat = threat, Attacks = ["apgd-ce-20"] })
                .Evaluate(Given.Robust, images, labels)),
        ];
        foreach (var report in reports) Console.WriteLine($"{report.Threat.Norm}: {100 * report.WorstCase.Accuracy:F0} %");
        Console.WriteLine($"all: {100 * RobustnessUnion.Combine(reports).WorstCase.Accuracy:F0} %");

        // Expected output:
        // Linf: 34 %
        // L2: 53 %
        // L1: 40 %
        // all: 32 %
    }
}
