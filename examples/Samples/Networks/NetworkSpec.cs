using Ard.Trainers.Networks;

namespace Ard.Samples;

/// <summary>Built-in networks by a short name; their weights have the names of the usual PyTorch definitions.</summary>
internal static class NetworkSpecSample
{
    public static void Example()
    {
        foreach (var name in new[] { "resnet18", "wideresnet-34-10", "mobilenetv2", "preactresnet18", "resnet20", "tinycnn-8-bn" })
        {
            using var network = NetworkSpec.Parse(name).Build(seed: 0);
            Console.WriteLine($"{name}: {Weights.Count(network)} weights, first {network.named_parameters().First().name}");
        }

        // Expected output:
        // resnet18: 11173962 weights, first conv1.weight
        // wideresnet-34-10: 46160474 weights, first conv1.weight
        // mobilenetv2: 2296922 weights, first conv1.weight
        // preactresnet18: 11171146 weights, first conv1.weight
        // resnet20: 269722 weights, first conv1.weight
        // tinycnn-8-bn: 26578 weights, first net.0.weight
    }
}
