using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Training;

/// <summary>
/// A mean of the weights that the training passes through. The mean is what is validated and what the training results in; the training
/// itself goes on with its own weights. Until the first weights are taken, and in what a checkpoint says of the student, they are its own.
/// </summary>
public abstract record WeightAveraging
{
    private protected WeightAveraging() { }

    /// <summary>
    /// The exponential moving average of the weights after every step, running statistics included: Σ_i d^(t-i) w_i / Σ_i d^(t-i) over the
    /// steps i = 1 to t. The denominator takes out the bias to the first weights (as in Adam: Kingma and Ba, ICLR 2015, section 3), so that
    /// the average is of use in a short training too; after some 5/(1-d) steps it is the plain recursion d · average + (1-d) · w.
    /// </summary>
    /// <param name="decay">d, from 0 and below 1. Default 0.999: an average over about the last thousand steps.</param>
    public static WeightAveraging Exponential(double decay = 0.999) => new ExponentialAveraging { Decay = decay };

    /// <summary>
    /// Stochastic weight averaging (Izmailov et al., UAI 2018): the plain mean of the weights late in the training. The running statistics
    /// of batch normalisation are computed for the mean weights by a pass over the training images, as they are and in batches of the
    /// training's size, in which auxiliary images have their share, each batch counting by its images; that pass is made for each
    /// validation and for the result. Against robust overfitting: Chen et al., ICLR 2021. A network that has batch normalisation of another
    /// kind than TorchSharp's layers keeps the averaged statistics.
    /// </summary>
    /// <param name="fromEpoch">The first epoch, from 1, that counts. Default null: the one after three quarters of all.</param>
    /// <param name="everySteps">Take the weights after every so many steps. Default null: at the end of each epoch.</param>
    public static WeightAveraging Stochastic(int? fromEpoch = null, int? everySteps = null) =>
        new StochasticWeightAveraging { FromEpoch = fromEpoch, EverySteps = everySteps };

    /// <summary>Whether the weights are taken into the mean after so many steps since the start of the training, from 1.</summary>
    internal abstract bool Takes(long steps, int stepsPerEpoch, int epochs);

    /// <summary>The share in the mean that the newest weights get, where they are the <paramref name="count"/>th, from 1.</summary>
    internal abstract double Share(long count);

    /// <summary>Whether batch normalisation's running statistics are computed anew for the mean weights, rather than averaged.</summary>
    internal abstract bool RecomputesStatistics { get; }
}

internal sealed record ExponentialAveraging : WeightAveraging
{
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Decay { get; init; } = 0.999;

    internal override bool RecomputesStatistics => false;

    internal override bool Takes(long steps, int stepsPerEpoch, int epochs) => true;

    internal override double Share(long count) => (1 - Decay) / (1 - Math.Pow(Decay, count));
}

internal sealed record StochasticWeightAveraging : WeightAveraging
{
    [Range(1, int.MaxValue)]
    public int? FromEpoch { get; init; }

    [Range(1, int.MaxValue)]
    public int? EverySteps { get; init; }

    internal override bool RecomputesStatistics => true;

    internal override bool Takes(long steps, int stepsPerEpoch, int epochs) =>
        steps > ((FromEpoch ?? epochs * 3 / 4 + 1) - 1L) * stepsPerEpoch && steps % (EverySteps ?? stepsPerEpoch) == 0;

    internal override double Share(long count) => 1.0 / count;
}
