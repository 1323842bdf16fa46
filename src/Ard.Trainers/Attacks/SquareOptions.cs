using System.ComponentModel.DataAnnotations;

namespace Ard.Trainers.Attacks;

/// <summary>The settings of <see cref="Square"/>. The defaults are those of AutoAttack.</summary>
public sealed record SquareOptions
{
    /// <summary>How many changes are tried on each image in a restart, after the start. Default 5000.</summary>
    [Range(1, int.MaxValue)]
    public int Queries { get; init; } = 5000;

    /// <summary>How often the attack is run, each time from another random start, on the points not yet broken. Default 1.</summary>
    [Range(1, int.MaxValue)]
    public int Restarts { get; init; } = 1;

    /// <summary>
    /// The share p of the image that the first windows cover, above 0 and at most 1. It halves after 10, 50, 200, 500, 1000, 2000, 4000,
    /// 6000 and 8000 queries, whatever <see cref="Queries"/> is. Default 0.8.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Share { get; init; } = 0.8;
}
