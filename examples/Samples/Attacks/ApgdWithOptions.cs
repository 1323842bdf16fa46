using Ard.Trainers.Attacks;

namespace Ard.Samples;

/// <summary>APGD on the loss DLR, and its targeted form against the nine other classes.</summary>
internal static class ApgdWithOptionsSample
{
    public static void Example()
    {
        var network = Given.Robust;
        var (images, labels) = Given.Test;

        // The difference of logits ratio does not change when the logits are scaled: no saturated softmax hides its gradient.
        Report(Attack.Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr, Steps = 50 }));
        Report(Attack.Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Steps = 20, Targets = 9 }));

        void Report(Attack attack) =>
            Console.WriteLine($"{attack.Name}: {Given.Accuracy(network, attack.Perturb(network, images, labels, Given.Threat))}");

        // Expected output:
        // apgd-dlr-50: 29 %
        // apgd-t-20: 25 %
    }
}
