using Ard.Trainers.Networks;
using static TorchSharp.torch;

namespace Ard.Samples;

/// <summary>A built-in network for images of another size, with normalisation inside.</summary>
internal static class NetworkSpecWithOptionsSample
{
    public static void Example()
    {
        var spec = new NetworkSpec
        {
            Name = "wideresnet",
            Depth = 10,
            WidenFactor = 1,
            Classes = 7,
            InputChannels = 1,
            ImageSize = 28,
            Mean = [0.1307],                        // of the images in [0,1]; attacks stay in pixel space
            Std = [0.3081],
        };
        using var network = spec.Build(seed: 1);
        using var logits = network.call(rand(2, 1, 28, 28));
        Console.WriteLine($"{spec}: logits [{string.Join(",", logits.shape)}]");
        Console.WriteLine($"the same from its JSON: {NetworkSpec.FromJson(spec.ToJson()) == spec}");

        // Expected output:
        // wideresnet-10-1: logits [2,7]
        // the same from its JSON: True
    }
}
