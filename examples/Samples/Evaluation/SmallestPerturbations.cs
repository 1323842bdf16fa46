using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>How little it takes to make a network wrong, and the accuracy at every budget that follows from it.</summary>
internal static class SmallestPerturbationsSample
{
    public static void Example()
    {
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        var found = SmallestPerturbations.Evaluate(Given.Robust, images, labels, Norm.L2);
        Console.WriteLine($"half of the images stand less than 1: {found.Median < 1}");
        foreach (var point in found.Curve([0, 0.25, 0.5, 1]).Points)
            Console.WriteLine($"L2 {point.Epsilon}: {100 * point.Accuracy:F0} %");

        // Expected output:
        // half of the images stand less than 1: True
        // L2 0: 88 %
        // L2 0.25: 74 %
        // L2 0.5: 52 %
        // L2 1: 12 %
    }
}
