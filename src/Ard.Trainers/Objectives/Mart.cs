namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Mart"/>: <see cref="InnerMaximisation.Adaptive"/>, Linf 0.031, steps 0.007, cross-entropy.</summary>
public sealed record MartOptions() : AdversarialOptions(
    InnerMaximisation.Adaptive with { Threat = ThreatModel.Linf(0.031), StepSize = 0.007, Loss = InnerLoss.CrossEntropy })
{
    /// <summary>lambda, the weight of the divergence. Default 5.</summary>
    [Range(0, double.MaxValue)]
    public double Lambda { get; init; } = 5;
}

/// <summary>
/// Misclassification aware adversarial training (Wang et al., ICLR 2020): BCE(S(x'), y) + lambda · mean(KL(S(x') ‖ S(x)) · (1 - p_y(x))),
/// where p are the student's probabilities and BCE is the boosted cross-entropy -log p_y(x') - log(1.0001 - max_{k≠y} p_k(x')), a mean over
/// the batch. Gradients flow through all of it, also through the clean prediction and the factor 1 - p_y(x), as in the released code.
/// </summary>
/// <remarks>The released code adds 1e-12 to probabilities before the logarithm; here log-softmax needs none.</remarks>
internal sealed class Mart(MartOptions? options = null) : AdversarialObjective<MartOptions>(options)
{
    // Bounds the margin term by 9.2 where a wrong class has all of the probability; the released code's figure.
    private const double AboveOne = 1.0001;

    public override string Name => "mart";

    // The margin is to the strongest wrong class: of a mixture of two there is none.
    public override bool TakesSoftLabels => false;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var clean = batch.Student.call(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        var label = batch.Labels.unsqueeze(1);

        var isLabel = Arange(attacked.shape[1], dtype: ScalarType.Int64, device: attacked.device).eq(label);
        var strongestWrong = attacked.softmax(1).MaskedFill(isLabel, 0).amax(1);
        var boosted = batch.CrossEntropy(attacked) - AboveOne.Minus(strongestWrong).log().mean();

        var uncertainty = 1.Minus(clean.softmax(1).gather(1, label).squeeze(1));
        var divergence = KlDivergence.OfEach(attacked, clean);
        return boosted.Plus((divergence * uncertainty).mean().Times(Options.Lambda));
    }
}
