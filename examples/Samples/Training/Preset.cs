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
        // ard-official: ARD as its released code computes it, 200 epochs
        // ard-corrected: ARD as its paper states it, 200 epochs
        // free: free adversarial training, 8 replays, 25 epochs
        // fast-ard: ARD at the cost of natural distillation, 8 replays, 25 epochs
        // trades: TRADES as its released code trains, 76 epochs
        // mart: MART as its released code trains a ResNet-18, 120 epochs
        // mtard: MTARD, a robust and a natural teacher, 300 epochs
        // rslad: RSLAD as its released code computes it, 300 epochs
        // iad: IAD-I as its released code computes it, 200 epochs
        // adaad: AdaAD as its released code computes it, 200 epochs
        // adaiad: AdaIAD as its released code computes it, 200 epochs
        // saad: SAAD as its released code computes it, 200 epochs
        // peeraid: PeerAiD as its released code computes it, 300 epochs
        // at: adversarial training in the baseline setting of Bag of Tricks, 110 epochs
        // at+awp: adversarial training with weight perturbation, as its released code trains a PreActResNet-18, 200 epochs
        // trades+awp: TRADES with weight perturbation, as its released code trains, 200 epochs
        // trades-cutmix: TRADES with CutMix and averaged weights, by the settings of Fixing Data Augmentation, 400 epochs
        // trades-generated: TRADES with generated images as auxiliary ones, by the settings of Better Diffusion Models, 400 epochs
        // rslad: 1 epoch
    }
}
