namespace Ard.Trainers.Objectives;

internal sealed record IgdmOptions
{
    [Range(0, double.MaxValue)]
    public double Weight { get; init; } = 1;
}

/// <summary>
/// Indirect gradient matching (Lee, Cho and Kim, ICLR 2025), a term beside any method that finds adversarial images x + d: host + alpha
/// (e/E) KL(S(x+d) - S(x-d) ‖ T(x+d) - T(x-d)), where e counts the epochs from 1. The differences of logits stand for the input gradients
/// along d, and the divergence is between their softmaxes at temperature 1, a mean over the batch. d is the host's perturbation and stays
/// fixed; x - d is not clamped to [0,1]; the student is in train mode, the teacher's side has no gradient. As in the released code for
/// AdaAD, x + d goes through the student once more for this term, then x - d; here both come after the host's own passes.
/// </summary>
internal sealed class Igdm(Objective host, IgdmOptions? options = null)
    : HostedObjective<IgdmOptions>(host ?? throw new ArgumentNullException(nameof(host)), options)
{
    public override string Name => Host.Name + "+igdm";
    public override bool NeedsTeacher => true;

    /// <exception cref="InvalidOperationException">The host has found no adversarial images.</exception>
    public override Tensor Loss(TrainingBatch batch)
    {
        var loss = Host.Loss(batch);
        var adversarial = batch.Adversarial ?? throw new InvalidOperationException($"{Name}: {Host.Name} finds no adversarial images.");
        // Without the graph that free adversarial training has there.
        var plus = adversarial.detach();
        var minus = batch.Images.Times(2) - plus;
        var teacher = batch.AskTeacher(plus) - batch.AskTeacher(minus);
        var student = batch.Student.call(plus) - batch.Student.call(minus);
        return loss.Plus(KlDivergence.Between(student, teacher).Times(Options.Weight * (batch.Epoch + 1) / batch.Epochs));
    }
}
