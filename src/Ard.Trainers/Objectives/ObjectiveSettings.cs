using System.Reflection;
using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>What the methods have in common that one may want to set by name. What is null has the method's own default.</summary>
public sealed record ObjectiveSettings
{
    private static readonly PropertyInfo[] Properties = typeof(ObjectiveSettings).GetProperties();

    /// <summary>The threat model that the method trains against.</summary>
    public ThreatModel? Threat { get; init; }

    /// <summary>The steps of the inner maximisation.</summary>
    public int? Steps { get; init; }

    /// <summary>
    /// The length of a step, in units of [0,1] images. Where only <see cref="Threat"/> is set, it keeps the method's ratio to epsilon, such
    /// as 2/255 to 8/255.
    /// </summary>
    public double? StepSize { get; init; }

    /// <summary>The temperature of a distillation.</summary>
    public double? Temperature { get; init; }

    /// <summary>
    /// The share of a distillation's loss beside the cross-entropy; for RSLAD and AdaAD that of the adversarial images beside the clean
    /// ones.
    /// </summary>
    public double? Alpha { get; init; }

    /// <summary>The weight of the divergence in TRADES; in MART, whose paper calls it lambda.</summary>
    public double? Beta { get; init; }

    /// <summary>How often the methods of free adversarial training train on a batch in a row.</summary>
    public int? Replays { get; init; }

    /// <summary>The weight of the term that +igdm behind a method's name adds (<see cref="Igdm"/>), and of the same term in SAAD.</summary>
    public double? IgdmWeight { get; init; }

    /// <summary>
    /// The settings, with <see cref="ThreatModel.Default"/> for the images where no threat model is set. The trainers of ML.NET and the
    /// command line take it.
    /// </summary>
    /// <param name="channels">The images' channels.</param>
    internal ObjectiveSettings For(int channels) => this with { Threat = Threat ?? ThreatModel.Default(channels) };

    /// <summary>The names of the settings that are not null.</summary>
    internal IEnumerable<string> Given =>
        Properties.Where(property => property.GetValue(this) is not null).Select(property => property.Name);

    /// <summary>The settings of these names; the others null.</summary>
    internal ObjectiveSettings Only(IEnumerable<string> names)
    {
        var kept = this with { };
        foreach (var property in Properties.ExceptBy(names, property => property.Name)) property.SetValue(kept, null);
        return kept;
    }
}
