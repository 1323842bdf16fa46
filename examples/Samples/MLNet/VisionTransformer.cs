using Ard.MLNet;
using Ard.Trainers.Training;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>A small vision transformer as a network of your own: patches of 4x4 pixels become tokens, two blocks of attention.</summary>
internal static class VisionTransformerSample
{
    public static void Example()
    {
        var mine = NetworkDefinition.Custom("my-vit", () => new VisionTransformer(channels: 1, side: 16, classes: 10));
        var ml = new MLContext(seed: 1).RegisterNetworks(mine);
        using var model = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = mine,
            Method = "natural",
            Training = new()
            {
                Epochs = 30,
                BatchSize = 25,
                Optimizer = new AdamOptimizer { LearningRate = 0.003 },
                Augmentation = Augmentation.None,
            },
        }).Fit(ml.Data.LoadGlyphs(1000, seed: 1));
        var robustness = ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadGlyphs(100, seed: 2));
        Console.WriteLine($"{model.Network}: clean {100 * robustness.Clean.Accuracy:F0} %, flags {robustness.Flags.Count}");

        // Expected output:
        // my-vit: clean 83 %, flags 0
    }

    private sealed class VisionTransformer : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> patches, head;
        private readonly TorchSharp.Modules.Parameter places;
        private readonly TorchSharp.Modules.TransformerEncoder encoder;

        public VisionTransformer(int channels, int side, int classes) : base(nameof(VisionTransformer))
        {
            patches = Conv2d(channels, 32, kernel_size: 4, stride: 4);
            places = Parameter(randn(side / 4 * (side / 4), 1, 32));
            encoder = TransformerEncoder(
                TransformerEncoderLayer(d_model: 32, nhead: 4, dim_feedforward: 128, dropout: 0, activation: Activations.GELU),
                num_layers: 2);
            head = Linear(32, classes);
            RegisterComponents();
        }

        public override Tensor forward(Tensor images)
        {
            using var one = 1.ToScalar();     // held for the time of the call: see the page "Your own network"
            var tokens = patches.call(images).flatten(2).permute(2, 0, 1).add(places, one);
            return head.call(encoder.call(tokens, null!, null!).mean([0L]));
        }
    }
}
