namespace Ard.Trainers.Reports;

/// <summary>A linear axis with ticks at round numbers, 1, 2 or 5 times a power of ten apart.</summary>
internal sealed record Axis(double Low, double High, double Step)
{
    // What is closer together than this cannot be told apart by ticks.
    private const double Smallest = 1e-100;

    public static Axis Percent { get; } = new(0, 100, 25);

    public IEnumerable<double> Ticks
    {
        get
        {
            // Counted, not added up, so that rounding does not lose the last.
            var first = Math.Ceiling(Low / Step - 1e-9);
            for (var i = 0; (first + i) * Step <= High + 1e-9 * Step; i++) yield return (first + i) * Step;
        }
    }

    /// <summary>An axis that begins and ends at ticks and has all the values, and zero.</summary>
    public static Axis FromZero(IReadOnlyCollection<double> values)
    {
        var (low, high) = (Math.Min(0, values.DefaultIfEmpty(0).Min()), Math.Max(0, values.DefaultIfEmpty(0).Max()));
        if (!(high - low is > Smallest and < double.PositiveInfinity)) (low, high) = (0, 1);
        var step = RoundStep((high - low) / 5);
        return new Axis(Math.Floor(low / step + 1e-9) * step, Math.Ceiling(high / step - 1e-9) * step, step);
    }

    /// <summary>An axis from the lowest to the highest of some finite values; its smallest step is 1 for what is counted.</summary>
    public static Axis Between(IReadOnlyCollection<double> values, double smallestStep = 0)
    {
        var (low, high) = (values.DefaultIfEmpty(0).Min(), values.DefaultIfEmpty(0).Max());
        var size = Math.Max(Math.Abs(low), Math.Abs(high));
        if (high - low > Math.Max(Smallest, 1e-6 * size)) return new Axis(low, high, Math.Max(smallestStep, RoundStep((high - low) / 6)));
        // One value, as good as: it lies in the middle.
        var around = Math.Max(0.5, 1e-3 * size);
        return new Axis(low - around, high + around, RoundStep(2 * around));
    }

    /// <summary>Where a value lies between <paramref name="from"/>, the beginning, and <paramref name="to"/>.</summary>
    public double Place(double value, double from, double to) => from + (value - Low) / (High - Low) * (to - from);

    /// <summary>A tick's text, with as many decimals as the step needs.</summary>
    public string Text(double tick)
    {
        var largest = Math.Max(Math.Abs(Low), Math.Abs(High));
        if (largest >= 1e6 || Step < 1e-5) return tick.ToString("0.##E+0", CultureInfo.InvariantCulture);
        var decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(Step) + 1e-9));
        return tick.ToString($"F{decimals}", CultureInfo.InvariantCulture);
    }

    private static double RoundStep(double least)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * (least / power) switch { <= 1 + 1e-9 => 1, <= 2 + 1e-9 => 2, <= 5 + 1e-9 => 5, _ => 10 };
    }
}
