using System.Globalization;

namespace Ard.Trainers.Attacks;

/// <summary>Attacks by the names that tables, options and command lines use.</summary>
public static class AttackCatalog
{
    /// <summary>The names understood, N standing for a number.</summary>
    public static IReadOnlyList<string> Names { get; } = ["fgsm", "pgd-N", "pgd-NxR"];

    /// <summary>
    /// The attack of that name: <c>fgsm</c>; <c>pgd-20</c>, 20 steps of epsilon/4 from one random start; <c>pgd-20x5</c>, from five. PGD
    /// stops with a point at the first misclassified iterate, so it never counts a point as robust that it has seen broken.
    /// </summary>
    /// <param name="name">The name, in any case.</param>
    /// <exception cref="ArgumentException">There is no such attack; the message lists those that there are.</exception>
    public static Attack ByName(string name)
    {
        var parts = name.Trim().ToLowerInvariant().Split('-');
        if (parts is ["fgsm"]) return new Fgsm();
        if (parts is ["pgd", var figures])
        {
            var numbers = figures.Split('x');
            if (Number(numbers[0]) is { } steps)
            {
                if (numbers.Length == 1) return Pgd(steps, restarts: 1);
                if (numbers.Length == 2 && Number(numbers[1]) is { } restarts) return Pgd(steps, restarts);
            }
        }
        throw new ArgumentException(
            $"There is no attack '{name}': expected {string.Join(", ", Names)} (N, R: whole numbers from 1).", nameof(name));
    }

    private static Pgd Pgd(int steps, int restarts) =>
        new(new PgdOptions { Steps = steps, Restarts = restarts, Keep = KeptPoint.FirstBroken });

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
