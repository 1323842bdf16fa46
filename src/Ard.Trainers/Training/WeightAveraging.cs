namespace Ard.Trainers.Training;

/// <summary>
/// A mean of the weights that the training passes through. The mean is what is validated and what the training results in; the training
/// itself goes on with its own weights. Until the first weights are taken, and in what a checkpoint says of the student, they are its own.
/// </summary>
public abstract record WeightAveraging
{
    private protected WeightAveraging() { }

    /// <summary>
    /// The exponential moving average of weights and running statistics after every step: Σ_i d^(t-i) w_i / Σ_i d^(t-i) over the steps 1 to
    /// t. The denominator takes out the bias to the first weights (as in Adam), so that it is of use in a short training too.
    /// </summary>
    /// <param name="decay">d, from 0 and below 1. Default 0.999: an average over about the last thousand steps.</param>
    public static WeightAveraging Exponential(double decay = 0.999) => new ExponentialAveraging(decay);

    /// <summary>
    /// Stochastic weight averaging (Izmailov et al., UAI 2018; against robust overfitting Chen et al., ICLR 2021): the plain mean of the
    /// weights late in the training. Running statistics of TorchSharp's batch normalisation are computed for it by a pass over the training
    /// images as they are, auxiliary ones with their share, for each validation and for the result; others are averaged.
    /// </summary>
    /// <param name="fromEpoch">The first epoch, from 1, that counts. Default null: the one after three quarters of all.</param>
    /// <param name="everySteps">Take the weights after every so many steps. Default null: at the end of each epoch.</param>
    public static WeightAveraging Stochastic(int? fromEpoch = null, int? everySteps = null) =>
        new StochasticWeightAveraging(fromEpoch, everySteps);

    /// <summary>Whether the weights are taken into the mean after so many steps since the start of the training, from 1.</summary>
    internal abstract bool Takes(long steps, int stepsPerEpoch, int epochs);

    /// <summary>The share in the mean that the newest weights get, where they are the <paramref name="count"/>th, from 1.</summary>
    internal abstract double Share(long count);

    /// <summary>Whether batch normalisation's running statistics are computed anew for the mean weights, rather than averaged.</summary>
    internal abstract bool RecomputesStatistics { get; }
}

internal sealed record ExponentialAveraging([property: Range(0.0, 1.0, MaximumIsExclusive = true)] double Decay = 0.999) : WeightAveraging
{
    internal override bool RecomputesStatistics => false;

    internal override bool Takes(long steps, int stepsPerEpoch, int epochs) => true;
    internal override double Share(long count) => (1 - Decay) / (1 - Math.Pow(Decay, count));
}

internal sealed record StochasticWeightAveraging(
    [property: Range(1, int.MaxValue)] int? FromEpoch = null, [property: Range(1, int.MaxValue)] int? EverySteps = null) : WeightAveraging
{
    internal override bool RecomputesStatistics => true;

    internal override bool Takes(long steps, int stepsPerEpoch, int epochs) =>
        steps > ((FromEpoch ?? epochs * 3 / 4 + 1) - 1L) * stepsPerEpoch && steps % (EverySteps ?? stepsPerEpoch) == 0;

    internal override double Share(long count) => 1.0 / count;
}
