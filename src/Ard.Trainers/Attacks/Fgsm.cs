namespace Ard.Trainers.Attacks;

/// <summary>
/// The fast gradient sign method (Goodfellow, Shlens and Szegedy, ICLR 2015, section 4): one step of size epsilon from the clean image
/// along the steepest ascent of the cross-entropy: for Linf clamp(x + epsilon sign(gradient)). Draws no random number.
/// </summary>
internal sealed class Fgsm : Attack
{
    public override string Name => "fgsm";
    public override AttackKind Kind => AttackKind.OneStep;

    protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
    {
        var gradient = target.Gradient(points => AttackLosses.CrossEntropy(target.Logits(points), labels), images);
        return Attacks.Pgd.Step(images, gradient, images, threat, threat.Epsilon);
    }
}
