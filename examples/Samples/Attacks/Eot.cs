using Ard.Trainers.Attacks;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Samples;

/// <summary>Expectation over transformation: an attack on a network that draws noise, by means of several passes.</summary>
internal static class EotSample
{
    public static void Example()
    {
        var network = Sequential(new Noise(), Given.Robust);
        var (images, labels) = (Given.Test.Images[..50], Given.Test.Labels[..50]);
        foreach (var attack in new[] { Attack.Pgd(), Attack.Eot(Attack.Pgd(), samples: 10) })
        {
            var outcome = attack.Run(network, images, labels, Given.Threat);
            Console.WriteLine($"{attack.Name}: {Given.Right(outcome)} stay right");
        }
        Console.WriteLine(AttackCatalog.ByName("pgd-20+eot-10").Name);

        // Expected output:
        // pgd-20: 40 % stay right
        // pgd-20+eot-10: 36 % stay right
        // pgd-20+eot-10
    }

    private sealed class Noise() : Module<Tensor, Tensor>("noise")
    {
        public override Tensor forward(Tensor images) => (images + randn_like(images) * 0.1).clamp(0, 1);
    }
}
