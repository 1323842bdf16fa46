using System.Reflection;
using System.Runtime.CompilerServices;

namespace Ard.Trainers.Objectives;

/// <summary>Training methods by the names that options and command lines use.</summary>
public static class ObjectiveCatalog
{
    private const string Igdm = "igdm", Fewer = "fast";

    // The first name is the one shown.
    private static readonly (string[] Names, Func<Choice, Objective> Create)[] Methods =
    [
        (["natural"], _ => new Natural()),
        (["at", "adversarial-training", "pgd-at"], set => new AdversarialTraining(set.Attack(new AdversarialTrainingOptions()))),
        (["trades"], set => new Trades(Change(set.Attack(new TradesOptions()), own => own with { Beta = set.Beta(own.Beta) }))),
        (["kd", "distillation"], set => new Distillation(Change(
            new DistillationOptions(), own => own with { Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha) }))),
        (["ard", "ard-official"], set => new AdversariallyRobustDistillation(set.Distillation(new ArdOptions()))),
        (["ard-corrected"], set => new AdversariallyRobustDistillation(set.Distillation(ArdOptions.Corrected))),
        (["free"], set => new FreeAdversarialTraining(new() { Free = set.Free(new()) })),
        (["fast-ard"], set => new FastArd(Change(new FastArdOptions(), own => own with
        {
            Free = set.Free(own.Free), Distillation = set.Term(own.Distillation), Alpha = set.Alpha(own.Alpha),
        }))),
        (["fgsm-rs"], set => new AdversarialTraining(new() { Inner = set.Budget(InnerMaximisation.FgsmRs) })),
        (["n-fgsm"], set => new AdversarialTraining(new() { Inner = set.Budget(new InnerMaximisation().Fast()) })),
        (["mart"], set => new Mart(Change(set.Attack(new MartOptions()), own => own with { Lambda = set.Beta(own.Lambda) }))),
        (["mtard"], set => new Mtard(Change(
            set.Attack(new MtardOptions()), own => own with { Distillation = set.Term(own.Distillation) }))),
        (["rslad"], set => new Rslad(set.Distillation(new RsladOptions()))),
        (["iad"], set => new Iad(set.Distillation(new IadOptions()))),
        (["adaad"], set => new AdaAd(set.Distillation(new AdaAdOptions()))),
        (["adaiad"], set => new AdaIad(set.Distillation(new AdaIadOptions()))),
        (["saad"], set => new Saad(Change(set.Attack(new SaadOptions()), own => own with { IgdmWeight = set.IgdmWeight(own.IgdmWeight) }))),
        (["peeraid"], set => new PeerAid(Change(
            set.Attack(new PeerAidOptions()),
            own => own with { Distillation = set.Term(own.Distillation), Consistency = set.Term(own.Consistency) }))),
    ];

    // What may follow a method's name after a plus sign: a method around the method, applied from left to right; or another attack in it.
    private static readonly (string Name, Func<Objective, Choice, Objective> Around)[] Suffixes =
    [
        (Igdm, (host, set) => new Igdm(host, new() { Weight = set.IgdmWeight(new IgdmOptions().Weight) })),
        ("awp", (host, _) => new AdversarialWeightPerturbation(host)),
        (Fewer, (host, _) => host),
    ];

    /// <summary>The names; some methods have other names besides.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Methods.Select(method => method.Names[0])];

    /// <summary>The method of that name.</summary>
    /// <param name="name">
    /// One of <see cref="Names"/>, in any case; also adversarial-training and pgd-at (at), distillation (kd), ard-official (ard). Behind it
    /// may stand +awp (<see cref="AdversarialWeightPerturbation"/>; not peeraid), +igdm (<see cref="Objectives.Igdm"/>, where there are
    /// adversarial images) and +fast (<see cref="InnerMaximisation.Fast"/>, in place of several steps): adaad+fast+igdm.
    /// </param>
    /// <param name="settings">What differs from the method's defaults. Each takes a threat model, also for clean images only.</param>
    /// <exception cref="ArgumentException">There is no such method, or a setting is not one of its, or is wrong.</exception>
    public static Objective ByName(string name, ObjectiveSettings? settings = null)
    {
        settings ??= new();
        var objective = Create(name, settings, out var taken);
        string[] faults = [.. settings.Given.Except(taken).Select(setting => $"{setting} is set, and the method {name} has none")];
        return faults.Length == 0 ? objective : throw new ArgumentException($"{nameof(ObjectiveSettings)}: {string.Join("; ", faults)}.");
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
        var (names, create) = Array.Find(Methods, method => method.Names.Contains(parts[0]));
        var suffixes = parts[1..].SelectMany(part => Suffixes.Where(suffix => suffix.Name == part)).ToArray();
        if (create is null || suffixes.Length < parts.Length - 1)
            throw new ArgumentException(
                $"There is no method '{name}': expected {string.Join(", ", Names)}, "
                + $"then {string.Join(" or ", Suffixes.Select(suffix => "+" + suffix.Name))} or nothing.");
        var fast = suffixes.Any(suffix => suffix.Name == Fewer);
        var choice = new Choice(settings, fast);
        var objective = create(choice);
        if (fast && !choice.Attacks)
            throw new ArgumentException($"The method {names[0]} has no attack of several steps, which +{Fewer} needs.");
        if (objective is Natural or Distillation && suffixes.Any(suffix => suffix.Name == Igdm))
            throw new ArgumentException($"The method {names[0]} finds no adversarial images, which +{Igdm} needs.");
        objective = suffixes.Aggregate(objective, (host, suffix) => suffix.Around(host, choice));
        taken = choice.Taken;
        return objective;
    }

    private static T Change<T>(T own, Func<T, T> change) => change(own);

    /// <summary>Settings in place of a method's own. It notes which of them the method takes.</summary>
    private sealed class Choice(ObjectiveSettings settings, bool fast)
    {
        private readonly HashSet<string> taken = [nameof(ObjectiveSettings.Threat)];

        public IReadOnlyCollection<string> Taken => taken;

        /// <summary>Whether the method has an attack of several steps of its own.</summary>
        public bool Attacks { get; private set; }

        public double Alpha(double own) => Take(settings.Alpha) ?? own;
        public double Beta(double own) => Take(settings.Beta) ?? own;
        public double IgdmWeight(double own) => Take(settings.IgdmWeight) ?? own;
        public DistillationTerm Term(DistillationTerm own) => own with { Temperature = Take(settings.Temperature) ?? own.Temperature };

        public FreePerturbation Free(FreePerturbation own) =>
            own with { Threat = settings.Threat ?? own.Threat, Replays = Take(settings.Replays) ?? own.Replays };

        public T Attack<T>(T own) where T : AdversarialOptions => own with { Inner = Inner(own.Inner) };

        public T Distillation<T>(T own) where T : AdversarialDistillationOptions =>
            Attack(own) with { Distillation = Term(own.Distillation), Alpha = Alpha(own.Alpha) };

        private InnerMaximisation Inner(InnerMaximisation own)
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

    internal IEnumerable<string> Given =>
        Properties.Where(property => property.GetValue(this) is not null).Select(property => property.Name);

    internal ObjectiveSettings Only(IEnumerable<string> names)
    {
        var kept = this with { };
        foreach (var property in Properties.ExceptBy(names, property => property.Name)) property.SetValue(kept, null);
        return kept;
    }
}
