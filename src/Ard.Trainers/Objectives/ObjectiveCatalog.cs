using System.Reflection;
using System.Runtime.CompilerServices;
using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>Training methods by the names that options and command lines use.</summary>
public static class ObjectiveCatalog
{
    private const string Igdm = "igdm", Fewer = "fast";

    // The first name is the one shown.
    private static readonly Entry[] Entries =
    [
        Method(["natural"], 0, (none, _) => none, _ => new Natural()),
        Method(["at", "adversarial-training", "pgd-at"], new AdversarialTrainingOptions(),
            (own, set) => own with { Inner = set.Inner(own.Inner) }, options => new AdversarialTraining(options)),
        Method(["trades"], new TradesOptions(),
            (own, set) => own with { Inner = set.Inner(own.Inner), Beta = set.Beta(own.Beta) }, options => new Trades(options)),
        Method(["kd", "distillation"], new DistillationOptions(),
            (own, set) => own with { Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha) },
            options => new Distillation(options)),
        Ard(["ard", "ard-official"], new()),
        Ard(["ard-corrected"], ArdOptions.Corrected),
        Method(["free"], new FreeAdversarialTrainingOptions(),
            (own, set) => own with { Free = set.Free(own.Free) }, options => new FreeAdversarialTraining(options)),
        Method(["fast-ard"], new FastArdOptions(),
            (own, set) => own with { Free = set.Free(own.Free), Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha) },
            options => new FastArd(options)),
        Fast("fgsm-rs", InnerMaximisation.FgsmRs),
        Fast("n-fgsm", new InnerMaximisation().Fast()),
        Method(["mart"], new MartOptions(),
            (own, set) => own with { Inner = set.Inner(own.Inner), Lambda = set.Beta(own.Lambda) }, options => new Mart(options)),
        Method(["mtard"], new MtardOptions(),
            (own, set) => own with { Inner = set.Inner(own.Inner), Distillation = set.Term(own.Distillation) },
            options => new Mtard(options)),
        Method(["rslad"], new RsladOptions(),
            (own, set) => own with
            {
                Inner = set.Inner(own.Inner), Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha),
            },
            options => new Rslad(options)),
        Introspective("iad", Iad.Defaults, options => new Iad(options)),
        Method(["adaad"], new AdaAdOptions(),
            (own, set) => own with
            {
                Inner = set.Inner(own.Inner), Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha),
            },
            options => new AdaAd(options)),
        Introspective("adaiad", AdaIad.Defaults, options => new AdaIad(options)),
        Method(["saad"], new SaadOptions(),
            (own, set) => own with { Inner = set.Inner(own.Inner), IgdmWeight = set.IgdmWeight(own.IgdmWeight) },
            options => new Saad(options)),
        Method(["peeraid"], new PeerAidOptions(),
            (own, set) => own with
            {
                Inner = set.Inner(own.Inner), Distillation = set.Term(own.Distillation), Consistency = set.Term(own.Consistency),
            },
            options => new PeerAid(options)),
    ];

    // What may follow a method's name after a plus sign: a method around the method, applied from left to right; or another attack in it.
    private static readonly (string Name, Func<Objective, Choice, Objective> Around)[] Suffixes =
    [
        (Igdm, (host, set) => new Igdm(host, new() { Weight = set.IgdmWeight(new IgdmOptions().Weight) })),
        ("awp", (host, _) => new AdversarialWeightPerturbation(host)),
        (Fewer, (host, _) => host),
    ];

    /// <summary>The names; some methods have other names besides.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(entry => entry.Names[0])];

    /// <summary>The method of that name.</summary>
    /// <param name="name">
    /// One of <see cref="Names"/>, in any case; also adversarial-training and pgd-at (at), distillation (kd), ard-official (ard). Each but
    /// peeraid may be followed by +awp (<see cref="AdversarialWeightPerturbation"/>), those that find adversarial images by +igdm
    /// (<see cref="Objectives.Igdm"/>), and those that take several steps for it by +fast (<see cref="InnerMaximisation.Fast"/>, one
    /// step; there is none to set then): adaad+fast+igdm.
    /// </param>
    /// <param name="settings">What differs from the method's defaults. Each takes a threat model, also for clean images only.</param>
    /// <exception cref="ArgumentException">There is no such method, or a setting is not one of its, or is wrong.</exception>
    public static Objective ByName(string name, ObjectiveSettings? settings = null)
    {
        settings ??= new();
        var objective = Create(name, settings, out var taken);
        string[] faults = [.. settings.Given.Except(taken).Select(setting => $"{setting} is set, and the method {name} has none")];
        return faults.Length == 0
            ? objective
            : throw new ArgumentException($"{nameof(ObjectiveSettings)}: {string.Join("; ", faults)}.");
    }

    /// <summary>The settings that the method takes, without the others: of settings for several methods, as on a command line.</summary>
    /// <param name="name">As in <see cref="ByName"/>.</param>
    /// <param name="settings">Any settings.</param>
    /// <exception cref="ArgumentException">There is no such method.</exception>
    public static ObjectiveSettings Applicable(string name, ObjectiveSettings settings)
    {
        Create(name, new(), out var taken);
        return settings.Only(taken);
    }

    private static Objective Create(string name, ObjectiveSettings settings, out IReadOnlyCollection<string> taken)
    {
        var parts = name.ToLowerInvariant().Split('+', StringSplitOptions.TrimEntries);
        var entry = Array.Find(Entries, entry => entry.Names.Contains(parts[0]));
        var suffixes = parts[1..].SelectMany(part => Suffixes.Where(suffix => suffix.Name == part)).ToArray();
        if (entry is null || suffixes.Length < parts.Length - 1)
            throw new ArgumentException(
                $"There is no method '{name}': expected {string.Join(", ", Names)}, "
                + $"then {string.Join(" or ", Suffixes.Select(suffix => "+" + suffix.Name))} or nothing.");
        var fast = suffixes.Any(suffix => suffix.Name == Fewer);
        var choice = new Choice(settings, fast);
        var objective = entry.Create(choice);
        if (fast && !choice.Attacks)
            throw new ArgumentException($"The method {entry.Names[0]} has no attack of several steps, which +{Fewer} needs.");
        if (objective is Natural or Distillation && suffixes.Any(suffix => suffix.Name == Igdm))
            throw new ArgumentException($"The method {entry.Names[0]} finds no adversarial images, which +{Igdm} needs.");
        objective = suffixes.Aggregate(objective, (host, suffix) => suffix.Around(host, choice));
        taken = choice.Taken;
        return objective;
    }

    private static Entry Method<T>(string[] names, T own, Func<T, Choice, T> choose, Func<T, Objective> create) =>
        new(names, set => create(choose(own, set)));

    private static Entry Ard(string[] names, ArdOptions preset) => Method(
        names, preset,
        (own, set) => own with { Inner = set.Inner(own.Inner), Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha) },
        options => new AdversariallyRobustDistillation(options));

    private static Entry Introspective(string name, IadOptions defaults, Func<IadOptions, Objective> create) => Method(
        [name], defaults,
        (own, set) => own with { Inner = set.Inner(own.Inner!), Distillation = set.Term(own.Distillation!), Alpha = set.Alpha(own.Alpha) },
        create);

    private static Entry Fast(string name, InnerMaximisation attack) => Method(
        [name], attack, (own, set) => set.Budget(own), attack => new AdversarialTraining(new() { Inner = attack }));

    private sealed record Entry(string[] Names, Func<Choice, Objective> Create);

    /// <summary>Settings in place of a method's own. It notes which of them the method takes.</summary>
    private sealed class Choice(ObjectiveSettings settings, bool fast)
    {
        private readonly HashSet<string> taken = [nameof(ObjectiveSettings.Threat)];

        public IReadOnlyCollection<string> Taken => taken;

        /// <summary>Whether the method has an attack of several steps of its own.</summary>
        public bool Attacks { get; private set; }

        public ThreatModel Threat(ThreatModel own) => settings.Threat ?? own;
        public double Alpha(double own) => Take(settings.Alpha) ?? own;
        public double Beta(double own) => Take(settings.Beta) ?? own;
        public double IgdmWeight(double own) => Take(settings.IgdmWeight) ?? own;
        public DistillationTerm Term(DistillationTerm own) => own with { Temperature = Take(settings.Temperature) ?? own.Temperature };

        public FreePerturbation Free(FreePerturbation own) =>
            own with { Threat = Threat(own.Threat), Replays = Take(settings.Replays) ?? own.Replays };

        public InnerMaximisation Inner(InnerMaximisation own)
        {
            Attacks = true;
            if (fast) return Budget(own.Fast());
            var attack = Budget(own);
            return attack with { Steps = Take(settings.Steps) ?? own.Steps, StepSize = Take(settings.StepSize) ?? attack.StepSize };
        }

        // The steps keep their ratio to epsilon. In another norm many small ones get the usual one; a single one reaches as far as before.
        public InnerMaximisation Budget(InnerMaximisation own)
        {
            if (settings.Threat is not { } threat) return own;
            var keep = own.Guard is not null || threat.Norm == own.Threat.Norm && own.Threat.Epsilon > 0;
            return own with { Threat = threat, StepSize = (keep ? own.StepSize / own.Threat.Epsilon : 0.25) * threat.Epsilon };
        }

        private T Take<T>(T value, [CallerArgumentExpression(nameof(value))] string expression = "")
        {
            taken.Add(expression[(expression.IndexOf('.', StringComparison.Ordinal) + 1)..]);
            return value;
        }
    }
}

/// <summary>What the methods have in common that one may want to set by name. What is null has the method's own default.</summary>
public sealed record ObjectiveSettings
{
    private static readonly PropertyInfo[] Properties = typeof(ObjectiveSettings).GetProperties();

    /// <summary>The threat model that the method trains against.</summary>
    public ThreatModel? Threat { get; init; }

    /// <summary>The steps of the inner maximisation.</summary>
    public int? Steps { get; init; }

    /// <summary>The length of a step, in [0,1] images. Where only <see cref="Threat"/> is set, its ratio to epsilon stays.</summary>
    public double? StepSize { get; init; }

    /// <summary>The temperature of a distillation.</summary>
    public double? Temperature { get; init; }

    /// <summary>The share of the distillation beside the cross-entropy; in RSLAD and AdaAD of the adversarial beside the clean.</summary>
    public double? Alpha { get; init; }

    /// <summary>The weight of the divergence in TRADES; in MART, whose paper calls it lambda.</summary>
    public double? Beta { get; init; }

    /// <summary>How often the methods of free adversarial training train on a batch in a row.</summary>
    public int? Replays { get; init; }

    /// <summary>The weight of the term that +igdm behind a method's name adds (<see cref="Igdm"/>), and of the same term in SAAD.</summary>
    public double? IgdmWeight { get; init; }

    /// <summary>The settings, with <see cref="ThreatModel.Default"/> for images of so many channels where no threat model is set.</summary>
    internal ObjectiveSettings For(int channels) => this with { Threat = Threat ?? ThreatModel.Default(channels) };

    /// <summary>The names of the settings that are not null.</summary>
    internal IEnumerable<string> Given =>
        Properties.Where(property => property.GetValue(this) is not null).Select(property => property.Name);

    /// <summary>The settings of these names; the others null.</summary>
    internal ObjectiveSettings Only(IEnumerable<string> names)
    {
        var kept = this with { };
        foreach (var property in Properties.ExceptBy(names, property => property.Name)) property.SetValue(kept, null);
        return kept;
    }
}
