using static TorchSharp.torch;

namespace Ard.Trainers.Attacks;

/// <summary>
/// A sequence of attacks, each on the images that the network still gets right after those before it (Croce and Hein, Reliable evaluation
/// of adversarial robustness, ICML 2020). Each attack gets the same noise as if it were run alone. Returned is the misclassified point that
/// was found first, or the clean image where none was. The images that are left after an attack are put into full batches again for the
/// next one, which on a GPU is quicker than batch by batch: give it many at a time.
/// </summary>
public sealed class AutoAttack : Attack
{
    private readonly Func<Norm, IReadOnlyList<Attack>> attacks;
    private readonly Func<Norm, string?>? lacks;
    private readonly int batchSize;

    /// <summary>A sequence of your own.</summary>
    /// <param name="name">Its name for tables.</param>
    /// <param name="attacks">The attacks in their order, each of another name. Its norms are those that all of them can do.</param>
    /// <param name="batchSize">How many images an attack gets at a time. Default 250, as in the reference implementation.</param>
    /// <exception cref="ArgumentException">The settings are not as described; the message names every fault.</exception>
    public AutoAttack(string name, IReadOnlyList<Attack> attacks, int batchSize = 250)
        : this(name, _ => attacks, CommonNorms(attacks), batchSize: batchSize)
    {
        var faults = new List<string>();
        if (attacks.Count == 0) faults.Add("there is no attack, expected one or more");
        foreach (var twice in attacks.GroupBy(attack => attack.Name).Where(group => group.Count() > 1))
            faults.Add($"the attack '{twice.Key}' is named twice");
        if (batchSize < 1) faults.Add($"batchSize is {batchSize}, expected 1 or more");
        if (faults.Count > 0) throw new ArgumentException($"{name}: {string.Join("; ", faults)}.");
    }

    private AutoAttack(
        string name, Func<Norm, IReadOnlyList<Attack>> attacks, IReadOnlyList<Norm> norms, Func<Norm, string?>? lacks = null,
        int batchSize = 250)
    {
        Name = name;
        this.lacks = lacks;
        this.attacks = attacks;
        Norms = norms;
        this.batchSize = batchSize;
    }

    /// <summary>
    /// The standard version, <c>autoattack</c>. Linf and L2: APGD-CE, APGD-T and FAB-T with 9 targets, Square with 5000 queries. L1:
    /// APGD-CE with 5 restarts, APGD-T with 5 targets, both with larger radii first; without the FAB-T and Square of the reference
    /// implementation, which are not there for L1 (a flag of the report says so). Needs 4 classes or more.
    /// </summary>
    public static AutoAttack Standard { get; } = new(
        "autoattack",
        norm => norm == Norm.L1
            ?
            [
                new Apgd(new ApgdOptions { Restarts = 5, LargerRadii = true }),
                new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr, Targets = 5, LargerRadii = true }),
            ]
            :
            [
                new Apgd(),
                new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr }),
                new Fab(new FabOptions { Targeted = true, StopWithinBudget = true }),
                new Square(),
            ],
        [Norm.Linf, Norm.L2, Norm.L1],
        norm => norm == Norm.L1 ? "the FAB-T and Square of the reference implementation" : null);

    /// <summary>
    /// The version with more restarts, <c>autoattack-plus</c>, for Linf and L2: APGD-CE, APGD-DLR and FAB with 5 restarts, Square with 5000
    /// queries, APGD-T and FAB-T with 9 targets. Needs 4 classes or more.
    /// </summary>
    public static AutoAttack Plus { get; } = new(
        "autoattack-plus",
        _ =>
        [
            new Apgd(new ApgdOptions { Restarts = 5 }),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr, Restarts = 5 }),
            new Fab(new FabOptions { Restarts = 5, StopWithinBudget = true }),
            new Square(),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.TargetedDlr }),
            new Fab(new FabOptions { Targeted = true, StopWithinBudget = true }),
        ],
        [Norm.Linf, Norm.L2]);

    /// <summary>
    /// The version for networks whose output is random, <c>autoattack-rand</c>: APGD-CE and APGD-DLR, each gradient a mean of 20 samples,
    /// each point judged by 20 passes (<see cref="ApgdOptions.Samples"/>). Needs 3 classes or more.
    /// </summary>
    public static AutoAttack Rand { get; } = new(
        "autoattack-rand",
        _ =>
        [
            new Apgd(new ApgdOptions { Samples = 20 }),
            new Apgd(new ApgdOptions { Loss = ApgdLoss.Dlr, Samples = 20 }),
        ],
        [Norm.Linf, Norm.L2, Norm.L1]);

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<Norm> Norms { get; }

    internal override int Samples => Norms.SelectMany(attacks).Max(attack => attack.Samples);

    /// <inheritdoc/>
    public override int Targets => Norms.SelectMany(attacks).Max(attack => attack.Targets);

    /// <inheritdoc/>
    public override string Description =>
        $"{Name} ({string.Join("; ", Norms.SelectMany(attacks).Select(attack => attack.Description).Distinct())})";

    /// <inheritdoc/>
    public override string Details(ThreatModel threat) => string.Join(", ", Parts(threat.Norm).Select(part => part.Name));

    /// <inheritdoc/>
    public override string? Lacks(Norm norm) => lacks?.Invoke(norm);

    /// <summary>The attacks in their order.</summary>
    /// <param name="norm">The norm of the threat model.</param>
    public override IReadOnlyList<Attack> Parts(Norm norm) => attacks(norm);

    /// <inheritdoc/>
    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Sequence(target, images, labels, threat, noise).Points;

    private protected override (Tensor Points, bool[] WasRight, string?[] BrokenBy) Sequence(
        AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Sequence(target, images, labels, threat, noise, batchSize);

    private static Norm[] CommonNorms(IReadOnlyList<Attack> attacks) =>
        [.. Enum.GetValues<Norm>().Where(norm => attacks.All(attack => attack.Norms.Contains(norm)))];
}
