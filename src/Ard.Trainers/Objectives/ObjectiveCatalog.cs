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

    /// <summary>The share of a distillation's loss beside the cross-entropy.</summary>
    public double? Alpha { get; init; }

    /// <summary>The weight of the divergence in TRADES.</summary>
    public double? Beta { get; init; }

    internal InnerMaximisation Apply(InnerMaximisation inner)
    {
        var threat = Threat ?? inner.Threat;
        var ratio = threat.Norm == inner.Threat.Norm && inner.Threat.Epsilon > 0 ? inner.StepSize / inner.Threat.Epsilon : 0.25;
        var stepSize = StepSize ?? (Threat is null ? inner.StepSize : ratio * threat.Epsilon);
        return inner with { Threat = threat, Steps = Steps ?? inner.Steps, StepSize = stepSize };
    }

    internal DistillationTerm Apply(DistillationTerm term) => term with { Temperature = Temperature ?? term.Temperature };
}

/// <summary>Training methods by the names that options and command lines use.</summary>
public static class ObjectiveCatalog
{
    private sealed record Entry(string[] Names, string[] Takes, Func<ObjectiveSettings, Objective> Create);

    private static readonly string[] Inner =
        [nameof(ObjectiveSettings.Threat), nameof(ObjectiveSettings.Steps), nameof(ObjectiveSettings.StepSize)];
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
    ];

    // What may follow any method's name after a plus sign: a method around the method. Applied from left to right.
    private static readonly Dictionary<string, Func<Objective, ObjectiveSettings, Objective>> Suffixes = new()
    {
        ["awp"] = (host, _) => new AdversarialWeightPerturbation(host),
    };

    /// <summary>The names; some methods have other names besides.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Entries.Select(entry => entry.Names[0])];

    /// <summary>The method of that name.</summary>
    /// <param name="name">
    /// natural, at (also adversarial-training, pgd-at), trades, kd (distillation), ard (ard-official) or ard-corrected, in any case; each
    /// may be followed by +awp (<see cref="AdversarialWeightPerturbation"/>).
    /// </param>
    /// <param name="settings">
    /// What differs from the method's defaults. A threat model is accepted by all methods, also by those that train on clean images only.
    /// </param>
    /// <exception cref="ArgumentException">There is no such method, or a setting is not one of its, or is wrong.</exception>
    public static Objective ByName(string name, ObjectiveSettings? settings = null)
    {
        settings ??= new ObjectiveSettings();
        var parts = name.ToLowerInvariant().Split('+', StringSplitOptions.TrimEntries);
        var entry = Array.Find(Entries, entry => entry.Names.Contains(parts[0]));
        if (entry is null || !parts[1..].All(Suffixes.ContainsKey))
            throw new ArgumentException(
                $"There is no method '{name}': expected {string.Join(", ", Names)}, "
                + $"then {string.Join(" and ", Suffixes.Keys.Select(suffix => "+" + suffix))} or nothing.", nameof(name));
        var set = new (string Name, object? Value)[]
        {
            (nameof(settings.Threat), settings.Threat), (nameof(settings.Steps), settings.Steps),
            (nameof(settings.StepSize), settings.StepSize),
            (nameof(settings.Temperature), settings.Temperature), (nameof(settings.Alpha), settings.Alpha),
            (nameof(settings.Beta), settings.Beta),
        };
        OptionFaults.Throw(nameof(ObjectiveSettings),
            [.. set.Where(setting => setting.Value is not null && !entry.Takes.Contains(setting.Name))
            .Select(setting => $"{setting.Name} is set, and the method {entry.Names[0]} has none")]);
        return parts[1..].Aggregate(entry.Create(settings), (host, suffix) => Suffixes[suffix](host, settings));
    }

    private static AdversariallyRobustDistillation Ard(ArdOptions preset, ObjectiveSettings settings) => new(preset with
    {
        Inner = settings.Apply(preset.Inner),
        Distillation = settings.Apply(preset.Distillation),
        Alpha = settings.Alpha ?? preset.Alpha,
    });
}
