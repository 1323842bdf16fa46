using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>What the methods have in common that one may want to set by name. What is null has the method's own default.</summary>
public sealed record ObjectiveSettings
{
    /// <summary>The threat model that the method trains against.</summary>
    public ThreatModel? Threat { get; init; }

    /// <summary>The steps of the inner maximisation.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The length of a step, in units of [0,1] images. Where only <see cref="Threat"/> is set, it keeps the method's ratio to epsilon, such
    /// as 2/255 to 8/255.
    /// </summary>
    public double? StepSize { get; init; }

    /// <summary>The temperature of a distillation.</summary>
    public double? Temperature { get; init; }

    /// <summary>
    /// The share of a distillation's loss beside the cross-entropy; of RSLAD and AdaAD: of the adversarial images beside the clean ones.
    /// </summary>
    public double? Alpha { get; init; }

    /// <summary>The weight of the divergence in TRADES; in MART, whose paper calls it lambda.</summary>
    public double? Beta { get; init; }

    /// <summary>How often the methods of free adversarial training train on a batch in a row.</summary>
    public int? Replays { get; init; }

    /// <summary>The weight of the term that +igdm behind a method's name adds (<see cref="Igdm"/>).</summary>
    public double? IgdmWeight { get; init; }

    /// <summary>
    /// The settings with a threat model that is usual for the images, where none is set: Linf, 8/255 for those of three channels (as on
    /// CIFAR-10), 0.1 for those of one (as on Fashion-MNIST). The trainers of ML.NET and the command line take it.
    /// </summary>
    /// <param name="channels">The images' channels.</param>
    public ObjectiveSettings For(int channels) =>
        Threat is null ? this with { Threat = channels == 1 ? ThreatModel.Linf(0.1) : ThreatModel.Cifar10 } : this;

    /// <summary>The names of the settings that are not null.</summary>
    internal IEnumerable<string> Set() =>
        typeof(ObjectiveSettings).GetProperties().Where(property => property.GetValue(this) is not null).Select(property => property.Name);

    /// <summary>The settings of these names; the others null.</summary>
    internal ObjectiveSettings Only(IReadOnlyCollection<string> names)
    {
        T? If<T>(string name, T? value) => names.Contains(name) ? value : default;
        return new()
        {
            Threat = If(nameof(Threat), Threat),
            Steps = If(nameof(Steps), Steps),
            StepSize = If(nameof(StepSize), StepSize),
            Temperature = If(nameof(Temperature), Temperature),
            Alpha = If(nameof(Alpha), Alpha),
            Beta = If(nameof(Beta), Beta),
            Replays = If(nameof(Replays), Replays),
            IgdmWeight = If(nameof(IgdmWeight), IgdmWeight),
        };
    }

    internal InnerMaximisation Apply(InnerMaximisation inner)
    {
        var threat = Threat ?? inner.Threat;
        var ratio = threat.Norm == inner.Threat.Norm && inner.Threat.Epsilon > 0 ? inner.StepSize / inner.Threat.Epsilon : 0.25;
        var stepSize = StepSize ?? (Threat is null ? inner.StepSize : ratio * threat.Epsilon);
        return inner with { Threat = threat, Steps = Steps ?? inner.Steps, StepSize = stepSize };
    }

    internal FreePerturbation Apply(FreePerturbation free) =>
        free with { Threat = Threat ?? free.Threat, Replays = Replays ?? free.Replays };

    internal DistillationTerm Apply(DistillationTerm term) => term with { Temperature = Temperature ?? term.Temperature };
}

/// <summary>Training methods by the names that options and command lines use.</summary>
public static class ObjectiveCatalog
{
    private sealed record Entry(string[] Names, string[] Takes, Func<ObjectiveSettings, Objective> Create);

    // What may follow a method's name after a plus sign: a method around the method.
    private sealed record Suffix(
        string Name, string[] Takes, bool NeedsAdversarialImages, Func<Objective, ObjectiveSettings, Objective> Around);

    private static readonly string[] Inner =
        [nameof(ObjectiveSettings.Threat), nameof(ObjectiveSettings.Steps), nameof(ObjectiveSettings.StepSize)];
    private static readonly string[] Free = [nameof(ObjectiveSettings.Threat), nameof(ObjectiveSettings.Replays)];
    private static readonly string[] Distilled = [nameof(ObjectiveSettings.Temperature), nameof(ObjectiveSettings.Alpha)];

    // The first name is the one shown.
    private static readonly Entry[] Entries =
    [
        new(["natural"], [nameof(ObjectiveSettings.Threat)], _ => new Natural()),
        new(["at", "adversarial-training", "pgd-at"], Inner,
            settings => new AdversarialTraining(new() { Inner = settings.Apply(new AdversarialTrainingOptions().Inner) })),
        new(["trades"], [.. Inner, nameof(ObjectiveSettings.Beta)], settings =>
        {
            var options = new TradesOptions();
            return new Trades(options with { Inner = settings.Apply(options.Inner), Beta = settings.Beta ?? options.Beta });
        }),
        new(["kd", "distillation"], [nameof(ObjectiveSettings.Threat), .. Distilled], settings =>
        {
            var options = new DistillationOptions();
            return new Distillation(new() { Distillation = settings.Apply(options.Distillation), Alpha = settings.Alpha ?? options.Alpha });
        }),
        new(["ard", "ard-official"], [.. Inner, .. Distilled], settings => Ard(ArdOptions.Official, settings)),
        new(["ard-corrected"], [.. Inner, .. Distilled], settings => Ard(ArdOptions.Corrected, settings)),
        new(["free"], Free, settings => new FreeAdversarialTraining(new() { Free = settings.Apply(new FreePerturbation()) })),
        new(["fast-ard"], [.. Free, .. Distilled], settings =>
        {
            var options = new FastArdOptions();
            return new FastArd(new()
            {
                Free = settings.Apply(options.Free),
                Distillation = settings.Apply(options.Distillation),
                Alpha = settings.Alpha ?? options.Alpha,
            });
        }),
        new(["fgsm-rs"], [nameof(ObjectiveSettings.Threat)], settings => Fast(FastAdversarialTrainingOptions.FgsmRs, settings)),
        new(["n-fgsm"], [nameof(ObjectiveSettings.Threat)], settings => Fast(FastAdversarialTrainingOptions.NFgsm, settings)),
        new(["mart"], [.. Inner, nameof(ObjectiveSettings.Beta)], settings =>
        {
            var options = new MartOptions();
            return new Mart(new() { Inner = settings.Apply(options.Inner), Lambda = settings.Beta ?? options.Lambda });
        }),
        new(["mtard"], [.. Inner, nameof(ObjectiveSettings.Temperature)], settings =>
        {
            var options = new MtardOptions();
            return new Mtard(options with { Inner = settings.Apply(options.Inner), Distillation = settings.Apply(options.Distillation) });
        }),
        new(["rslad"], [.. Inner, .. Distilled], settings => Rslad(new(), settings)),
        new(["iad"], [.. Inner, .. Distilled], settings => Iad(new(), settings)),
        new(["adaad"], [.. Inner, .. Distilled], settings => AdaAd(new(), settings)),
        new(["adaiad"], [.. Inner, .. Distilled], settings => AdaIad(new(), settings)),
        new(["peeraid"], [.. Inner, nameof(ObjectiveSettings.Temperature)], settings =>
        {
            var options = new PeerAidOptions();
            return new PeerAid(options with
            {
                Inner = settings.Apply(options.Inner),
                Distillation = settings.Apply(options.Distillation),
                Consistency = settings.Apply(options.Consistency),
            });
        }),
    ];

    // Applied from left to right.
    private static readonly Suffix[] Suffixes =
    [
        new("igdm", [nameof(ObjectiveSettings.IgdmWeight)], NeedsAdversarialImages: true,
            (host, settings) => new Igdm(host, new() { Weight = settings.IgdmWeight ?? new IgdmOptions().Weight })),
        new("awp", [], NeedsAdversarialImages: false, (host, _) => new AdversarialWeightPerturbation(host)),
    ];

    /// <summary>The names; some methods have other names besides.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(entry => entry.Names[0])];

    /// <summary>The method of that name.</summary>
    /// <param name="name">
    /// natural, at (also adversarial-training, pgd-at), trades, kd (distillation), ard (ard-official), ard-corrected, free, fast-ard,
    /// fgsm-rs, n-fgsm, mart, mtard, rslad, iad, adaad, adaiad or peeraid, in any case. Each but peeraid may be followed by +awp
    /// (<see cref="AdversarialWeightPerturbation"/>), and those that find adversarial images by +igdm (<see cref="Igdm"/>): adaad+igdm.
    /// </param>
    /// <param name="settings">
    /// What differs from the method's defaults. A threat model is accepted by all methods, also by those that train on clean images only.
    /// </param>
    /// <exception cref="ArgumentException">There is no such method, or a setting is not one of its, or is wrong.</exception>
    public static Objective ByName(string name, ObjectiveSettings? settings = null)
    {
        settings ??= new ObjectiveSettings();
        var (entry, suffixes) = Find(name);
        string[] takes = [.. entry.Takes, .. suffixes.SelectMany(suffix => suffix.Takes)];
        var faults = settings.Set().Where(setting => !takes.Contains(setting))
            .Select(setting => $"{setting} is set, and the method {entry.Names[0]} has none").ToList();
        faults.AddRange(suffixes.Where(suffix => suffix.NeedsAdversarialImages && entry.Names[0] is "natural" or "kd")
            .Select(suffix => $"the method {entry.Names[0]} finds no adversarial images, which +{suffix.Name} needs"));
        OptionFaults.Throw(nameof(ObjectiveSettings), faults);
        return suffixes.Aggregate(entry.Create(settings), (host, suffix) => suffix.Around(host, settings));
    }

    /// <summary>
    /// Those of the settings that the method takes, the others left out: for settings that several methods share, as on a command line.
    /// </summary>
    /// <param name="name">As in <see cref="ByName"/>.</param>
    /// <param name="settings">Any settings.</param>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public static ObjectiveSettings Fitting(string name, ObjectiveSettings settings)
    {
        var (entry, suffixes) = Find(name);
        return settings.Only([.. entry.Takes, .. suffixes.SelectMany(suffix => suffix.Takes)]);
    }

    private static (Entry Entry, Suffix[] Suffixes) Find(string name)
    {
        var parts = name.ToLowerInvariant().Split('+', StringSplitOptions.TrimEntries);
        var entry = Array.Find(Entries, entry => entry.Names.Contains(parts[0]));
        var suffixes = parts[1..].SelectMany(part => Suffixes.Where(suffix => suffix.Name == part)).ToArray();
        if (entry is null || suffixes.Length < parts.Length - 1)
            throw new ArgumentException(
                $"There is no method '{name}': expected {string.Join(", ", Names)}, "
                + $"then {string.Join(" or ", Suffixes.Select(suffix => "+" + suffix.Name))} or nothing.");
        return (entry, suffixes);
    }

    private static FastAdversarialTraining Fast(FastAdversarialTrainingOptions preset, ObjectiveSettings settings) =>
        new(preset with { Threat = settings.Threat ?? preset.Threat });

    private static AdversariallyRobustDistillation Ard(ArdOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });

    private static Rslad Rslad(RsladOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });

    private static Iad Iad(IadOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });

    private static AdaAd AdaAd(AdaAdOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });

    private static AdaIad AdaIad(AdaIadOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });
}
