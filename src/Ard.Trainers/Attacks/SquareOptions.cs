namespace Ard.Trainers.Attacks;

/// <summary>The settings of <see cref="Square"/>. The defaults are those of AutoAttack.</summary>
public sealed record SquareOptions
{
    /// <summary>How many changes are tried on each image in a restart, after the start. Default 5000.</summary>
    public int Queries { get; init; } = 5000;

    /// <summary>How often the attack is run, each time from another random start, on the points not yet broken. Default 1.</summary>
    public int Restarts { get; init; } = 1;

    /// <summary>
    /// The share p of the image that the first windows cover, above 0 and at most 1. It halves after 10, 50, 200, 500, 1000, 2000, 4000,
    /// 6000 and 8000 queries, whatever <see cref="Queries"/> is. Default 0.8.
    /// </summary>
    public double Share { get; init; } = 0.8;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public void Validate()
    {
        var faults = new List<string>();
        if (Queries < 1) faults.Add($"Queries is {Queries}, expected 1 or more");
        if (Restarts < 1) faults.Add($"Restarts is {Restarts}, expected 1 or more");
        if (!(Share is > 0 and <= 1)) faults.Add($"Share is {Share}, expected a number above 0 and at most 1");
        if (faults.Count > 0) throw new ArgumentException($"{nameof(SquareOptions)}: {string.Join("; ", faults)}.");
    }
}
