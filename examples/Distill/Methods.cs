using Ard.Trainers.Objectives;

namespace Ard.Examples.Distill;

/// <summary>Training methods by name, all with the settings of one command line, as far as a method has them.</summary>
internal sealed record Methods(ObjectiveSettings Settings)
{
    private static readonly Dictionary<string, string> Titles = new()
    {
        ["natural"] = "natural training",
        ["at"] = "adversarial training",
        ["kd"] = "clean distillation",
        ["ard-corrected"] = "ARD (corrected)",
        ["fast-ard"] = "Fast-ARD",
        ["free"] = "free adversarial training",
        ["fgsm-rs"] = "FGSM-RS",
        ["adaad"] = "AdaAD",
        ["adaiad"] = "AdaIAD",
        ["saad"] = "SAAD",
        ["peeraid"] = "PeerAiD",
        ["fast"] = "one step",
    };

    /// <summary>The name as it was given, if there is such a method.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists those that there are.</exception>
    public static string Checked(string name)
    {
        ObjectiveCatalog.ByName(name);
        return name;
    }

    /// <summary>The name as it was given, if there is such a method and it needs no teacher.</summary>
    /// <exception cref="ArgumentException">There is none, or it needs one.</exception>
    public static string WithoutTeacher(string name) => ObjectiveCatalog.ByName(name).NeedsTeacher
        ? throw new ArgumentException("expected a method that needs no teacher, such as at, trades or natural")
        : name;

    /// <summary>For people: RSLAD + IGDM.</summary>
    public static string Title(string name) => string.Join(
        " + ", name.Split('+').Select(part => Titles.GetValueOrDefault(part, part.ToUpperInvariant())));

    /// <summary>The method.</summary>
    public Objective Create(string name) => ObjectiveCatalog.ByName(name, ObjectiveCatalog.Applicable(name, Settings));
}
