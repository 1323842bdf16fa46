namespace Ard.Trainers.Attacks;

/// <summary>See <see cref="Attack.Sequence"/>.</summary>
internal sealed class AttackSequence : Attack
{
    private readonly Func<Norm, IReadOnlyList<Attack>> attacks;

    public AttackSequence(string name, IReadOnlyList<Attack> attacks, int batchSize = 250)
        : this(
            name, _ => attacks, [.. Enum.GetValues<Norm>().Where(norm => attacks.All(attack => attack.Norms.Contains(norm)))], batchSize)
    {
        var faults = new List<string>();
        if (attacks.Count == 0) faults.Add("there is no attack, expected one or more");
        foreach (var twice in attacks.GroupBy(attack => attack.Name).Where(group => group.Count() > 1))
            faults.Add($"the attack '{twice.Key}' is named twice");
        if (batchSize < 1) faults.Add($"batchSize is {batchSize}, expected 1 or more");
        if (faults.Count > 0) throw new ArgumentException($"{name}: {string.Join("; ", faults)}.");
    }

    /// <summary>A published sequence, which may be another one in each norm.</summary>
    internal AttackSequence(string name, Func<Norm, IReadOnlyList<Attack>> attacks, IReadOnlyList<Norm> norms, int batchSize = 250) =>
        (Name, Norms, BatchSize, this.attacks) = (name, norms, batchSize, attacks);

    /// <summary>The same sequence, with another attack in place of each.</summary>
    internal AttackSequence Of(string name, Func<Attack, Attack> other) =>
        new(name, norm => [.. attacks(norm).Select(other)], Norms, BatchSize);

    public override string Name { get; }

    public override IReadOnlyList<Norm> Norms { get; }

    public override string Description =>
        $"{Name} ({string.Join("; ", Norms.SelectMany(attacks).Select(attack => attack.Description).Distinct())})";

    internal override int Samples => Norms.SelectMany(attacks).Max(attack => attack.Samples);

    internal override int Targets => Norms.SelectMany(attacks).Max(attack => attack.Targets);

    private protected override int BatchSize { get; }

    public override string Details(ThreatModel threat) => string.Join(", ", Parts(threat.Norm).Select(part => part.Name));

    public override IReadOnlyList<Attack> Parts(Norm norm) => [.. attacks(norm).SelectMany(attack => attack.Parts(norm))];

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Run(target.Model, images, labels, threat, noise, largestLabel: -1).Points;
}
