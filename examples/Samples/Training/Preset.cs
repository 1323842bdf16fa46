using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>The recipes of the papers, with every setting: for CIFAR-10, and hours.</summary>
internal static class PresetSample
{
    public static void Example()
    {
        foreach (var preset in Preset.All) Console.WriteLine($"{preset.Name}: {preset.Summary}, {preset.Options.Epochs} epochs");

        // A recipe as a beginning: Describe() lists every setting.
        var rslad = Preset.ByName("rslad");
        var student = Given.Network.Build(seed: 1);
        var options = rslad.Options with { Epochs = 1, Schedule = Schedule.Constant };
        var result = Trainer.Fit(new(student, Given.Robust), rslad.Objective, Given.Training, options);
        Console.WriteLine($"{rslad.Objective.Name}: {result.History.Count} epoch");

        // Expected output:
        // ard-official: ARD as its released code computes it, for MobileNetV2, 200 epochs
        // ard-corrected: ARD as its paper states it, for MobileNetV2, 200 epochs
        // free: free adversarial training, 8 replays, for WideResNet-32-10, 25 epochs
        // fast-ard: ARD at the cost of natural distillation, 8 replays, for MobileNetV2, 25 epochs
        // trades: TRADES as its released code trains a WideResNet-34-10, 76 epochs
        // mart: MART as its released code trains a ResNet-18, 120 epochs
        // mtard: MTARD, a robust and a natural teacher, as its released code trains a ResNet-18, 300 epochs
        // rslad: RSLAD as its released code computes it, for ResNet-18 and MobileNetV2 alike, 300 epochs
        // iad: IAD-I as its released code computes it, for ResNet-18, 200 epochs
        // adaad: AdaAD as its released code computes it, for ResNet-18 and MobileNetV2 alike, 200 epochs
        // adaiad: AdaIAD as its released code computes it, for ResNet-18 and MobileNetV2 alike, 200 epochs
        // saad: SAAD as its released code computes it, for ResNet-18 and MobileNetV2 alike, 200 epochs
        // peeraid: PeerAiD as its released code computes it, for ResNet-18, 300 epochs
        // at: adversarial training in the baseline setting of Bag of Tricks, for WideResNet-34-10, 110 epochs
        // at+awp: adversarial training with weight perturbation, as its released code trains a PreActResNet-18, 200 epochs
        // trades+awp: TRADES with weight perturbation, as its released code trains WideResNet-34-10 and ResNet-18, 200 epochs
        // trades-cutmix: TRADES with CutMix and averaged weights, as Fixing Data Augmentation has it for WideResNet-28-10, 400 epochs
        // trades-generated: TRADES with generated images, as Better Diffusion Models has it for WideResNet-28-10, 400 epochs
        // rslad: 1 epoch
    }
}
