namespace Ard.Trainers.Training;

/// <summary>A published training method with the settings under which it was published: a recipe.</summary>
public sealed record Preset
{
    private Preset(string name, string summary, TrainingOptions options, string? method = null, ObjectiveSettings? settings = null)
    {
        (Name, Summary, Options, Method, Settings) = (name, summary, options, method ?? name, settings ?? new());
        Objective = ObjectiveCatalog.ByName(Method, Settings);
    }

    /// <summary>A short name, for tables and command lines.</summary>
    public string Name { get; private init; }

    /// <summary>What it reproduces, and the network that it was published for.</summary>
    public string Summary { get; private init; }

    /// <summary>The method's name in <see cref="ObjectiveCatalog"/>.</summary>
    public string Method { get; private init; }

    /// <summary>What differs from the method's defaults: by these the catalog makes the objective.</summary>
    public ObjectiveSettings Settings { get; private init; }

    /// <summary>The method.</summary>
    public Objective Objective { get; init; }

    /// <summary>The settings.</summary>
    public TrainingOptions Options { get; init; }

    /// <summary>The whole preset for people: name and summary, then every setting on a line of its own, under its name in C#.</summary>
    public string Describe() => string.Join('\n', [
        $"{Name}: {Summary}", .. OptionsText.Lines(nameof(Objective), Objective), .. OptionsText.Lines(nameof(Options), Options)]);

    // What the recipes have beside what they say: SGD 0.1 with momentum 0.9 and weight decay 2e-4, a tenth of the rate from each of the
    // drops on; the last epoch is the result.
    private static TrainingOptions Published(int epochs, params int[] drops) => new()
    {
        Epochs = epochs,
        BatchSize = 128,
        Optimizer = new SgdOptimizer(),
        Schedule = new MultiStepSchedule(drops),
        Augmentation = Augmentation.CropAndFlip,
        ValidationFraction = 0,
    };

    private static TrainingOptions MoreDecay(int epochs, params int[] drops) =>
        Published(epochs, drops) with { Optimizer = new SgdOptimizer { WeightDecay = 5e-4 } };

    // The second drop has no effect, as in the released code of ARD.
    private static TrainingOptions OneDrop { get; } =
        Published(200) with { Schedule = new MultiStepSchedule([100, 150]) { FromBaseRate = true } };

    /// <summary>All presets.</summary>
    public static IReadOnlyList<Preset> All { get; } =
    [
        // Goldblum et al., AAAI 2020: what the code released on 2019-05-23 computes, where it differs from the paper too. The student is
        // attacked in train mode, the clean pass always run, the divergence a mean over batch and classes.
        new("ard-official", "ARD as its released code computes it, for MobileNetV2", OneDrop),
        // The same with 0.001 from epoch 150 on, and the divergence as a mean over the batch, times what makes it equal at 10 classes.
        new("ard-corrected", "ARD as its paper states it, for MobileNetV2", Published(200, 100, 150)),

        // Shafahi et al., NeurIPS 2019: 200/8 epochs, a tenth of the rate after one half and again after three quarters. The released code
        // counts 80,000 steps of the weights, that is 25.6 epochs.
        new("free", "free adversarial training, 8 replays, for WideResNet-32-10", Published(25, 12, 18)),
        // Goldblum et al., AAAI 2020: ARD with its epochs and milestones divided by the replays, as many as free training has.
        new("fast-ard", "ARD at the cost of natural distillation, 8 replays, for MobileNetV2", Published(25, 12, 18)),
        // Zhang et al., ICML 2019: a tenth of the rate for the last two epochs.
        new("trades", "TRADES as its released code trains a WideResNet-34-10", Published(76, 74)),
        // Wang et al., ICLR 2020.
        new("mart", "MART as its released code trains a ResNet-18", Published(120, 74, 89, 99) with
        {
            Optimizer = new SgdOptimizer { LearningRate = 0.01, WeightDecay = 3.5e-3 },
        }),
        // Zhao et al., ECCV 2022. Needs two teachers.
        new("mtard", "MTARD, a robust and a natural teacher, as its released code trains a ResNet-18", Published(300, 215, 260, 285)),
        // Zi et al., ICCV 2021. The released code keeps the epoch that is best on the test set.
        new("rslad", "RSLAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", Published(300, 215, 260, 285)),
        // Zhu et al., ICLR 2022: trust in the teacher partial from epoch 60 on. The code also keeps the epoch that is best on the test set.
        new("iad", "IAD-I as its released code computes it, for ResNet-18", OneDrop),
        // Huang et al., CVPR 2023; of AdaIAD trust in the teacher is partial from epoch 60 on.
        new("adaad", "AdaAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", MoreDecay(200, 100, 150)),
        new("adaiad", "AdaIAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", MoreDecay(200, 100, 150)),
        // Lee et al., TMLR 2026, on CIFAR-10.
        new("saad", "SAAD as its released code computes it, for ResNet-18 and MobileNetV2 alike", Published(200, 100, 150) with
        {
            Averaging = new StochasticWeightAveraging { FromEpoch = 95 },
        }),
        // Jung et al., CVPR 2024, on CIFAR-10: the mean of the weights from the first drop on. The released code also keeps the epoch that
        // is best on the test set.
        new("peeraid", "PeerAiD as its released code computes it, for ResNet-18", Published(300, 214, 259, 284) with
        {
            Averaging = new StochasticWeightAveraging { FromEpoch = 215 },
        }),

        // The baseline of Pang et al., "Bag of Tricks for Adversarial Training" (ICLR 2021), as their release has it: batch normalisation
        // in eval mode during the attack. The paper stops early: here by PGD-10 on 2 % of the images, where the release looks at the test
        // set. The release normalises images; here that is a matter of the network.
        new("at", "adversarial training in the baseline setting of Bag of Tricks, for WideResNet-34-10", MoreDecay(110, 100, 105) with
        {
            ValidationFraction = 0.02,
        }),
        // Wu, Xia and Wang, NeurIPS 2020, AT_AWP/train_cifar10.py: gamma 0.01. The release also keeps the epoch that is best on the test
        // set. It differs in that the student is in eval mode during the attack, where the release leaves it in train mode, and in the
        // release's normalisation.
        new("at+awp", "adversarial training with weight perturbation, as its released code trains a PreActResNet-18",
            MoreDecay(200, 100, 150)),
        // The same, trades_AWP/train_trades_cifar.py: beta 6, gamma 0.005 from the tenth epoch on, drops for epoch 100 and 150.
        new("trades+awp", "TRADES with weight perturbation, as its released code trains WideResNet-34-10 and ResNet-18",
            MoreDecay(200, 99, 149), "trades+awp",
            new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255 }),
        // Rebuffi et al., "Fixing Data Augmentation to Improve Adversarial Robustness", 2021 (deepmind-research,
        // adversarial_robustness/jax/experiment.py): beta 6, a rate that rises for 10 epochs and falls by a cosine. It differs: the release
        // attacks by 10 steps of Adam, away from the mixed labels and normalising by the batch, and not by steps of 2/255 away from the
        // student's own answer in eval mode; its rate rises in a straight line from 0; weights of batch normalisation do not decay, and its
        // running statistics, of adversarial images only, are not averaged. RobustBench has a PreActResNet-18 of these authors with a
        // million generated images, in 0.7 of each batch and with smoothed labels, at 83.53 % and under AutoAttack at 56.66 %.
        new("trades-cutmix", "TRADES with CutMix and averaged weights, as Fixing Data Augmentation has it for WideResNet-28-10",
            Published(400) with
            {
                BatchSize = 1024,
                Optimizer = new SgdOptimizer { LearningRate = 0.4, Nesterov = true, WeightDecay = 5e-4 },
                Schedule = new OneCycleSchedule { RisingShare = 0.025 },
                Mixing = new CutMixing(),
                Averaging = new ExponentialAveraging { Decay = 0.995 },
            }, "trades", new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255 }),
        // Wang et al., "Better Diffusion Models Further Improve Adversarial Training", ICML 2023, by the command of their release for a
        // million generated images, which whoever trains puts into TrainingOptions.Auxiliary; the best epoch by 40 steps of PGD on the
        // margin on 1,024 images. It differs: the release attacks from a uniform start, normalising by the batch, and not from
        // 0.001 · N(0,1) in eval mode; moves the rate once an epoch, and momentum between 0.85 and 0.95 against it; averages from 0.025 of
        // the training on, but not the running statistics, whose own momentum is 0.01; and trains a WideResNet-28-10 with SiLU
        // (robustbench/wideresnet-28-10). At more images it has more epochs and larger batches.
        new("trades-generated", "TRADES with generated images, as Better Diffusion Models has it for WideResNet-28-10", Published(400) with
        {
            BatchSize = 512,
            Optimizer = new SgdOptimizer { LearningRate = 0.2, Nesterov = true, WeightDecay = 5e-4 },
            Schedule = new OneCycleSchedule { RisingShare = 0.025 },
            Auxiliary = new() { Share = 0.7 },
            LabelSmoothing = 0.1,
            Averaging = new ExponentialAveraging { Decay = 0.995 },
            ValidationFraction = 1024 / 50_000.0,
            Validation = new() { Attacks = ["cw-40"] },
        }, "trades", new() { Threat = ThreatModel.Cifar10, StepSize = 2.0 / 255, Beta = 5 }),
    ];

    /// <summary>The preset of that name, in any case; behind a plus sign follows what <see cref="ObjectiveCatalog"/> takes there.</summary>
    /// <param name="name">Such as rslad or adaad+igdm.</param>
    /// <exception cref="ArgumentException">There is none; the message lists those that there are.</exception>
    public static Preset ByName(string name)
    {
        name = name.Trim().ToLowerInvariant();
        if (All.FirstOrDefault(preset => preset.Name == name) is { } known) return known;
        var preset = All.Where(preset => name.StartsWith($"{preset.Name}+", StringComparison.Ordinal)).MaxBy(preset => preset.Name.Length)
            ?? throw new ArgumentException($"Preset '{name}': expected one of {string.Join(", ", All.Select(preset => preset.Name))}.");
        var more = name[(preset.Name.Length + 1)..];
        var method = $"{preset.Method}+{more}";
        var settings = ObjectiveCatalog.Applicable(method, preset.Settings);
        return preset with
        {
            Name = name,
            Summary = $"{preset.Summary}, with {more}",
            Method = method,
            Settings = settings,
            Objective = ObjectiveCatalog.ByName(method, settings),
        };
    }
}
