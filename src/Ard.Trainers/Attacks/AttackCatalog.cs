using System.Globalization;

namespace Ard.Trainers.Attacks;

/// <summary>Attacks by the names that tables, options and command lines use.</summary>
public static class AttackCatalog
{
    /// <summary>The names understood, N standing for a number.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "fgsm", "pgd-N", "pgd-NxR",
        "apgd-ce", "apgd-dlr", "apgd-t", "apgd-ce-N", "apgd-ce-NxR", "apgd-dlr-N", "apgd-dlr-NxR", "apgd-t-N", "apgd-t-NxR",
        "autoattack", "autoattack-plus", "autoattack-rand",
    ];

    /// <summary>
    /// The attack of that name: <c>fgsm</c>; <c>pgd-20</c>, 20 steps of epsilon/4 from one random start; <c>pgd-20x5</c>, from five;
    /// <c>apgd-ce</c>, <c>apgd-dlr</c> and <c>apgd-t</c>, APGD of 100 steps from one random start; <c>apgd-ce-50x5</c>, of 50 steps from
    /// five; <c>autoattack</c>, the standard version, <c>autoattack-plus</c> and <c>autoattack-rand</c>. PGD and APGD stop with a point at
    /// the first misclassified iterate, so they never count a point as robust that they have seen broken.
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
        if (parts is ["apgd", var loss, ..] && Apgd(loss, parts[2..]) is { } apgd) return apgd;
        if (parts is ["autoattack"]) return AutoAttack.Standard;
        if (parts is ["autoattack", "plus"]) return AutoAttack.Plus;
        if (parts is ["autoattack", "rand"]) return AutoAttack.Rand;
        throw new ArgumentException(
            $"There is no attack '{name}': expected {string.Join(", ", Names)} (N, R: whole numbers from 1).", nameof(name));
    }

    private static Pgd Pgd(int steps, int restarts) =>
        new(new PgdOptions { Steps = steps, Restarts = restarts, Keep = KeptPoint.FirstBroken });

    private static Apgd? Apgd(string loss, string[] figures)
    {
        ApgdLoss? known = loss switch
        {
            "ce" => ApgdLoss.CrossEntropy,
            "dlr" => ApgdLoss.Dlr,
            "t" => ApgdLoss.TargetedDlr,
            _ => null,
        };
        if (known is null || figures.Length > 1) return null;
        var options = new ApgdOptions { Loss = known.Value };
        if (figures is []) return new Apgd(options);
        return figures[0].Split('x').Select(Number).ToArray() switch
        {
            [{ } steps] => new Apgd(options with { Steps = steps }),
            [{ } steps, { } restarts] => new Apgd(options with { Steps = steps, Restarts = restarts }),
            _ => null,
        };
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
