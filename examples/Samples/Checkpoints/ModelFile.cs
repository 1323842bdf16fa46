using Ard.Trainers.Checkpoints;

namespace Ard.Samples;

/// <summary>A network in a safetensors file that says what network it is.</summary>
internal static class ModelFileSample
{
    public static void Example()
    {
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.safetensors");
        ModelFile.Write(path, Given.Robust, new Dictionary<string, string> { ["trained by"] = "a sample" });

        using var read = ModelFile.Read(path);
        Console.WriteLine($"{read.GetName()}, the same weights: {Given.Same(read, Given.Robust)}");
        Console.WriteLine($"trained by {Safetensors.ReadMetadata(path)["trained by"]}");

        // Into a network that is there already; names and shapes have to fit.
        using var other = Given.Network.Build(seed: 9);
        ModelFile.Load(path, other);
        Console.WriteLine($"loaded: {Given.Same(other, Given.Robust)}");
        File.Delete(path);

        // Expected output:
        // tinycnn-4-bn, the same weights: True
        // trained by a sample
        // loaded: True
    }
}
