namespace Ard.Trainers.Attacks;

internal sealed class AttackSequence : Attack
{
    private readonly Func<Norm, IReadOnlyList<Attack>> attacks;

    public AttackSequence(string name, IReadOnlyList<Attack> attacks, int batchSize = 250)
        : this(name, _ => attacks, [.. Enum.GetValues<Norm>().Where(norm => attacks.All(attack => attack.Norms.Contains(norm)))], batchSize)
    {
        var faults = new List<string>();
        if (attacks.Count == 0) faults.Add("there is no attack, expected one or more");
        foreach (var twice in attacks.GroupBy(attack => attack.Name).Where(group => group.Count() > 1))
            faults.Add($"the attack '{twice.Key}' is named twice");
        if (Norms.Count == 0) faults.Add("there is no norm that all attacks can do");
        if (batchSize < 1) faults.Add($"batchSize is {batchSize}, expected 1 or more");
        if (faults.Count > 0) throw new ArgumentException($"{name}: {string.Join("; ", faults)}.");
    }

    /// <summary>A published sequence, which may be another one in each norm.</summary>
    internal AttackSequence(string name, Func<Norm, IReadOnlyList<Attack>> attacks, IReadOnlyList<Norm> norms, int batchSize = 250) =>
        (Name, Norms, BatchSize, this.attacks) = (name, norms, batchSize, attacks);

    internal AttackSequence Of(string name, Func<Attack, Attack> other) =>
        new(name, norm => [.. attacks(norm).Select(other)], Norms, BatchSize);

    public override string Name { get; }
    public override IReadOnlyList<Norm> Norms { get; }

    public override string Description =>
        $"{Name} ({string.Join("; ", Norms.SelectMany(attacks).Select(attack => attack.Description).Distinct())})";

    internal override int Samples => Norms.SelectMany(attacks).Max(attack => attack.Samples);
    private protected override int BatchSize { get; }
    internal override string Details(ThreatModel threat) => string.Join(", ", Parts(threat.Norm).Select(part => part.Name));
    public override IReadOnlyList<Attack> Parts(Norm norm) => [.. attacks(norm).SelectMany(attack => attack.Parts(norm))];

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Run(target.Model, images, labels, threat, noise, largestLabel: -1, cancellation: target.Cancellation).Points;
}

/// <summary>
/// The sequences of AutoAttack (Croce and Hein, ICML 2020). With two or three classes, where the reference implementation ends with an
/// error, the ratio of logits is replaced by the margin and there are fewer targets; a flag of the report says so.
/// </summary>
public static class AutoAttack
{
    private static readonly ApgdOptions TargetedApgd = new() { Loss = ApgdLoss.TargetedDlr };
    private static readonly FabOptions UntargetedFab = new() { StopWithinBudget = true };
    private static readonly FabOptions TargetedFab = UntargetedFab with { Targeted = true };

    /// <summary>
    /// The standard version, <c>autoattack</c>: APGD-CE, APGD-T and FAB-T with 9 targets, Square with 5000 queries. L1: APGD-CE with 5
    /// restarts, APGD-T with 5 targets, both with larger radii first.
    /// </summary>
    public static Attack Standard { get; } = new AttackSequence(
        "autoattack",
        norm =>
        [
            new Apgd(norm == Norm.L1 ? new() { Restarts = 5, LargerRadii = true } : new()),
            new Apgd(norm == Norm.L1 ? TargetedApgd with { Targets = 5, LargerRadii = true } : TargetedApgd),
            new Fab(TargetedFab),
            new Square(),
        ],
        [Norm.Linf, Norm.L2, Norm.L1]);

    /// <summary>For Linf and L2: APGD-CE, APGD-DLR, FAB with 5 restarts, Square with 5000 queries, APGD-T, FAB-T with 9 targets.</summary>
    public static Attack Plus { get; } = new AttackSequence(
        "autoattack-plus",
        _ =>
        [
            new Apgd(new() { Restarts = 5 }),
            new Apgd(new() { Loss = ApgdLoss.Dlr, Restarts = 5 }),
            new Fab(UntargetedFab with { Restarts = 5 }),
            new Square(),
            new Apgd(TargetedApgd),
            new Fab(TargetedFab),
        ],
        [Norm.Linf, Norm.L2]);

    /// <summary>For networks whose output is random: APGD-CE and APGD-DLR with 20 passes for each gradient and each judgement.</summary>
    public static Attack Rand { get; } = new AttackSequence(
        "autoattack-rand",
        _ => [new Eot(new Apgd(), 20), new Eot(new Apgd(new() { Loss = ApgdLoss.Dlr }), 20)],
        [Norm.Linf, Norm.L2, Norm.L1]);
}
