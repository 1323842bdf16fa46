using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>Accuracy as it is and under attack, with intervals, and flags.</summary>
internal static class RobustnessEvaluatorSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        var evaluator = new RobustnessEvaluator();              // FGSM and PGD-20, Linf 8/255
        foreach (var (name, network) in new[] { ("natural", Given.Natural), ("robust", Given.Robust) })
        {
            var report = evaluator.Evaluate(network, images, labels);
            Console.WriteLine(
                $"{name}: clean {Given.Percent(report.Clean.Accuracy)}, fgsm {Given.Percent(report["fgsm"].Accuracy)}, "
                + $"pgd-20 {Given.Percent(report["pgd-20"].Accuracy)}, flags {report.Flags.Count}");
        }

        // Expected output:
        // natural: clean 84 %, fgsm 40 %, pgd-20 34 %, flags 0
        // robust: clean 84 %, fgsm 72 %, pgd-20 72 %, flags 0
    }
}
