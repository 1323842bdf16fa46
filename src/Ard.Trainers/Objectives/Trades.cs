namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Trades"/>: <see cref="InnerMaximisation.Adaptive"/>, Linf 0.031, steps 0.007, KL to S(x).</summary>
public sealed record TradesOptions() : AdversarialOptions(
    InnerMaximisation.Adaptive with { Threat = ThreatModel.Linf(0.031), StepSize = 0.007, Loss = InnerLoss.DivergenceFromOwnClean })
{
    /// <summary>beta, the weight of the divergence. Default 6.</summary>
    [Range(0, double.MaxValue)]
    public double Beta { get; init; } = 6;

    /// <summary>Whether the released code's second pass of clean images, for running statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;
}

/// <summary>
/// TRADES (Zhang et al., ICML 2019): CE(S(x), y) + beta KL(S(x') ‖ S(x)), means over the batch. The gradient flows through both sides of
/// the divergence; detaching the clean one costs about four points.
/// </summary>
internal sealed class Trades(TradesOptions? options = null) : AdversarialObjective<TradesOptions>(options)
{
    public override string Name => "trades";

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var clean = batch.Student.call(batch.Images);
        var attacked = batch.Report(batch.Student.call(adversarial));
        if (Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
        return batch.CrossEntropy(clean).Plus(KlDivergence.Between(attacked, clean).Times(Options.Beta));
    }
}
