using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>Square with a budget of queries.</summary>
internal static class SquareWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        foreach (var queries in new[] { 10, 200 })
        {
            var attack = Attack.Square(new SquareOptions
            {
                Queries = queries,                  // default 5000
                Restarts = 1,
                Share = 0.8,                        // of the image, for the first squares
            });
            var outcome = attack.Run(network, images, labels, Given.Threat);
            Console.WriteLine($"{queries} queries: {Given.Right(outcome)} stay right");
        }

        // Expected output:
        // 10 queries: 74 % stay right
        // 200 queries: 58 % stay right
    }
}
