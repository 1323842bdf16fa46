using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Ard.Trainers.Tests.Fixtures;

/// <summary>An ONNX file in ONNX Runtime, on one thread.</summary>
internal sealed class OnnxRuntimeModel(string path) : IDisposable
{
    private static readonly SessionOptions Options = new() { IntraOpNumThreads = 1 };

    public InferenceSession Session { get; } = new(path, Options);

    public void Dispose() => Session.Dispose();

    /// <summary>The one output for these images, float32 on the CPU.</summary>
    public TorchSharp.torch.Tensor Run(TorchSharp.torch.Tensor images)
    {
        var values = new DenseTensor<float>(images.data<float>().ToArray(), [.. images.shape.Select(size => (int)size)]);
        using var results = Session.Run([NamedOnnxValue.CreateFromTensor(Session.InputNames.Single(), values)]);
        var found = results.Single().AsTensor<float>();
        return tensor(found.ToArray()).reshape([.. found.Dimensions.ToArray().Select(size => (long)size)]);
    }
}
