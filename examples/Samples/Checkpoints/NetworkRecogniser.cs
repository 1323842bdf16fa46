using Ard.Trainers.Checkpoints;

namespace Ard.Samples;

/// <summary>What is in a file of weights, and what network it looks like.</summary>
internal static class NetworkRecogniserSample
{
    public static void Example()
    {
        using var file = WeightsFile.Open(Path.Combine(AppContext.BaseDirectory, "glyph-teacher.pt"));
        Console.WriteLine($"{file.Format}, {file.Tensors.Count} tensors, the last: {file.Tensors[^1]}");
        Console.WriteLine($"{NetworkRecogniser.Recognise(file.Tensors).Spec}");

        // Names and shapes of no network of this library.
        var unknown = NetworkRecogniser.Recognise([new TensorInfo("encoder.weight", file.Tensors[0].Type, [7, 7])]);
        Console.WriteLine($"recognised: {unknown.Spec is not null}");

        // Expected output:
        // PytorchArchive, 22 tensors, the last: module.net.10.bias Float32 [10]
        // tinycnn-bn
        // recognised: False
    }
}
