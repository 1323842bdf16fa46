using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>An optimizer and its settings.</summary>
public abstract record OptimizerSpec
{
    private protected OptimizerSpec(double learningRate, double weightDecay = 0) =>
        (LearningRate, WeightDecay) = (learningRate, weightDecay);

    /// <summary>The base learning rate, which the <see cref="Schedule"/> starts from. Default 0.1 of SGD, 1e-3 of Adam.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double LearningRate { get; init; }

    /// <summary>Added to the gradient, times the weight. Default 2e-4 in SGD, 0 in Adam.</summary>
    [Range(0, double.MaxValue)]
    public double WeightDecay { get; init; }

    internal abstract OptimizerHelper Create(IEnumerable<Parameter> parameters);
}

/// <summary>Stochastic gradient descent. The defaults are those of the released code of ARD.</summary>
public sealed record SgdOptimizer() : OptimizerSpec(learningRate: 0.1, weightDecay: 2e-4), IValidatableObject
{
    /// <summary>The share of the last step that is taken again. Default 0.9.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Momentum { get; init; } = 0.9;

    /// <summary>Whether the momentum is Nesterov's. Default false.</summary>
    public bool Nesterov { get; init; }

    internal override OptimizerHelper Create(IEnumerable<Parameter> parameters) => new HeldSgd(parameters, this);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Nesterov && Momentum == 0) yield return new("Nesterov is set and Momentum is 0, expected a positive momentum");
    }
}

/// <summary>Adam (Kingma and Ba, ICLR 2015), or AdamW (Loshchilov and Hutter, ICLR 2019) with <see cref="Decoupled"/>.</summary>
public sealed record AdamOptimizer() : OptimizerSpec(learningRate: 1e-3)
{
    /// <summary>The decay of the mean of the gradients. Default 0.9.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the mean of their squares. Default 0.999.</summary>
    [Range(0.0, 1.0, MaximumIsExclusive = true)]
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root in the denominator. Default 1e-8.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Whether the decay is taken from the weights themselves, apart from the gradient: AdamW. Default false.</summary>
    public bool Decoupled { get; init; }

    internal override OptimizerHelper Create(IEnumerable<Parameter> parameters) => new HeldAdam(parameters, this);
}
