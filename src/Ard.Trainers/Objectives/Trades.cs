using Ard.Trainers.Attacks;
using static TorchSharp.torch;

namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Trades"/>; the defaults are those of the released code.</summary>
public sealed record TradesOptions
{
    /// <summary>
    /// The inner maximisation. Default Linf 0.031, 10 steps of 0.007 from 0.001 · N(0,1) around the image, KL to the student's own clean
    /// prediction, student in eval mode.
    /// </summary>
    public InnerMaximisation Inner { get; init; } = new()
    {
        Threat = ThreatModel.Linf(0.031),
        StepSize = 0.007,
        Start = Start.Gaussian(0.001),
        Mode = AttackMode.Eval,
        Loss = InnerLoss.DivergenceFromOwnClean,
    };

    /// <summary>beta, the weight of the divergence. Default 6.</summary>
    public double Beta { get; init; } = 6;

    /// <summary>
    /// Whether the clean images go through the student once more after the adversarial ones, as in the released code, where a pass of its
    /// own serves as the target. It gives the same logits as the first, so here it runs without a graph and only moves the running
    /// statistics, which it draws towards the clean images. Default true.
    /// </summary>
    public bool SecondCleanPass { get; init; } = true;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public void Validate() =>
        OptionFaults.Throw(nameof(TradesOptions), [.. Inner.Faults(), .. OptionFaults.NotNegative(nameof(Beta), Beta)]);
}

/// <summary>
/// TRADES (Zhang et al., ICML 2019): CE(S(x), y) + beta KL(S(x') ‖ S(x)), means over the batch. The gradient flows through both sides of
/// the divergence; detaching the clean one costs about four points.
/// </summary>
/// <param name="options">The settings.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
internal sealed class Trades(TradesOptions? options = null) : Objective
{
    /// <summary>The settings.</summary>
    public TradesOptions Options { get; } = OptionFaults.Checked(options ?? new(), static o => o.Validate());

    /// <inheritdoc/>
    public override string Name => "trades";

    /// <inheritdoc/>
    public override string Description => $"{Name} {Options}";

    /// <inheritdoc/>
    public override ThreatModel? Threat => Options.Inner.Threat;

    /// <inheritdoc/>
    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var clean = batch.Student.call(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.SecondCleanPass) batch.MoveStatistics(batch.Images);
        return batch.CrossEntropy(clean).Plus(KlDivergence.Between(attacked, clean).Times(Options.Beta));
    }
}
