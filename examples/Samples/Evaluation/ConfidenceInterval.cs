using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>How much an accuracy on a sample of images can be off.</summary>
internal static class ConfidenceIntervalSample
{
    public static void Example()
    {
        foreach (var count in new[] { 100, 1000, 10_000 })
        {
            var interval = ConfidenceInterval.Wilson(count / 2, count);
            Console.WriteLine(FormattableString.Invariant($"half of {count} right: {interval.Low:F3} to {interval.High:F3}"));
        }

        // Expected output:
        // half of 100 right: 0.404 to 0.596
        // half of 1000 right: 0.469 to 0.531
        // half of 10000 right: 0.490 to 0.510
    }
}
