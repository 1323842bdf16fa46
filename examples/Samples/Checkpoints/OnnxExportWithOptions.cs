using Ard.Trainers.Onnx;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>A network of your own as an ONNX model that gives probabilities.</summary>
internal static class OnnxExportWithOptionsSample
{
    public static void Example()
    {
        using var network = Sequential(Conv2d(1, 8, 3, stride: 2, bias: false), BatchNorm2d(8), ReLU(), Flatten(), Linear(8 * 7 * 7, 10));
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.onnx");
        OnnxExport.Write(path, network, new OnnxExportOptions
        {
            ImageShape = (1, 16, 16),       // a built-in network says so itself
            Softmax = true,                 // default: logits
        });
        Console.WriteLine($"written: {File.Exists(path)}");
        File.Delete(path);

        // Expected output:
        // written: True
    }
}
