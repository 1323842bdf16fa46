using TorchSharp.Modules;

namespace Ard.Trainers.Training;

/// <summary>An optimizer and its settings.</summary>
public abstract record OptimizerSpec
{
    /// <summary>The base learning rate, which the <see cref="Schedule"/> starts from.</summary>
    public abstract double LearningRate { get; init; }

    /// <summary>The decay of the weights.</summary>
    public abstract double WeightDecay { get; init; }

    /// <summary>The optimizer itself, for these parameters.</summary>
    protected internal abstract OptimizerHelper Create(IEnumerable<Parameter> parameters);

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    public virtual IEnumerable<string> Faults()
    {
        if (!(double.IsFinite(LearningRate) && LearningRate > 0))
            yield return $"LearningRate is {LearningRate}, expected a positive finite number";
        if (!(double.IsFinite(WeightDecay) && WeightDecay >= 0))
            yield return $"WeightDecay is {WeightDecay}, expected a finite number from 0";
    }
}

/// <summary>Stochastic gradient descent. The defaults are those of the released code of ARD.</summary>
public sealed record SgdOptimizer : OptimizerSpec
{
    /// <inheritdoc/>
    public override double LearningRate { get; init; } = 0.1;

    /// <summary>The share of the last step that is taken again. Default 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Added to the gradient, times the weight. Default 2e-4.</summary>
    public override double WeightDecay { get; init; } = 2e-4;

    /// <summary>Whether the momentum is Nesterov's. Default false.</summary>
    public bool Nesterov { get; init; }

    /// <inheritdoc/>
    protected internal override OptimizerHelper Create(IEnumerable<Parameter> parameters) => new HeldSgd(parameters, this);

    /// <inheritdoc/>
    public override IEnumerable<string> Faults()
    {
        foreach (var fault in base.Faults()) yield return fault;
        if (!(Momentum >= 0 && Momentum < 1)) yield return $"Momentum is {Momentum}, expected 0 or more and less than 1";
        if (Nesterov && Momentum == 0) yield return "Nesterov is set and Momentum is 0, expected a positive momentum";
    }
}

/// <summary>Adam (Kingma and Ba, ICLR 2015), or AdamW (Loshchilov and Hutter, ICLR 2019) with <see cref="Decoupled"/>.</summary>
public sealed record AdamOptimizer : OptimizerSpec
{
    /// <inheritdoc/>
    public override double LearningRate { get; init; } = 1e-3;

    /// <summary>The decay of the mean of the gradients. Default 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>The decay of the mean of their squares. Default 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root in the denominator. Default 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Added to the gradient times the weight, or taken from the weight itself if <see cref="Decoupled"/>. Default 0.</summary>
    public override double WeightDecay { get; init; }

    /// <summary>Whether the weights decay apart from the gradient: AdamW. Default false.</summary>
    public bool Decoupled { get; init; }

    /// <inheritdoc/>
    protected internal override OptimizerHelper Create(IEnumerable<Parameter> parameters) =>
        Decoupled ? new HeldAdamW(parameters, this) : new HeldAdam(parameters, this);

    /// <inheritdoc/>
    public override IEnumerable<string> Faults()
    {
        foreach (var fault in base.Faults()) yield return fault;
        if (!(Beta1 >= 0 && Beta1 < 1)) yield return $"Beta1 is {Beta1}, expected 0 or more and less than 1";
        if (!(Beta2 >= 0 && Beta2 < 1)) yield return $"Beta2 is {Beta2}, expected 0 or more and less than 1";
        if (!(double.IsFinite(Epsilon) && Epsilon > 0)) yield return $"Epsilon is {Epsilon}, expected a positive finite number";
    }
}
