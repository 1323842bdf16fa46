namespace Ard.Trainers.Attacks;

/// <summary>
/// Expectation over transformation (Athalye et al., ICML 2018), for networks whose output is random: an attack that sees the mean of
/// several passes. Its gradients are means of as many gradients, and a point counts as misclassified when the mean of the probabilities
/// says so, for the attack and for the result.
/// </summary>
/// <remarks>
/// An attack that would stop at its first misclassified point goes on and returns the worst, since a point may be misclassified by chance.
/// Attacks that take gradients of several logits at one point (DeepFool, FAB, the choice of MALT's targets) take them of the mean.
/// </remarks>
/// <param name="attack">The attack.</param>
/// <param name="samples">The number of passes.</param>
internal sealed class Eot(Attack attack, int samples) : Attack
{
    public override string Name { get; } = NameOf(attack.Name, samples);
    public override IReadOnlyList<Norm> Norms => attack.Norms;
    public override AttackKind Kind => attack.Kind;
    public override string Description => $"{Name} of {attack.Description}";
    internal override int Targets => attack.Targets;
    internal override int FewestClasses => attack.FewestClasses;
    internal override int Samples => samples;
    internal override Attack WithoutEarlyStop => new Eot(attack.WithoutEarlyStop, samples);

    internal override string Details(ThreatModel threat) =>
        $"{attack.Details(threat)}{(attack.Details(threat) == "" ? "" : "; ")}means of {samples} passes";

    public static string NameOf(string attack, int samples) => $"{attack}+eot-{samples}";

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise) =>
        SearchBy(attack, target, images, labels, threat, noise);
}
