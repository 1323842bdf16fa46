using Ard.MLNet;
using Microsoft.ML;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>A network of your own in a pipeline; a saved model finds it again by its name.</summary>
internal static class CustomNetworkSample
{
    public static void Example()
    {
        var mine = NetworkDefinition.Custom("my-net", () => new MyNet());
        var ml = new MLContext(seed: 1).RegisterNetworks(mine);
        var train = ml.Data.LoadGlyphs(200, seed: 1);
        var model = ml.MulticlassClassification.Trainers.AdversarialTraining(mine, epochs: 2).Fit(train);
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.zip");
        ml.Model.Save(model, train.Schema, path);

        // The file holds the weights and the name; the code is the application's.
        var loaded = ImageClassifierTransformer.From(new MLContext().RegisterNetworks(mine).Model.Load(path, out _));
        Console.WriteLine($"{loaded.Network.Name}: {loaded.Model.GetType().Name}");
        File.Delete(path);

        // Expected output:
        // my-net: MyNet
    }

    private sealed class MyNet : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> layers = Sequential(Conv2d(1, 8, 3, stride: 2), ReLU(), Flatten(), Linear(8 * 7 * 7, 10));

        public MyNet() : base("MyNet") => RegisterComponents();     // without it the trainer finds no weights

        public override Tensor forward(Tensor images) => layers.call(images);
    }
}
