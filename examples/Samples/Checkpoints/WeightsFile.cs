using Ard.Trainers.Checkpoints;

namespace Ard.Samples;

/// <summary>What is in a file of weights, and what network it looks like.</summary>
internal static class WeightsFileSample
{
    public static void Example()
    {
        using var file = WeightsFile.Open(Path.Combine(AppContext.BaseDirectory, "glyph-teacher.pt"));
        Console.WriteLine($"{file}, the last: {file.Tensors[^1]}");
        Console.WriteLine(file.Description);

        // Expected output:
        // PytorchArchive, 22 tensors, the last: module.net.10.bias Float32 [10]
        // looks like tinycnn-bn, 10 classes, 1 input channel(s)
    }
}
