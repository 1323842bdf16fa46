using TorchSharp.Modules;

namespace Ard.MLNet.Tests.Scorer;

/// <summary>A network of an application's own, for images of 1x16x16 and ten classes.</summary>
public sealed class LinearNetwork : Module<Tensor, Tensor>
{
    private readonly Linear linear = Linear(256, 10);

    /// <summary>With weights drawn at random.</summary>
    public LinearNetwork() : base(nameof(LinearNetwork)) => RegisterComponents();

    /// <summary>Its definition.</summary>
    public static NetworkDefinition Definition { get; } = NetworkDefinition.Custom("linear", () => new LinearNetwork());

    /// <summary>Images to logits.</summary>
    public override Tensor forward(Tensor input) => linear.call(input.flatten(1));
}
