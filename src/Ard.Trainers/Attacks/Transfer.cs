namespace Ard.Trainers.Attacks;

/// <summary>
/// Transfer (Szegedy et al., ICLR 2014; Papernot, McDaniel and Goodfellow, 2016): points that an attack finds on the surrogate, a network
/// of one's own. The network in question is not asked at all: where this breaks more points than the same attack directly, its gradients
/// are masked. Points are returned whether or not either network gets them wrong.
/// </summary>
/// <param name="attack">Finds the points; they carry over better with <see cref="KeptPoint.Worst"/>.</param>
/// <param name="surrogate">Images [N,...] to logits [N,classes], where and as the network in question is; left as it was found.</param>
/// <param name="source">A name for the surrogate, if there are several. Default null.</param>
internal sealed class Transfer(Attack attack, Module<Tensor, Tensor> surrogate, string? source = null) : Attack
{
    public override AttackKind Kind => AttackKind.Transferred;

    /// <summary><c>transfer(pgd-20)</c>, or <c>transfer(pgd-20, teacher)</c> with a name for the surrogate.</summary>
    public override string Name { get; } = source is null ? $"transfer({attack.Name})" : $"transfer({attack.Name}, {source})";

    public override string Description => $"{Name}: {Inner.Description} on {TensorDigest.Compute(surrogate)}";
    internal Attack Inner { get; } = attack;
    internal Module<Tensor, Tensor> Surrogate => surrogate;
    public override IReadOnlyList<Norm> Norms => Inner.Norms;
    internal override Attack WithoutEarlyStop => new Transfer(Inner.WithoutEarlyStop, surrogate, source);

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        Inner.Perturb(surrogate, images, labels, threat, noise, target.Cancellation);
}
