using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>MI-FGSM: steps with momentum, whose examples carry over to other networks.</summary>
internal static class MiFgsmSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;
        var attack = Attack.MiFgsm();
        var attacked = attack.Perturb(network, images, labels, Given.Threat);
        Console.WriteLine($"{attack.Name}: {Given.Accuracy(network, attacked)}, clean {Given.Accuracy(network, images)}");

        // Expected output:
        // mi-fgsm-20: 37 %, clean 84 %
    }
}
