namespace Ard.Trainers.Evaluation;

internal static class EvaluationReport
{
    /// <summary>
    /// The report of a finished evaluation from its state alone; null where an attack is none of <see cref="AttackCatalog"/>, and where the
    /// steps are not all of them. The path is for messages.
    /// </summary>
    /// <exception cref="DataFileException">It is no such state.</exception>
    public static RobustnessReport? Read(string path, StateHeader header, IReadOnlyList<EvaluationStep> steps, out bool isWhole)
    {
        isWhole = true;
        var values = header.Settings;
        var options = Damage.Tell(
            () => Options(values, header.Attacks),
            exception => exception is ArgumentException or FormatException or OverflowException or KeyNotFoundException
                or IndexOutOfRangeException,
            exception => new(path, "the settings of an evaluation", exception.Message, exception));
        if (OptionsValidator.Faults(options).Any()) return null;
        (string Name, string Value)[] same = [.. new RobustnessEvaluator(options).Settings()];
        // Another attack of the same name.
        if (same.Any(setting => values.GetValueOrDefault(setting.Name) != setting.Value)) return null;
        using var state = new EvaluationState(options, header.Rows.Length, images: null, header: null);
        isWhole = steps.Count == (1 + state.Parts.Count) * ((state.Count + state.BatchSize - 1) / state.BatchSize);
        if (!isWhole) return null;
        state.Restore(steps.Select(step => step with { Examples = [] }), path);
        var report = Make(state, options) with
        {
            Labels = header.Labels,
            Settings = [.. same.Select(setting => $"{setting.Name}: {setting.Value}")],
            Images = values.GetValueOrDefault("images"),
        };
        var network = values.GetValueOrDefault("network") ?? "";
        // It holds the type and the digest of the weights.
        return network.StartsWith(EvaluationSubject.Asked, StringComparison.Ordinal) ? ForBlackBox(report, options.QueryBudget)
            : report with { Weights = network[(network.LastIndexOf(' ') + 1)..] };
    }

    private static EvaluationOptions Options(IReadOnlyDictionary<string, string> values, string[] attacks)
    {
        var threat = values[nameof(EvaluationOptions.Threat)].Split(' ');
        return new()
        {
            Threat = new(Enum.Parse<Norm>(threat[0]), double.Parse(threat[1], CultureInfo.InvariantCulture)),
            Attacks = attacks,
            BatchSize = int.Parse(values[nameof(EvaluationOptions.BatchSize)], CultureInfo.InvariantCulture),
            Seed = long.Parse(values[nameof(EvaluationOptions.Seed)], CultureInfo.InvariantCulture),
            Sequential = bool.Parse(values[nameof(EvaluationOptions.Sequential)]),
            CheckNetwork = bool.Parse(values[nameof(EvaluationOptions.CheckNetwork)]),
            KeepLogits = bool.Parse(values[nameof(EvaluationOptions.KeepLogits)]),
            QueryBudget = values.TryGetValue(nameof(EvaluationOptions.QueryBudget), out var budget)
                ? int.Parse(budget, CultureInfo.InvariantCulture) : null,
        };
    }

    /// <summary>The report of a model that can only be asked: says what its figures mean at this query budget, if any.</summary>
    public static RobustnessReport ForBlackBox(RobustnessReport report, int? budget)
    {
        long?[] asked = [.. report.WorstCase.Points.Select(point => point.ForwardPasses).DefaultIfEmpty(0)];
        var often = asked.Contains(null) ? "and an attack does not say how often" : Invariant($"at most {asked.Max():N0} times an image")
            + (budget is null ? "" : Invariant($", {asked.Average():N0} on average, with a budget of {budget:N0} for the attacks"));
        return report with
        {
            BlackBox = $"The model was only queried, {often}: the accuracies under attack are upper bounds; more queries, or knowledge of "
                + "the model, may lower them.",
        };
    }

    /// <summary>With this an attack's details end with what the network had to do with them.</summary>
    public const string UsedUp = "the budget of queries was used up before it";

    public static RobustnessReport Make(EvaluationState state, EvaluationOptions options)
    {
        int[] all = [.. Enumerable.Range(0, state.Count)];
        var clean = new AttackResult("clean", [.. all.Select(row => new AttackedPoint(state.IsRight(row), null, 0, state.CleanPasses, 0))])
        {
            Predictions = [.. all.Select(row => state.Clean[row]!.Prediction)],
            Logits = options.KeepLogits ? [.. all.SelectMany(row => state.Clean[row]!.Logits!)] : null,
        };
        var worst = all.Select(row => state.Parts.FirstOrDefault(part => part.Broke(row))).ToArray();
        var attacks = state.Parts.Select((part, place) => (part.Attack, place)).GroupBy(pair => pair.Attack);
        return new RobustnessReport(
            state.Threat,
            clean,
            [.. attacks.Select(parts => Result(parts.Key, parts.Last().place))],
            new AttackResult("worst-case", [.. all.Select(row => Point(row, state.Parts, worst[row]?.Attack, worst[row]))])
            {
                Predictions = [.. all.Select(row => Prediction(row, worst[row]))],
            })
        {
            Flags = RobustnessFlags.Find(state),
        };

        AttackResult Result(Attack attack, int last)
        {
            PartResult[] own = [.. state.Parts.Where(part => part.Attack == attack)], counting = [.. state.Before(last), state.Parts[last]];
            var alone = own is [var only] && only.Part == attack ? only : null;
            // The first that broke the point; else the attack itself, where it is not one of parts.
            var decisive = all.Select(row =>
                counting.FirstOrDefault(part => part.Broke(row)) ?? (alone?.Ran(row) == true ? alone : null)).ToArray();
            return new AttackResult(
                attack.Name,
                [.. all.Select(row => Point(row, own, decisive[row]?.Broke(row) == true ? decisive[row]!.Part : null, decisive[row]))])
            {
                Parts = alone is not null ? [] : [.. own.Select(Left)],
                Details = string.Join(", ", new[] { attack.Details(options.ThreatOrDefault), Unasked() }.Where(text => text != "")),
                Predictions = [.. all.Select(row => Prediction(row, decisive[row]))],
                Logits = options.KeepLogits
                    ? [.. all.SelectMany(row => decisive[row]?.Points[row]!.Logits ?? state.Clean[row]!.Logits!)]
                    : null,
            };

            // With none left an attack does not run, and breaks nothing.
            string Unasked() => options.QueryBudget is not null && all.Count(row => state.IsRight(row) && !own.Any(part => part.Ran(row))
                && !counting.Any(part => part.Broke(row))) is > 0 and var unasked
                ? Invariant($"{UsedUp} at {unasked:N0} images") : "";

            (string, int) Left(PartResult part)
            {
                PartResult[] until = [.. counting.TakeWhile(other => other != part), part];
                return (part.Part.Name, all.Count(row => state.IsRight(row) && !until.Any(other => other.Broke(row))));
            }
        }

        long Prediction(int row, PartResult? decisive) => decisive?.Points[row]!.Prediction ?? state.Clean[row]!.Prediction;

        AttackedPoint Point(int row, IEnumerable<PartResult> paid, Attack? brokenBy, PartResult? decisive)
        {
            List<PartPoint> ran = [.. paid.Select(part => part.Points[row]).OfType<PartPoint>()];
            return new AttackedPoint(
                state.IsRight(row), brokenBy?.Name, decisive?.Points[row]!.Size ?? 0,
                ran.Aggregate((long?)state.CleanPasses, (sum, point) => sum + point.Forward),
                ran.Aggregate((long?)0, (sum, point) => sum + point.Backward))
            {
                // Nothing is told of a point that others have broken before.
                Queries = ran.Find(point => !point.Correct) is not { } won ? null
                    : ran.TakeWhile(point => point.Correct).Aggregate(won.Queries, (sum, point) => sum + point.Forward),
            };
        }
    }
}
