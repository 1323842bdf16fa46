using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Settings;

namespace Ard.Trainers.Training;

/// <summary>A published training method with the settings under which it was published: a recipe.</summary>
public sealed record Preset
{
    private Preset(string name, string summary, Objective objective, TrainingOptions options) =>
        (Name, Summary, Method, Objective, Options) = (name, summary, name, objective, options);

    private Preset(string name, string summary, string method, ObjectiveSettings settings, TrainingOptions options)
        : this(name, summary, ObjectiveCatalog.ByName(method, settings), options) => (Method, Settings) = (method, settings);

    /// <summary>A short name, for tables and command lines.</summary>
    public string Name { get; private init; }

    /// <summary>What it reproduces, and the network that it was published for.</summary>
    public string Summary { get; private init; }

    /// <summary>The method's name in <see cref="ObjectiveCatalog"/>.</summary>
    public string Method { get; private init; }

    /// <summary>What differs from the method's defaults: by these the catalog makes the objective.</summary>
    public ObjectiveSettings Settings { get; private init; } = new();

    /// <summary>The method.</summary>
    public Objective Objective { get; init; }

    /// <summary>The settings.</summary>
    public TrainingOptions Options { get; init; }

    /// <summary>The whole preset for people: name and summary, then every setting on a line of its own, under its name in C#.</summary>
    public string Describe() => string.Join('\n', [
        $"{Name}: {Summary}", .. OptionsText.Lines(nameof(Objective), Objective), .. OptionsText.Lines(nameof(Options), Options)]);

    // What all of the recipes have beside what they say: 200 epochs, batches of 128, SGD 0.1 with momentum 0.9 and weight decay 2e-4.
    private static TrainingOptions Published { get; } = new()
    {
        Epochs = 200,
        BatchSize = 128,
        Optimizer = new SgdOptimizer(),
        Schedule = new MultiStepSchedule([100, 150]),
        Augmentation = Augmentation.CropAndFlip,
        ValidationFraction = 0,
    };

    /// <summary>
    /// What the released code of ARD computes (2019-05-23), where it differs from the paper too: 200 epochs, batches of 128, SGD 0.1 with
    /// momentum 0.9 and weight decay 2e-4, crop and flip; temperature 30, alpha 1; the student attacked in train mode, the clean pass
    /// always run, the divergence a mean over batch and classes, and 0.01 as learning rate from epoch 100 to the end, since its second drop
    /// has no effect. The last epoch is the result.
    /// </summary>
    internal static Preset ArdOfficial { get; } = new(
        "ard-official", "ARD as its released code computes it, for MobileNetV2", new AdversariallyRobustDistillation(), Published with
        {
            Schedule = new MultiStepSchedule([100, 150]) { FromBaseRate = true },
        });

    /// <summary>
    /// ARD as its paper states it: as <see cref="ArdOfficial"/>, with 0.001 from epoch 150 on, and the divergence as a mean over the batch
    /// with a weight that makes it the same number at 10 classes.
    /// </summary>
    internal static Preset ArdCorrected { get; } = new(
        "ard-corrected", "ARD as its paper states it, for MobileNetV2", new AdversariallyRobustDistillation(ArdOptions.Corrected),
        Published);

    /// <summary>
    /// Free adversarial training as published for CIFAR-10 (Shafahi et al., NeurIPS 2019): 8 replays, 200/8 epochs, batches of 128, SGD 0.1
    /// with momentum 0.9 and weight decay 2e-4, a tenth of the rate after one half and again after three quarters of the training. The
    /// released code counts 80,000 steps of the weights, that is 25.6 epochs.
    /// </summary>
    internal static Preset Free { get; } = new(
        "free", "free adversarial training, 8 replays, for WideResNet-32-10", new FreeAdversarialTraining(), Published with
        {
            Epochs = 25,
            Schedule = new MultiStepSchedule([12, 18]),
        });

    /// <summary>
    /// Fast-ARD (Goldblum et al., AAAI 2020): the settings of ARD with its 200 epochs and their milestones divided by the replays. The
    /// number of replays, 8, is that of <see cref="Free"/>.
    /// </summary>
    internal static Preset FastArd { get; } = new(
        "fast-ard", "ARD at the cost of natural distillation, 8 replays, for MobileNetV2", new FastArd(), Free.Options);

    /// <summary>
    /// TRADES as its released code trains on CIFAR-10 (Zhang et al., ICML 2019): 76 epochs, batches of 128, SGD 0.1 with momentum 0.9 and
    /// weight decay 2e-4, a tenth of the rate for the last two epochs.
    /// </summary>
    internal static Preset Trades { get; } = new(
        "trades", "TRADES as its released code trains a WideResNet-34-10", new Trades(), Published with
        {
            Epochs = 76,
            Schedule = new MultiStepSchedule([74]),
        });

    /// <summary>
    /// MART as its released code trains a ResNet-18 (Wang et al., ICLR 2020): 120 epochs, batches of 128, SGD 0.01 with momentum 0.9 and
    /// weight decay 3.5e-3, drops at 75, 90 and 100.
    /// </summary>
    internal static Preset Mart { get; } = new("mart", "MART as its released code trains a ResNet-18", new Mart(), Published with
    {
        Epochs = 120,
        Optimizer = new SgdOptimizer { LearningRate = 0.01, WeightDecay = 3.5e-3 },
        Schedule = new MultiStepSchedule([74, 89, 99]),
    });

    /// <summary>
    /// MTARD as its released code trains (Zhao et al., ECCV 2022): 300 epochs, batches of 128, SGD 0.1 with momentum 0.9 and weight decay
    /// 2e-4, drops at 215, 260 and 285. Needs two teachers.
    /// </summary>
    internal static Preset Mtard { get; } = new(
        "mtard", "MTARD, a robust and a natural teacher, as its released code trains a ResNet-18", new Mtard(), Published with
        {
            Epochs = 300,
            Schedule = new MultiStepSchedule([215, 260, 285]),
        });

    /// <summary>
    /// RSLAD as published: 300 epochs, learning rate times 0.1 at 215, 260 and 285, weight decay 2e-4. The last epoch is the result; the
    /// released code keeps the one that is best on the test set.
    /// </summary>
    internal static Preset Rslad { get; } = new(
        "rslad", "RSLAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", new Rslad(), Published with
        {
            Epochs = 300,
            Schedule = new MultiStepSchedule([215, 260, 285]),
        });

    /// <summary>
    /// IAD-I as published: 200 epochs, trust in the teacher partial from 60 of them on, weight decay 2e-4; 0.01 as learning rate from epoch
    /// 100 to the end, since in the released code, as in that of ARD, the drop at 150 has no effect. The last epoch is the result; the
    /// released code also keeps the one that is best on the test set.
    /// </summary>
    internal static Preset Iad { get; } = new("iad", "IAD-I as its released code computes it, for ResNet-18", new Iad(), Published with
    {
        Schedule = new MultiStepSchedule([100, 150]) { FromBaseRate = true },
    });

    /// <summary>
    /// AdaAD as published: 200 epochs, learning rate times 0.1 at 100 and 150, weight decay 5e-4. The last epoch is the result.
    /// </summary>
    internal static Preset AdaAd { get; } = new(
        "adaad", "AdaAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", new AdaAd(), Published with
        {
            Optimizer = new SgdOptimizer { WeightDecay = 5e-4 },
        });

    /// <summary>AdaIAD as published: the settings of <see cref="AdaAd"/>, trust in the teacher partial from epoch 60 of 200 on.</summary>
    internal static Preset AdaIad { get; } = new(
        "adaiad", "AdaIAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", new AdaIad(), AdaAd.Options);

    /// <summary>
    /// SAAD as its released code trains on CIFAR-10 (Lee et al., TMLR 2026): 200 epochs, batches of 128, SGD 0.1 with momentum 0.9 and
    /// weight decay 2e-4, drops at 100 and 150, the mean of the weights from epoch 95 on, which is the result.
    /// </summary>
    internal static Preset Saad { get; } = new(
        "saad", "SAAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", new Saad(), Published with
        {
            Averaging = new StochasticWeightAveraging { FromEpoch = 95 },
        });

    /// <summary>
    /// PeerAiD as its released code trains a ResNet-18 on CIFAR-10 (Jung et al., CVPR 2024): 300 epochs, batches of 128, SGD 0.1 with
    /// momentum 0.9 and weight decay 2e-4, drops at 214, 259 and 284, the mean of the weights from the first drop on. The last mean is the
    /// result; the released code also keeps the one that is best on the test set.
    /// </summary>
    internal static Preset PeerAid { get; } = new(
        "peeraid", "PeerAiD as its released code computes it, for ResNet-18", new PeerAid(), Published with
        {
            Epochs = 300,
            Schedule = new MultiStepSchedule([214, 259, 284]),
            Averaging = new StochasticWeightAveraging { FromEpoch = 215 },
        });

    /// <summary>
    /// Adversarial training in the baseline setting of Pang et al., "Bag of Tricks for Adversarial Training" (ICLR 2021), as their
    /// release has it: 110 epochs, batches of 128, SGD 0.1 with momentum 0.9 and weight decay 5e-4, drops at 100 and 105, batch
    /// normalisation in eval mode during the attack. The paper stops early, by the best epoch: here by PGD-10 on 2 % of the images, where
    /// the release looks at the test set. The release normalises images; here that is a matter of the network.
    /// </summary>
    internal static Preset AdversarialTraining { get; } = new(
        "at", "adversarial training in the baseline setting of Bag of Tricks, for WideResNet-34-10", "at", new(), Published with
        {
            Epochs = 110,
            Optimizer = new SgdOptimizer { WeightDecay = 5e-4 },
            Schedule = new MultiStepSchedule([100, 105]),
            ValidationFraction = 0.02,
        });

    /// <summary>
    /// Adversarial training with adversarial weight perturbation as its released code trains a PreActResNet-18 (Wu, Xia and Wang, NeurIPS
    /// 2020, AT_AWP/train_cifar10.py): gamma 0.01, 200 epochs, batches of 128, SGD 0.1 with momentum 0.9 and weight decay 5e-4, drops at
    /// 100 and 150. The last epoch is the result; the release also keeps the one that is best on the test set. It differs in that the
    /// student is in eval mode during the attack, where the release leaves it in train mode, and in the release's normalisation.
    /// </summary>
    internal static Preset AdversarialTrainingAwp { get; } = new(
        "at+awp", "adversarial training with weight perturbation, as its released code trains a PreActResNet-18", "at+awp", new(),
        Published with { Optimizer = new SgdOptimizer { WeightDecay = 5e-4 } });

    /// <summary>
    /// TRADES with adversarial weight perturbation as its released code trains (Wu, Xia and Wang, NeurIPS 2020,
    /// trades_AWP/train_trades_cifar.py, made for WideResNet-34-10 and ResNet-18): Linf 8/255 in 10 steps of 2/255, beta 6, gamma 0.005
    /// from the tenth epoch on, 200 epochs, batches of 128, SGD 0.1 with momentum 0.9 and weight decay 5e-4, drops for epoch 100 and 150.
    /// The last epoch is the result.
    /// </summary>
    internal static Preset TradesAwp { get; } = new(
        "trades+awp", "TRADES with weight perturbation, as its released code trains WideResNet-34-10 and ResNet-18", "trades+awp",
        new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255 }, Published with
        {
            Optimizer = new SgdOptimizer { WeightDecay = 5e-4 },
            Schedule = new MultiStepSchedule([99, 149]),
        });

    /// <summary>
    /// TRADES with CutMix and averaged weights (Rebuffi et al., "Fixing Data Augmentation to Improve Adversarial Robustness", 2021) as
    /// their released configuration has it (deepmind-research, adversarial_robustness/jax/experiment.py): beta 6, CutMix with alpha 1,
    /// 400 epochs, batches of 1,024, SGD 0.4 with Nesterov's momentum 0.9 and weight decay 5e-4, a rate that rises for 10 epochs and
    /// falls by a cosine, the exponential average of the weights with 0.995, which is the result. It differs: the release attacks by 10
    /// steps of Adam, away from the mixed labels and normalising by the batch, and not by steps of 2/255 away from the student's own
    /// answer in eval mode; its rate rises in a straight line from 0; weights of batch normalisation do not decay, and its running
    /// statistics, of adversarial images only, are not averaged. RobustBench has a PreActResNet-18 of these authors with a million
    /// generated images, in 0.7 of each batch and with smoothed labels, at 83.53 % and under AutoAttack at 56.66 %.
    /// </summary>
    internal static Preset TradesCutMix { get; } = new(
        "trades-cutmix", "TRADES with CutMix and averaged weights, as Fixing Data Augmentation has it for WideResNet-28-10",
        "trades",
        new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255 }, Published with
        {
            Epochs = 400,
            BatchSize = 1024,
            Optimizer = new SgdOptimizer { LearningRate = 0.4, Nesterov = true, WeightDecay = 5e-4 },
            Schedule = new OneCycleSchedule { RisingShare = 0.025 },
            Mixing = new CutMixing(),
            Averaging = new ExponentialAveraging { Decay = 0.995 },
        });

    /// <summary>
    /// TRADES with generated images (Wang et al., "Better Diffusion Models Further Improve Adversarial Training", ICML 2023), by the
    /// command of their release for a million of them, which whoever trains puts into <see cref="TrainingOptions.Auxiliary"/>, 0.7 of
    /// each batch: beta 5, label smoothing 0.1, 400 epochs, batches of 512, SGD 0.2 with Nesterov's momentum 0.9 and weight decay 5e-4,
    /// one cycle that rises for 0.025 of the training, the exponential average of the weights with 0.995, the best epoch by 40 steps of PGD
    /// on the margin (cw-40) on 1,024 images. It differs: the release attacks from a uniform start, normalising by the batch, and not from
    /// 0.001 · N(0,1) in eval mode; moves the rate once an epoch, and momentum between 0.85 and 0.95 against it; averages from 0.025 of the
    /// training on, but not the running statistics, whose own momentum is 0.01; and trains a WideResNet-28-10 with SiLU
    /// (<c>robustbench/wideresnet-28-10</c>). At more images it has more epochs and larger batches.
    /// </summary>
    internal static Preset TradesGenerated { get; } = new(
        "trades-generated", "TRADES with generated images, as Better Diffusion Models has it for WideResNet-28-10",
        "trades",
        new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255, Beta = 5 }, Published with
        {
            Epochs = 400,
            BatchSize = 512,
            Optimizer = new SgdOptimizer { LearningRate = 0.2, Nesterov = true, WeightDecay = 5e-4 },
            Schedule = new OneCycleSchedule { RisingShare = 0.025 },
            Auxiliary = new() { Share = 0.7 },
            LabelSmoothing = 0.1,
            Averaging = new ExponentialAveraging { Decay = 0.995 },
            ValidationFraction = 1024 / 50_000.0,
            Validation = new() { Attacks = ["cw-40"] },
        });

    /// <summary>All presets.</summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        ArdOfficial, ArdCorrected, Free, FastArd, Trades, Mart, Mtard, Rslad, Iad, AdaAd, AdaIad, Saad, PeerAid,
        AdversarialTraining, AdversarialTrainingAwp, TradesAwp, TradesCutMix, TradesGenerated,
    ];

    /// <summary>
    /// The preset of that name, in any case; what follows the longest such name after a plus sign is added to its objective: see
    /// <see cref="ObjectiveCatalog"/>.
    /// </summary>
    /// <param name="name">Such as rslad or adaad+igdm.</param>
    /// <exception cref="ArgumentException">There is none; the message lists those that there are.</exception>
    public static Preset ByName(string name)
    {
        name = name.Trim().ToLowerInvariant();
        if (All.FirstOrDefault(preset => preset.Name == name) is { } known) return known;
        var preset = All.Where(preset => name.StartsWith($"{preset.Name}+", StringComparison.Ordinal)).MaxBy(preset => preset.Name.Length)
            ?? throw new ArgumentException(
                $"Preset '{name}': expected one of {string.Join(", ", All.Select(preset => preset.Name))}.");
        var more = name[(preset.Name.Length + 1)..];
        var method = $"{preset.Method}+{more}";
        return preset with
        {
            Name = name,
            Summary = $"{preset.Summary}, with {more}",
            Method = method,
            Objective = ObjectiveCatalog.ByName(method, ObjectiveCatalog.Applicable(method, preset.Settings)),
        };
    }
}
