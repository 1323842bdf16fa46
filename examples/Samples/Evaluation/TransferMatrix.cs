using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;

namespace Ard.Samples;

/// <summary>How well examples of one network deceive another.</summary>
internal static class TransferMatrixSample
{
    public static void Example()
    {
        var (images, labels) = Given.Test;
        var matrix = TransferMatrix.Evaluate(
            [("natural", Given.Natural), ("robust", Given.Robust)], images, labels, Attack.Pgd(), Given.Threat);
        foreach (var source in matrix.Names)
        {
            var right = matrix.Names.Select(target => $"{target} {Given.Percent(matrix[source, target])}");
            Console.WriteLine($"made on {source}: {string.Join(", ", right)}");
        }

        // Expected output:
        // made on natural: natural 0 %, robust 74 %
        // made on robust: natural 48 %, robust 32 %
    }
}
