namespace Ard.Trainers.Objectives;

/// <summary>Collects the faults of an options record into one message.</summary>
internal static class OptionFaults
{
    public static void Throw(string record, IReadOnlyList<string> faults)
    {
        if (faults.Count > 0) throw new ArgumentException($"{record}: {string.Join("; ", faults)}.");
    }

    public static T Checked<T>(T options, Action<T> validate)
    {
        validate(options);
        return options;
    }

    public static IEnumerable<string> Share(string name, double value)
    {
        if (!(value is >= 0 and <= 1)) yield return $"{name} is {value}, expected a number from 0 to 1";
    }

    public static IEnumerable<string> NotNegative(string name, double value)
    {
        if (!(double.IsFinite(value) && value >= 0)) yield return $"{name} is {value}, expected a finite number that is not negative";
    }
}
