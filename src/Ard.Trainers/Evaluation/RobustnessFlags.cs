using static Ard.Trainers.Evaluation.RobustnessFlagCode;

namespace Ard.Trainers.Evaluation;

/// <summary>
/// The checks of AutoAttack's reference implementation (Croce and Hein, ICML 2020), and the signs of masked gradients that Athalye, Carlini
/// and Wagner list (ICML 2018, section 3.1).
/// </summary>
internal static class RobustnessFlags
{
    /// <summary>A network whose outputs differ by more than this share of the largest one is random: rounding stays far below.</summary>
    private const double RandomSpread = 1e-4;

    /// <summary>The same for outputs in other company: another batch size takes other routes, and TF32 rounds to eleven bits.</summary>
    private const double CompanySpread = 1e-3;

    /// <summary>How much more an attack may break than a better one by chance, as in AutoAttack's <c>check_square_sr</c>.</summary>
    private const double Margin = 0.002;

    /// <summary>How rarely chance alone may raise a flag: the upper side of a 95 % interval.</summary>
    private const double Chance = 0.025;

    private const string NotFiniteAdvice =
        "The accuracies may be too low: look for a division by 0, the logarithm or root of what is not positive, "
        + "or an overflow in the network";

    public static IReadOnlyList<RobustnessFlag> Find(EvaluationState state) =>
        [
            .. Adversary(state),
            .. Network(state),
            .. Gradients(state),
            .. state.Parts.SelectMany(part => Faults(state, part)),
            .. state.Parts.SelectMany(part => Classes(state, part.Part)).Distinct(),
            .. Compared(state),
        ];

    private static IEnumerable<RobustnessFlag> Adversary(EvaluationState state)
    {
        if (state.Threat.Warning is { } warning)
            yield return new(
                NoAdversary, $"against {state.Threat} {warning}", "The accuracy under attack says nothing: evaluate with another budget");
        if (state.Parts.Count == 0)
            yield return new(
                NoAdversary, "no attack was asked for, so the worst case is the clean accuracy",
                "Name attacks, such as pgd-20 or autoattack");
    }

    private static IEnumerable<RobustnessFlag> Network(EvaluationState state)
    {
        if (state.Count > 0 && state.Clean[0]!.Prediction is >= 0 and var only && state.Clean.All(each => each!.Prediction == only)
            && !state.Clean.All(each => each!.Right))
            yield return new(
                OneClass, $"the network says class {only} of every one of {state.Count} images",
                "It tells no images apart, so no attack changes its answer: it has learned nothing, "
                    + "or its input is not what it was trained on");
        if (state.Clean.Count(each => each!.Prediction < 0) is > 0 and var odd)
            yield return new(
                NotFinite, $"the outputs are not finite (NaN or infinity) at {odd} of {state.Count} images, which count as wrong",
                NotFiniteAdvice);
        if (state.Spread > RandomSpread)
            yield return new(
                RandomOutputs, Invariant($"five passes of the same images differ by up to {state.Spread:G3} of the largest output"),
                state.Parts.Any(part => part.Part.NeedsGradient)
                    ? "Evaluate with autoattack-rand, which averages gradients, or fix what is random in the network"
                    : "A point may be broken by luck, and right when it is asked for again: fix what is random in the model");
        if (state.Count > 0 && state.Clean.All(each => each!.Probability))
            yield return new(
                Probabilities, "every output is from 0 to 1 and each image's outputs add up to 1",
                "Evaluate the logits, before the softmax: its rounding hides gradients from every attack");
        // Random outputs differ anyway.
        if (state.Spread <= RandomSpread && state.BatchSpread > CompanySpread)
            yield return new(
                BatchDependentOutputs,
                Invariant($"an image's outputs depend on what shares its batch: by up to {state.BatchSpread:G3} of the largest output"),
                $"The figures hold for these images in batches of {state.BatchSize} only, each attacked together with the others: "
                    + "evaluate with a batch size of 1, or let the network normalise by statistics that it keeps");
    }

    private static IEnumerable<RobustnessFlag> Gradients(EvaluationState state)
    {
        var gradientFree = "Attacks that need it cannot move there"
            + (state.Parts.Any(part => !part.Part.NeedsGradient) ? "; one without gradients has been there too. Look for "
                : ": add an attack without gradients, such as square. Look for ");
        return
        [
            .. Met(GradientFaults.Zero, "0 everywhere", ZeroGradients, gradientFree + "steps or saturation in the network"),
            .. Met(GradientFaults.NaN, "NaN", NotFiniteGradients, gradientFree + "the root of a 0 or a division by one in the network"),
            .. Met(
                GradientFaults.Infinite, "infinite", NotFiniteGradients,
                gradientFree + "the root or the logarithm of a 0, or an overflow in the network"),
            .. Met(
                GradientFaults.Missing, "missing", MissingGradients,
                gradientFree + "what cuts the graph in the network, such as detach or no_grad"),
        ];

        // At the clean images, and where an attack came on its way to a point that is still right.
        IEnumerable<RobustnessFlag> Met(GradientFaults fault, string what, RobustnessFlagCode code, string advice)
        {
            bool Clean(int row) => state.Clean[row]!.GradientFaults.HasFlag(fault);
            var rows = Enumerable.Range(0, state.Count).ToArray();
            var seen = new List<string>();
            if (rows.Count(Clean) is > 0 and var clean)
                seen.Add($"the gradient of the cross-entropy is {what} at {clean} of {state.Count} images");
            foreach (var part in state.Parts)
            {
                bool Its(int row) => part.Points[row]?.GradientFaults.HasFlag(fault) == true;
                var met = rows.Count(row => Its(row) && !Clean(row) && !part.Broke(row));
                if (met > 0) seen.Add($"{part.Title} met a gradient of the loss that is {what} at {met} of {state.Count} images");
            }
            if (seen.Count > 0) yield return new(code, string.Join("; ", seen), advice);
        }
    }

    private static IEnumerable<RobustnessFlag> Faults(EvaluationState state, PartResult part)
    {
        if (part.Points.Count(point => point?.MetNotFinite == true) is > 0 and var odd)
            yield return new(
                NotFinite,
                $"{part.Title} met outputs that are not finite (NaN or infinity) at {odd} of {state.Count} images, "
                    + "which count as broken",
                NotFiniteAdvice);
        double[] beyond = [.. part.Points.Select(point => point?.Beyond ?? 0).Where(size => size != 0)];
        if (beyond.Length > 0)
            yield return new(
                BudgetExceeded,
                Invariant($"{part.Title} moved {beyond.Length} of {state.Count} points beyond {state.Threat} or out of [0,1]: ")
                    + Invariant($"by up to {beyond.Max():G7}"),
                "They were projected back before the network was asked, so the figures hold; "
                    + "but repair the attack, which is weaker for it");
    }

    private static IEnumerable<RobustnessFlag> Classes(EvaluationState state, Attack attack)
    {
        if (state.Classes > 0 && attack.Targets > state.Classes - 1)
            yield return new(
                FewClasses, $"{attack.Name} aims at {attack.Targets} classes, the network has {state.Classes - 1} besides the true one",
                "The figures are sound, but do not compare them with those of more targets");
        if (state.Classes > 0 && attack.FewestClasses > state.Classes)
            yield return new(
                FewClasses,
                $"{attack.Name} makes the margin large: its ratio of logits needs {attack.FewestClasses} classes, "
                    + $"the network has {state.Classes}",
                "The figures are sound; the reference implementation has none for so few classes");
    }

    private static IEnumerable<RobustnessFlag> Compared(EvaluationState state)
    {
        var direct = state.Parts.Where(part => part.Part.Kind == AttackKind.Gradient).ToArray();
        foreach (var part in state.Parts.Where(part => part.Part.Kind != AttackKind.Gradient))
        {
            var name = part.Part.Name;
            if (part.Part.Kind == AttackKind.GradientFree)
            {
                var beyond = Enumerable.Range(0, state.Count).Count(row =>
                    part.Broke(row) && direct.Any(other => other.Ran(row)) && !direct.Any(other => other.Broke(row)));
                if (BinomialTail(beyond, state.Count, Margin) < Chance)
                    yield return new(
                        GradientFreeStronger,
                        Invariant($"{name} broke {beyond} of {state.Count} points that no attack with gradients broke"),
                        "The gradients are masked: trust the worst case only, and attack with more queries or an adapted attack");
            }
            else if (Advantage(state, part, direct) is (var points, var than))
            {
                var seen = Invariant($"{name} broke {points} of {state.Count} points more than {than}");
                yield return part.Part.Kind == AttackKind.OneStep
                    ? new(OneStepStronger, seen,
                        $"Either {than} has too few steps to cross the budget, or the gradients are masked: they lead astray on the way. "
                        + "Trust the worst case only, and evaluate with autoattack")
                    : new(TransferStronger, seen,
                        "The gradients are masked: trust the worst case only, and add an attack without gradients, such as square");
            }
        }
    }

    // How probable it is to find so many or more, if each of all is found with the probability. Of 60 images at 0.2 points one is found in
    // 11 % of all samples, which says nothing, and two in 0.7 %. In logarithms, since (1 - probability)^all may be too small for a number.
    internal static double BinomialTail(int found, int all, double probability)
    {
        var (fewer, logarithm) = (0.0, all * Math.Log(1 - probability));
        for (var i = 0; i < found; i++)
        {
            fewer += Math.Exp(logarithm);
            logarithm += Math.Log((all - i) / (i + 1.0) * probability / (1 - probability));
        }
        return 1 - fewer;
    }

    // By how many points it beats every direct attack that saw the same images, and the best of these; null where one is as good within
    // chance. If two equal attacks differ on n points, each breaks half of them, and the difference has a deviation of √n. The parts of a
    // sequence count together: they share the images among them.
    private static (int Points, string Than)? Advantage(EvaluationState state, PartResult part, IEnumerable<PartResult> direct)
    {
        var rows = Enumerable.Range(0, state.Count).ToArray();
        (int Points, string Than)? least = null;
        foreach (var other in direct.GroupBy(each => each.Attack))
        {
            if (!rows.Any(part.Ran) || rows.Any(row => part.Ran(row) != other.Any(each => each.Ran(row)))) continue;
            bool Broke(int row) => other.Any(each => each.Broke(row));
            var more = rows.Count(part.Broke) - rows.Count(Broke);
            var differ = rows.Count(row => part.Broke(row) != Broke(row));
            if (more <= Math.Max(Margin * state.Count, 2 * Math.Sqrt(differ))) return null;
            if (!(more >= least?.Points)) least = (more, other.Key.Name);
        }
        return least;
    }
}

/// <summary>A sign that an accuracy under attack is better than the network's robustness, or means nothing.</summary>
public enum RobustnessFlagCode
{
    /// <summary>The same images give other outputs each time.</summary>
    RandomOutputs,

    /// <summary>The outputs are not finite (NaN or infinity) at some image, or where an attack looked.</summary>
    NotFinite,

    /// <summary>An attack's points were beyond the budget or outside [0,1].</summary>
    BudgetExceeded,

    /// <summary>The outputs are probabilities, not logits.</summary>
    Probabilities,

    /// <summary>The gradient of the loss is exactly 0 at some image, or where an attack looked.</summary>
    ZeroGradients,

    /// <summary>A targeted attack found fewer classes than it would aim at.</summary>
    FewClasses,

    /// <summary>An attack without gradients broke points that those with gradients left.</summary>
    GradientFreeStronger,

    /// <summary>An attack of one step broke more points than one of many.</summary>
    OneStepStronger,

    /// <summary>Another network's examples broke more points than the network's own gradient.</summary>
    TransferStronger,

    /// <summary>The adversary may do nothing, or anything, or no attack was asked for.</summary>
    NoAdversary,

    /// <summary>The network says the same class of every image.</summary>
    OneClass,

    /// <summary>The gradient of the loss is NaN or infinite at some image, or where an attack looked, at finite outputs.</summary>
    NotFiniteGradients,

    /// <summary>There is no gradient: the outputs do not hang on the images by a graph.</summary>
    MissingGradients,

    /// <summary>An image's outputs depend on what other images share its batch.</summary>
    BatchDependentOutputs,
}

/// <summary>A reason not to believe the figures of a report.</summary>
/// <param name="Code">Which.</param>
/// <param name="Seen">What the evaluation found, with the numbers.</param>
/// <param name="Advice">What to do.</param>
public sealed record RobustnessFlag(RobustnessFlagCode Code, string Seen, string Advice)
{
    // Whether the accuracies may be higher than the truth for it. Otherwise they hold, or are rather too low.
    [JsonInclude]
    internal bool IsSerious => Code is not (BudgetExceeded or FewClasses or NotFinite);

    /// <summary>Code, finding and advice as a sentence.</summary>
    public override string ToString() => $"{Code}: {Seen}. {Advice}.";
}
