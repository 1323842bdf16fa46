namespace Ard.Trainers.Reports;

/// <summary>Numbers and names as a page writes them.</summary>
internal static class Text
{
    /// <summary>Such as 63.4 %; a dash where there is no number.</summary>
    public static string Percent(double share) =>
        double.IsFinite(share) ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %") : "–";

    /// <summary>Such as 59.2 to 67.4 %.</summary>
    public static string Percent(ConfidenceInterval interval) => double.IsFinite(interval.Low)
        ? string.Create(CultureInfo.InvariantCulture, $"{100 * interval.Low:F1} to {100 * interval.High:F1} %")
        : "–";

    /// <summary>Such as 1,000.</summary>
    public static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>Such as 900 of 1,000.</summary>
    public static string Of(long count, long all) => $"{Number(count)} of {Number(all)}";

    /// <summary>Such as 1 image or 1,000 images.</summary>
    public static string Count(long count, string what) => $"{Number(count)} {what}{(count == 1 ? "" : "s")}";

    /// <summary>Such as 8/255 in Linf, where it is a multiple of 1/255, else 0.1.</summary>
    public static string Epsilon(ThreatModel threat)
    {
        var steps = threat.Epsilon * 255;
        return threat.Norm == Norm.Linf && steps > 0 && Math.Abs(steps - Math.Round(steps)) < 1e-6
            ? string.Create(CultureInfo.InvariantCulture, $"{steps:F0}/255")
            : threat.Epsilon.ToString("G4", CultureInfo.InvariantCulture);
    }

    public static string Threat(ThreatModel threat) => threat.Norm switch
    {
        Norm.Linf => $"every value of an image may change by up to {Epsilon(threat)} (Linf, values from 0 to 1)",
        Norm.L2 => $"an image may move by up to {Epsilon(threat)} in Euclidean distance (L2, values from 0 to 1)",
        _ => $"the changes of an image's values may add up to {Epsilon(threat)} (L1, values from 0 to 1)",
    };

    public static string Attack(string name) => name switch
    {
        "worst-case" => "worst case",
        "fgsm" => "FGSM",
        "autoattack" => "AutoAttack",
        _ when name.StartsWith("pgd-", StringComparison.Ordinal) => "PGD" + name[3..],
        _ => name,
    };
}
