namespace Ard.Trainers.Objectives;

/// <summary>What the settings of the methods with an attack have in common.</summary>
public abstract record AdversarialOptions
{
    private protected AdversarialOptions(InnerMaximisation inner) => Inner = inner;

    /// <summary>The attack on each training batch. Default: as the method says.</summary>
    public InnerMaximisation Inner { get; init; }
}

/// <summary>What the settings of the methods with an attack and a share of distillation have in common.</summary>
public abstract record AdversarialDistillationOptions : AdversarialOptions
{
    private protected AdversarialDistillationOptions(InnerMaximisation inner, DistillationTerm distillation, double alpha = 1)
        : base(inner) => (Distillation, Alpha) = (distillation, alpha);

    /// <summary>The distillation loss, of all terms that distil. Default: as the method says.</summary>
    public DistillationTerm Distillation { get; init; }

    /// <summary>alpha, the share of the adversarial images' distillation; the rest is the clean loss. Default 1, of RSLAD 5/6.</summary>
    [Range(0.0, 1.0)]
    public double Alpha { get; init; }
}

/// <summary>A method whose attack is among its settings.</summary>
internal abstract class AdversarialObjective<TOptions>(TOptions? options) : Objective<TOptions>(options)
    where TOptions : AdversarialOptions, new()
{
    public override ThreatModel? Threat => Options.Inner.Threat;
}
