namespace Ard.Trainers.Attacks;

/// <summary>Attacks by the names that tables, options and command lines use.</summary>
public static class AttackCatalog
{
    /// <summary>The names understood, N standing for a number.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "fgsm", "pgd-N", "pgd-NxR", "pgd-N-least", "pgd-N-second", "pgd-N-to-K", "pgd-N@S", "cw-N", "mi-fgsm-N", "deepfool",
        "cw-l2",
        "apgd-ce", "apgd-dlr", "apgd-t", "apgd-ce-N", "apgd-ce-NxR", "apgd-dlr-N", "apgd-dlr-NxR", "apgd-t-N", "apgd-t-NxR",
        "apgd-pm", "apgd-malt", "apgd-pm-N", "apgd-pm-NxR", "apgd-malt-N", "apgd-malt-NxR",
        "fab", "fab-N", "fab-t", "fab-t-N", "fmn", "fmn-N", "square", "square-N", "rays", "rays-N",
        "autoattack", "autoattack-plus", "autoattack-rand", "pgd-N+eot-N",
    ];

    /// <summary>
    /// The attack of that name: <c>fgsm</c>; <c>pgd-20</c>, 20 steps of epsilon/4 from one random start; <c>pgd-20x5</c>, from five;
    /// <c>pgd-20-least</c>, <c>pgd-20-second</c> and <c>pgd-20-to-3</c>, towards the least likely, the second most likely class or class 3;
    /// <c>pgd-20@2/255</c> and <c>pgd-20@0.003</c>, with steps of that length; <c>cw-30</c>, PGD on the margin loss of Carlini and Wagner;
    /// <c>mi-fgsm-20</c>, with momentum (both with a step size too); <c>deepfool</c> and <c>cw-l2</c>, which look for small perturbations,
    /// the second, Carlini and Wagner's own attack, in L2 only; <c>apgd-ce</c>, <c>apgd-dlr</c> and <c>apgd-t</c>, APGD of 100 steps from
    /// one random start, <c>apgd-pm</c> on the margin of probabilities of PMA and <c>apgd-malt</c> at the classes that MALT chooses;
    /// <c>apgd-ce-50x5</c>, of 50 steps from five; <c>fab</c> and <c>fab-t</c>, 100 steps, the second at nine classes in
    /// turn, and <c>square</c>, 5000 queries, as in AutoAttack; <c>fmn</c>, 100 steps of the fast minimum-norm attack; <c>rays</c>,
    /// 10000 queries, which needs no scores, in Linf only; <c>fab-20</c>, <c>fab-t-20</c>, <c>fmn-1000</c>, <c>square-100</c> and
    /// <c>rays-100</c> have another number;
    /// <c>autoattack</c>, the standard version, <c>autoattack-plus</c> and <c>autoattack-rand</c>; any of them with <c>+eot-10</c> behind:
    /// means of 10 passes (<see cref="Attack.Eot"/>), for networks whose output is random. All but <c>fgsm</c>, <c>fmn</c>, <c>deepfool</c>
    /// and those stop with a point at the first misclassified iterate within epsilon, so none counts a point as robust that it has seen
    /// broken.
    /// </summary>
    /// <param name="name">The name, in any case.</param>
    /// <exception cref="ArgumentException">There is no such attack; the message lists those that there are.</exception>
    public static Attack ByName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        var known = name.Trim().ToLowerInvariant();
        if (known.Split("+eot-", 2) is [var plain, var samples] && Number(samples) is { } passes) return Attack.Eot(ByName(plain), passes);
        var parts = known.Split('-');
        if (parts is ["fgsm"]) return new Fgsm();
        if (parts is ["pgd" or "cw", var figures, ..] && Sized(figures) is { } pgd && Aim(parts[2..]) is (true, var aim))
            return new Pgd(new()
            {
                Steps = pgd.Steps,
                Restarts = pgd.Restarts,
                StepSize = pgd.StepSize,
                Keep = KeptPoint.FirstBroken,
                Loss = parts[0] == "cw" ? AttackLosses.Margin : AttackLosses.CrossEntropy,
                Target = aim,
            });
        if (parts is ["mi", "fgsm", var count] && Sized(count) is { Restarts: 1 } momentum)
            return new Pgd(new()
            {
                Steps = momentum.Steps,
                StepSize = momentum.StepSize,
                Momentum = 1,
                Start = Start.Clean,
                Keep = KeptPoint.FirstBroken,
            });
        if (parts is ["deepfool"]) return new DeepFool();
        if (parts is ["cw", "l2"]) return new CarliniWagner(new() { StopWithinBudget = true });
        if (parts is ["apgd", var loss, ..] && Apgd(loss, parts[2..]) is { } apgd) return apgd;
        if (parts is ["autoattack"]) return AutoAttack.Standard;
        if (parts is ["autoattack", "plus"]) return AutoAttack.Plus;
        if (parts is ["autoattack", "rand"]) return AutoAttack.Rand;
        if (NumberOf("fab", 100) is { } few) return new Fab(new() { Steps = few, StopWithinBudget = true });
        if (NumberOf("fab-t", 100) is { } some) return new Fab(new() { Targeted = true, Steps = some, StopWithinBudget = true });
        if (NumberOf("fmn", Fmn.StandardSteps) is { } steps) return new Fmn(steps);
        if (NumberOf("square", 5000) is { } queries) return new Square(new() { Queries = queries });
        if (NumberOf("rays", RayS.StandardQueries) is { } asked) return new RayS(asked);
        throw new ArgumentException(
            $"There is no attack '{name}': expected {string.Join(", ", Names)} "
            + "(N, R: whole numbers from 1; K: a class, from 0; S: a step size, such as 2/255 or 0.003).");

        int? NumberOf(string attack, int standard) => known == attack ? standard
            : known.StartsWith(attack + "-", StringComparison.Ordinal) ? Number(known[(attack.Length + 1)..]) : null;
    }

    private static Apgd? Apgd(string loss, string[] figures)
    {
        ApgdLoss? known = loss switch
        {
            "ce" => ApgdLoss.CrossEntropy,
            "dlr" => ApgdLoss.Dlr,
            "t" or "malt" => ApgdLoss.TargetedDlr,
            "pm" => ApgdLoss.ProbabilityMargin,
            _ => null,
        };
        if (known is null || figures.Length > 1) return null;
        var options = new ApgdOptions { Loss = known.Value, NearestTargets = loss == "malt" };
        if (figures is []) return new Apgd(options);
        return Figures(figures[0]) is { } runs ? new Apgd(options with { Steps = runs.Steps, Restarts = runs.Restarts }) : null;
    }

    /// <summary>What follows an attack's name: the number where it is not the standard one, if any; the restarts if several.</summary>
    internal static string Figures(int number, int? standard, int restarts) =>
        (number != standard || restarts > 1 ? $"-{number}" : "") + (restarts > 1 ? $"x{restarts}" : "");

    // Whether the end of a name says what class to aim at, or nothing; and the class.
    private static (bool Known, TargetClass? Target) Aim(string[] end) => end switch
    {
        [] => (true, null),
        ["least"] => (true, TargetClass.LeastLikely),
        ["second"] => (true, TargetClass.SecondMostLikely),
        ["to", var text] when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) =>
            (true, TargetClass.Given(index)),
        _ => (false, null),
    };

    // N or NxR.
    private static (int Steps, int Restarts)? Figures(string text) => text.Split('x').Select(Number).ToArray() switch
    {
        [{ } steps] => (steps, 1),
        [{ } steps, { } restarts] => (steps, restarts),
        _ => null,
    };

    // N or NxR, then @ and a step size, as a fraction or a decimal number.
    private static (int Steps, int Restarts, double? StepSize)? Sized(string text)
    {
        if (text.Split('@', 2) is not [var figures, var size])
            return Figures(text) is { } plain ? (plain.Steps, plain.Restarts, null) : null;
        var numbers = size.Split('/', 2)
            .Select(part => double.TryParse(part, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? value : 0);
        var step = numbers.Aggregate((one, other) => one / other);
        return Figures(figures) is { } known && double.IsFinite(step) && step > 0 ? (known.Steps, known.Restarts, step) : null;
    }

    /// <summary>A length: in 255ths where it is a whole number of them.</summary>
    internal static string Text(double length)
    {
        var steps = length * 255;
        return Math.Round(steps) is >= 1 and var whole && Math.Abs(steps - whole) < 1e-9
            ? string.Create(CultureInfo.InvariantCulture, $"{whole}/255")
            : length.ToString("0.################", CultureInfo.InvariantCulture);
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
}
