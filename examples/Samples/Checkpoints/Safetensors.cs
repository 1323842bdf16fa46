using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>Tensors by name in a file that cannot run code, as other tools write and read it.</summary>
internal static class SafetensorsSample
{
    public static void Example()
    {
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.safetensors");
        var tensors = new Dictionary<string, Tensor> { ["a"] = ones(2, 3), ["b"] = arange(4) };
        Safetensors.Write(path, tensors, new Dictionary<string, string> { ["unit"] = "mm" });
        foreach (var (name, values) in Safetensors.Read(path).OrderBy(tensor => tensor.Key))
            Console.WriteLine($"{name}: {values.dtype} [{string.Join(",", values.shape)}]");
        Console.WriteLine($"unit {Safetensors.ReadMetadata(path)["unit"]}");

        // A damaged file is refused, with the place.
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..^5]);
        try
        {
            Safetensors.Read(path);
        }
        catch (DataFileException exception)
        {
            Console.WriteLine($"refused, the file named: {exception.Path == path}");
        }
        File.Delete(path);

        // Expected output:
        // a: Float32 [2,3]
        // b: Int64 [4]
        // unit mm
        // refused, the file named: True
    }
}
