using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>One step along the gradient's sign: the cheapest attack, and the weakest.</summary>
internal static class FgsmSample
{
    public static void Example()
    {
        // A network, float images [N,C,H,W] in [0,1] and their classes; the adversary may change every pixel by 8/255.
        var network = Given.Natural;
        var (images, labels) = Given.Test;
        var attacked = Attack.Fgsm().Perturb(network, images, labels, ThreatModel.Linf(8.0 / 255));

        var change = (attacked - images).abs().max().item<float>();
        Console.WriteLine($"clean {Given.Accuracy(network, images)}, attacked {Given.Accuracy(network, attacked)}");
        Console.WriteLine($"largest change of a pixel: {255 * change:F0}/255");

        // Expected output:
        // clean 84 %, attacked 40 %
        // largest change of a pixel: 8/255
    }
}
