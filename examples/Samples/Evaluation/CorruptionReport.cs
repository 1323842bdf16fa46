using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>Accuracy under noise, blur, weather and compression, and the corruption error in units of another network's.</summary>
internal static class CorruptionReportSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        string[] names = ["gaussian_noise", "pixelate"];        // default: all of Corruption.Names
        var natural = CorruptionReport.Evaluate(Given.Natural, images, labels, names);
        var robust = CorruptionReport.Evaluate(Given.Robust, images, labels, names);
        foreach (var (name, report) in new[] { ("natural", natural), ("robust", robust) })
            Console.WriteLine(
                $"{name}: noise {Given.Percent(report.Accuracy("gaussian_noise"))}, mean {Given.Percent(report.MeanAccuracy)}");
        Console.WriteLine($"corruption error of itself: {natural.MeanCorruptionError(natural)}");

        // One image, to look at or to train on.
        var foggy = Corruption.Apply("fog", images[..1], severity: 3, seed: 1);
        Console.WriteLine($"[{string.Join(",", foggy.shape)}]");

        // Expected output:
        // natural: noise 80 %, mean 80 %
        // robust: noise 84 %, mean 83 %
        // corruption error of itself: 1
        // [1,1,16,16]
    }
}
