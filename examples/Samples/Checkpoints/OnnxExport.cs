using Ard.Trainers.Onnx;

namespace Ard.Samples;

/// <summary>A network as an ONNX model, for ONNX Runtime and everything else that reads the format.</summary>
internal static class OnnxExportSample
{
    public static void Example()
    {
        // The input is images [batch,channels,height,width] in [0,1], the output logits.
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.onnx");
        OnnxExport.Write(path, Given.Robust);
        Console.WriteLine($"larger than the 4102 floats: {new FileInfo(path).Length > 4 * 4102}");
        File.Delete(path);

        // Expected output:
        // larger than the 4102 floats: True
    }
}
