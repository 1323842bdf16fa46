using System.Globalization;

namespace Ard.Trainers.Attacks;

/// <summary>Attacks by the names that tables, options and command lines use.</summary>
public static class AttackCatalog
{
    /// <summary>The names understood, N standing for a number.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["fgsm", "pgd-N", "pgd-NxR", "fab", "fab-N", "fab-t", "fab-t-N", "square", "square-N"];

    /// <summary>
    /// The attack of that name: <c>fgsm</c>; <c>pgd-20</c>, 20 steps of epsilon/4 from one random start; <c>pgd-20x5</c>, from five. PGD
    /// stops with a point at the first misclassified iterate, so it never counts a point as robust that it has seen broken.
    /// <c>fab</c> and <c>fab-t</c>, 100 steps, the second at nine classes in turn, and <c>square</c>, 5000 queries, are as in AutoAttack;
    /// <c>fab-20</c>, <c>fab-t-20</c> and <c>square-100</c> have another number.
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
        if (parts is ["fab"]) return Fab(steps: 100, targeted: false);
        if (parts is ["fab", "t"]) return Fab(steps: 100, targeted: true);
        if (parts is ["fab", var untargeted] && Number(untargeted) is { } few) return Fab(few, targeted: false);
        if (parts is ["fab", "t", var targeted] && Number(targeted) is { } some) return Fab(some, targeted: true);
        if (parts is ["square"]) return new Square();
        if (parts is ["square", var tries] && Number(tries) is { } queries) return new Square(new SquareOptions { Queries = queries });
        throw new ArgumentException(
            $"There is no attack '{name}': expected {string.Join(", ", Names)} (N, R: whole numbers from 1).", nameof(name));
    }

    private static Pgd Pgd(int steps, int restarts) =>
        new(new PgdOptions { Steps = steps, Restarts = restarts, Keep = KeptPoint.FirstBroken });

    private static Fab Fab(int steps, bool targeted) =>
        new(new FabOptions { Targeted = targeted, Steps = steps, StopWithinBudget = true });

    /// <summary>What follows an attack's name: the number where it is not the standard one, and the restarts if several.</summary>
    internal static string Figures(int number, int standard, int restarts) =>
        (number != standard || restarts > 1 ? $"-{number}" : "") + (restarts > 1 ? $"x{restarts}" : "");

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
