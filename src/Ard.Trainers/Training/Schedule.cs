namespace Ard.Trainers.Training;

/// <summary>The learning rate over a training: a pure function of the place in it, so that a resumed run has the same rates.</summary>
public abstract record Schedule
{
    private protected const double UsualGamma = 0.1;

    private protected Schedule() { }

    /// <summary>The base rate all the time.</summary>
    public static Schedule Constant { get; } = new ConstantSchedule();

    /// <summary>Half a cosine, step by step, from the base rate to the minimum after the last (Loshchilov and Hutter, ICLR 2017).</summary>
    /// <param name="minimum">The rate at the end, 0 or more.</param>
    public static Schedule Cosine(double minimum = 0) => new CosineSchedule(minimum);

    /// <summary>
    /// Half a cosine up to the base rate and another down to nearly nothing (Smith and Topin 2018). The defaults are those of PyTorch's
    /// OneCycleLR: up from base/25 during 30 % of the steps, down to base/250,000.
    /// </summary>
    /// <param name="risingShare">The share of the steps on which the rate rises, 0 to 1.</param>
    /// <param name="initialDivisor">What the base rate is divided by for the first step, 1 or more.</param>
    /// <param name="finalDivisor">What the first rate is divided by for the last step, 1 or more.</param>
    public static Schedule OneCycle(double risingShare = 0.3, double initialDivisor = 25, double finalDivisor = 10_000) =>
        new OneCycleSchedule(risingShare, initialDivisor, finalDivisor);

    /// <summary>The rate is multiplied by a factor when each of the milestones begins.</summary>
    /// <param name="milestones">Epochs, from 0, in rising order. The ARD paper: 100 and 150 of 200.</param>
    /// <param name="gamma">The factor at each milestone, above 0 and at most 1.</param>
    /// <param name="fromBaseRate">As in ARD's released code: each drop counts from the base rate, so only the first has an effect.</param>
    public static Schedule MultiStep(IReadOnlyList<int> milestones, double gamma = UsualGamma, bool fromBaseRate = false) =>
        new MultiStepSchedule(milestones, gamma, fromBaseRate);

    /// <summary>The rate is multiplied by a factor after each of the shares of the training: for trainings of any length.</summary>
    /// <param name="shares">Shares of all steps, from 0 to 1, in rising order. The ARD paper: 0.5 and 0.75.</param>
    /// <param name="gamma">The factor after each share, above 0 and at most 1.</param>
    public static Schedule MultiStepByShare(IReadOnlyList<double> shares, double gamma = UsualGamma) =>
        new RelativeMultiStepSchedule(shares, gamma);

    /// <summary>The names that <see cref="Parse"/> reads.</summary>
    public static IReadOnlyList<string> Names { get; } = ["constant", "multistep:E1,E2,…", "multistep:P1%,P2%,…", "cosine", "onecycle"];

    private protected static bool IsRising<T>(IReadOnlyList<T> values) where T : IComparable<T> =>
        values.Count > 0 && values.Zip(values.Skip(1)).All(pair => pair.First.CompareTo(pair.Second) < 0);

    private protected static string GammaText(double gamma) => gamma == UsualGamma ? "" : FormattableString.Invariant($" gamma {gamma}");

    /// <summary>The learning rate of one step.</summary>
    /// <param name="baseRate">The optimizer's learning rate; the largest that any schedule reaches.</param>
    /// <param name="step">The step, from 0, counted over all epochs.</param>
    /// <param name="stepsPerEpoch">Steps in an epoch.</param>
    /// <param name="epochs">Epochs in the training.</param>
    public abstract double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs);

    /// <summary>Reads constant, multistep:100,150 (epochs), multistep:50%,75% (of the training), cosine or onecycle.</summary>
    /// <exception cref="FormatException">It is none of these.</exception>
    public static Schedule Parse(string text)
    {
        switch (text.Trim().ToLowerInvariant().Split(':'))
        {
            case ["constant"]: return Constant;
            case ["cosine"]: return new CosineSchedule();
            case ["onecycle"]: return new OneCycleSchedule();
            case ["multistep", var list]:
                var items = list.Split(',');
                if (Numbers(items, NumberStyles.None) is { } epochs) return new MultiStepSchedule([.. epochs.Select(epoch => (int)epoch)]);
                if (items.All(item => item.EndsWith('%'))
                    && Numbers(items.Select(item => item[..^1]), NumberStyles.AllowDecimalPoint) is { } percent)
                    return new RelativeMultiStepSchedule([.. percent.Select(share => (double)(share / 100))]);
                break;
        }
        throw new FormatException($"Schedule '{text}': expected one of {string.Join(", ", Names)}.");

        static decimal[]? Numbers(IEnumerable<string> items, NumberStyles style)
        {
            var numbers = items.Select(item =>
                decimal.TryParse(item, style, CultureInfo.InvariantCulture, out var number) && number < int.MaxValue ? number : -1);
            return numbers.All(number => number >= 0) ? [.. numbers] : null;
        }
    }
}

internal sealed record ConstantSchedule : Schedule
{
    public override double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs) => baseRate;
    public override string ToString() => "constant";
}

internal sealed record MultiStepSchedule(
    IReadOnlyList<int> Milestones, [property: Range(0.0, 1.0, MinimumIsExclusive = true)] double Gamma = Schedule.UsualGamma,
    bool FromBaseRate = false) : Schedule, IValidatableObject
{
    public override double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs)
    {
        var epoch = step / stepsPerEpoch;
        var passed = Milestones.Count(milestone => milestone <= epoch);
        return baseRate * Math.Pow(Gamma, FromBaseRate ? Math.Min(1, passed) : passed);
    }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (!IsRising(Milestones) || Milestones[0] < 0)
            yield return new($"Milestones are [{string.Join(",", Milestones)}], expected one or more epochs from 0, rising");
    }

    public override string ToString() =>
        $"multistep:{string.Join(",", Milestones)}{GammaText(Gamma)}{(FromBaseRate ? " from base rate" : "")}";
}

internal sealed record RelativeMultiStepSchedule(
    IReadOnlyList<double> Shares, [property: Range(0.0, 1.0, MinimumIsExclusive = true)] double Gamma = Schedule.UsualGamma)
    : Schedule, IValidatableObject
{
    public override double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs) =>
        baseRate * Math.Pow(Gamma, Shares.Count(share => step >= share * stepsPerEpoch * epochs));

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (!IsRising(Shares) || !Shares.All(share => share is >= 0 and <= 1))
            yield return new($"Shares are [{Text(", ")}], expected one or more from 0 to 1, rising");
    }

    public override string ToString() => $"multistep:{Text(",")}{GammaText(Gamma)}";

    private string Text(string separator) =>
        string.Join(separator, Shares.Select(share => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.###}%")));
}

internal sealed record CosineSchedule([property: Range(0, double.MaxValue)] double Minimum = 0) : Schedule
{
    public override double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs) =>
        Anneal(baseRate, Minimum, (double)step / (stepsPerEpoch * epochs));

    public override string ToString() => Minimum == 0 ? "cosine" : FormattableString.Invariant($"cosine to {Minimum}");

    /// <summary>Half a cosine from <paramref name="from"/> at 0 to <paramref name="to"/> at 1.</summary>
    internal static double Anneal(double from, double to, double share) => to + (from - to) / 2 * (1 + Math.Cos(Math.PI * share));
}

internal sealed record OneCycleSchedule(
    [property: Range(0.0, 1.0)] double RisingShare = 0.3, [property: Range(1, double.MaxValue)] double InitialDivisor = 25,
    [property: Range(1, double.MaxValue)] double FinalDivisor = 10_000) : Schedule
{
    public override double LearningRate(double baseRate, long step, long stepsPerEpoch, int epochs)
    {
        var (first, last) = (baseRate / InitialDivisor, baseRate / InitialDivisor / FinalDivisor);
        var (end, peak) = (stepsPerEpoch * epochs - 1.0, RisingShare * stepsPerEpoch * epochs - 1);
        if (step < peak) return CosineSchedule.Anneal(first, baseRate, step / peak);
        peak = Math.Max(peak, 0);
        return CosineSchedule.Anneal(baseRate, last, end > peak ? (step - peak) / (end - peak) : 0);
    }

    public override string ToString() => this == new OneCycleSchedule()
        ? "onecycle"
        : FormattableString.Invariant($"onecycle rising {RisingShare} from 1/{InitialDivisor} to 1/{InitialDivisor * FinalDivisor}");
}
