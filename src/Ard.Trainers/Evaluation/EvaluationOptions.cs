using Ard.Trainers.Attacks;

namespace Ard.Trainers.Evaluation;

/// <summary>The settings of a <see cref="RobustnessEvaluator"/>.</summary>
public sealed record EvaluationOptions
{
    /// <summary>What the adversary may do. Default Linf, 8/255.</summary>
    public ThreatModel Threat { get; init; } = ThreatModel.Cifar10;

    /// <summary>
    /// The attacks, by name, such as <c>pgd-1000</c>, <c>mi-fgsm-20</c>, <c>cw-30</c> or <c>deepfool</c>: see
    /// <see cref="AttackCatalog.ByName"/>. Default FGSM and PGD-20.
    /// </summary>
    public IReadOnlyList<string> Attacks { get; init; } = ["fgsm", "pgd-20"];

    /// <summary>Attacks of your own, run after those named; also <see cref="Transfer"/>, which needs a network.</summary>
    public IReadOnlyList<Attack> MoreAttacks { get; init; } = [];

    /// <summary>
    /// How many images go through the network at a time. Default 250. It does not change which random numbers a point gets.
    /// </summary>
    public int BatchSize { get; init; } = 250;

    /// <summary>The seed of all random starts. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public void Validate()
    {
        var faults = new List<string>();
        if (BatchSize < 1) faults.Add($"BatchSize is {BatchSize}, expected 1 or more");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in Attacks)
        {
            try
            {
                Add(AttackCatalog.ByName(name).Name);
            }
            catch (ArgumentException fault)
            {
                faults.Add(fault.Message);
            }
        }
        foreach (var attack in MoreAttacks) Add(attack.Name);
        if (faults.Count > 0) throw new ArgumentException($"{nameof(EvaluationOptions)}: {string.Join("; ", faults)}.");

        void Add(string name)
        {
            if (!names.Add(name)) faults.Add($"the attack '{name}' is named twice");
        }
    }

    internal IReadOnlyList<Attack> AllAttacks() => [.. Attacks.Select(AttackCatalog.ByName), .. MoreAttacks];
}
