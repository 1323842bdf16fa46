using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>Accuracy over the budget of the adversary.</summary>
internal static class RobustnessCurveSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        var options = new EvaluationOptions { Attacks = ["pgd-10"] };
        foreach (var (name, network) in new[] { ("natural", Given.Natural), ("robust", Given.Robust) })
        {
            var curve = RobustnessCurve.Evaluate(network, images, labels, [0, 0.02, 0.05, 0.1], options);
            Console.WriteLine($"{name}: {string.Join(", ", curve.Points.Select(point => Given.Percent(point.Accuracy)))}");
        }

        // Expected output:
        // natural: 84 %, 54 %, 16 %, 1 %
        // robust: 84 %, 76 %, 63 %, 32 %
    }
}
