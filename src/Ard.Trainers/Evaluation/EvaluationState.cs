namespace Ard.Trainers.Evaluation;

/// <summary>What the network makes of one image without an attack.</summary>
/// <param name="Right">Whether it gets it right.</param>
/// <param name="Prediction">The class that it takes it for; -1 where its logits are not finite, which counts as wrong.</param>
internal sealed record CleanPoint(bool Right, long Prediction)
{
    /// <summary>What is amiss with the gradient, where the network is right.</summary>
    public GradientFaults GradientFaults { get; init; }

    /// <summary>Whether the outputs are from 0 to 1 and add up to 1.</summary>
    public bool Probability { get; init; }

    public float[]? Logits { get; init; }
}

/// <summary>What a step of an evaluation has found: the clean images of a batch, or one attack on those of them that were left.</summary>
internal sealed record EvaluationStep
{
    /// <summary>The images, by their place among those that are evaluated.</summary>
    public required int[] Rows { get; init; }

    public CleanPoint[] Clean { get; init; } = [];
    public PartPoint[] Attacked { get; init; } = [];

    /// <summary>The points that an attack was the first to break, one after another, in the network's dtype, where they are kept.</summary>
    public byte[] Examples { get; init; } = [];

    /// <summary>The number of the network's outputs, in a step of clean images.</summary>
    public int Classes { get; init; }

    /// <summary>The largest difference between five passes over the first batch, in units of the largest output.</summary>
    public double Spread { get; init; }

    /// <summary>The largest difference that the other images of the first batch make to one, in the same units.</summary>
    public double BatchSpread { get; init; }
}

/// <summary>What an attack, or one part of an attack that consists of others, has done to each point.</summary>
internal sealed class PartResult(Attack attack, Attack part, int count)
{
    public Attack Attack => attack;
    public Attack Part => part;
    public string Title => ReferenceEquals(attack, part) ? attack.Name : $"{attack.Name}: {part.Name}";

    /// <summary>One entry a point; null where it was not attacked.</summary>
    public PartPoint?[] Points { get; } = new PartPoint?[count];

    public bool Ran(int row) => Points[row] is not null;
    public bool Broke(int row) => Points[row] is { Correct: false };
}

/// <summary>
/// Everything that an evaluation knows so far. Its steps have one order (batch by batch: the clean images, then part by part), so that
/// their number says what is done. With a file, what is known is what the file's records say: each step becomes a record of it.
/// </summary>
internal sealed class EvaluationState : IDisposable
{
    private readonly EvaluationOptions options;
    private readonly StateFile? file;
    private readonly ICollection<EvaluationStep>? steps;
    // [N,...]: the misclassified point that was found first, or the clean image; kept where a file of them was asked for.
    private readonly Tensor? examples;

    /// <summary>
    /// Of <paramref name="count"/> images, which in the network's dtype become the examples, where they are asked for. The header is that
    /// of the state file, if there is one; all steps, those of the file too, are put into <paramref name="steps"/>.
    /// </summary>
    /// <exception cref="DataFileException">The file is damaged, or of another evaluation; the message names what differs.</exception>
    public EvaluationState(
        EvaluationOptions options, int count, Tensor? images, StateHeader? header, ICollection<EvaluationStep>? steps = null)
    {
        (this.options, this.steps, Count) = (options, steps, count);
        Parts =
        [
            .. from attack in options.AllAttacks()
               from part in attack.Parts(options.ThreatOrDefault.Norm)
               select new PartResult(attack, part, Count),
        ];
        Clean = new CleanPoint?[Count];
        examples = images?.DetachFromDisposeScope();
        if (options.StateFile is null) return;
        file = StateFile.Open(options.StateFile, header!);
        this.OrDispose(_ => Restore(file.Steps(), file.Path));
    }

    public int Count { get; }
    public IReadOnlyList<PartResult> Parts { get; }

    /// <summary>How many passes decide whether a clean image is right: as many as for an attack's point.</summary>
    public int CleanSamples => Parts.Select(part => part.Part.Samples).DefaultIfEmpty(1).Max();

    /// <summary>How often a clean image goes through the network: once for its logits, and those passes where they are several.</summary>
    public int CleanPasses => CleanSamples == 1 ? 1 : 1 + CleanSamples;

    public ThreatModel Threat => options.ThreatOrDefault;
    public int BatchSize => options.BatchSize!.Value;
    public long Steps { get; private set; }

    /// <summary>What the next step is about: its batch's first image, and the part, -1 for clean images; null where all is done.</summary>
    public (int First, int Part)? Next =>
        (int)(Steps / (1 + Parts.Count) * BatchSize) is var first && first < Count ? (first, (int)(Steps % (1 + Parts.Count)) - 1) : null;

    /// <summary>The images of the next step: all of its batch, or those to be attacked.</summary>
    public int[] NextRows()
    {
        var (first, part) = Next!.Value;
        var batch = Enumerable.Range(first, Math.Min(BatchSize, Count - first));
        return [.. batch.Where(row => part < 0 || (Threat.Epsilon > 0 && IsLeft(row, part)))];
    }

    /// <summary>The clean images, one entry a point; null where the network has not been asked yet.</summary>
    public CleanPoint?[] Clean { get; }

    public int Classes { get; private set; }
    public double Spread { get; private set; }
    public double BatchSpread { get; private set; }
    public Tensor Examples => examples!;
    public bool IsRight(int row) => Clean[row] is { Right: true };

    /// <summary>Whether nothing so far has broken a point.</summary>
    public bool IsRobust(int row) => IsRight(row) && !Parts.Any(part => part.Broke(row));

    /// <summary>The parts before one whose broken points it does not get.</summary>
    public IEnumerable<PartResult> Before(int part) =>
        Parts.Take(part).Where(other => options.IsSequential || other.Attack == Parts[part].Attack);

    /// <exception cref="DataFileException">They are none of this evaluation.</exception>
    public void Restore(IEnumerable<EvaluationStep> found, string path)
    {
        foreach (var step in found)
        {
            if (Fault(step) is { } fault) throw new DataFileException(path, $"what step {Steps} of this evaluation finds", fault);
            Take(step);
        }
    }

    /// <summary>Adds what the next step has found, of an attack with its points [rows,...].</summary>
    public void Add(EvaluationStep step, Tensor? points = null)
    {
        if (examples is not null && points is not null)
        {
            using var scope = NewDisposeScope();
            var broken = FirstBroken(step).ToArray();
            if (broken.Length > 0)
                step = step with { Examples = stack(broken.Select(i => points[i])).to(examples.dtype, CPU).contiguous().bytes.ToArray() };
        }
        file?.Append(step);
        Take(step);
    }

    public void Dispose()
    {
        examples?.Dispose();
        file?.Dispose();
    }

    /// <summary>How often the attacks may still ask about a point; null for as often as they want.</summary>
    public long? QueriesLeft(int row) => options.QueryBudget is not { } budget ? null
        : budget - Parts.Where(part => part.Ran(row)).Sum(part => part.Points[row]!.Forward ?? budget);

    // Whether a part is to be run on a point: it is right, no part that counts has broken it, and it may be asked about.
    private bool IsLeft(int row, int part) => IsRight(row) && !Before(part).Any(other => other.Broke(row))
        && !(QueriesLeft(row) < Parts[part].Part.Samples);

    private void Take(EvaluationStep step)
    {
        var part = Next!.Value.Part;
        if (part < 0)
        {
            Classes = step.Classes;
            if (Steps == 0) (Spread, BatchSpread) = (step.Spread, step.BatchSpread);
            for (var i = 0; i < step.Rows.Length; i++) Clean[step.Rows[i]] = step.Clean[i];
        }
        else
        {
            if (step.Examples.Length > 0)
            {
                using var scope = NewDisposeScope();
                int[] broken = [.. FirstBroken(step)];
                var size = step.Examples.Length / broken.Length;
                for (var n = 0; n < broken.Length; n++) step.Examples.AsSpan(n * size, size).CopyTo(examples![step.Rows[broken[n]]].bytes);
            }
            for (var i = 0; i < step.Rows.Length; i++) Parts[part].Points[step.Rows[i]] = step.Attacked[i];
        }
        steps?.Add(step);
        Steps++;
    }

    // Which of a step's points are broken for the first time.
    private IEnumerable<int> FirstBroken(EvaluationStep step) => Enumerable.Range(0, step.Rows.Length)
        .Where(i => !step.Attacked[i].Correct && !Parts.Any(part => part.Broke(step.Rows[i])));

    // Why a step of a file cannot be the next one; null where it can.
    private string? Fault(EvaluationStep step)
    {
        if (Next is not (_, var part)) return "one step more";
        // Files may be made by others, with nulls in the arrays.
        var points = step.Clean.Select(point => (point?.Prediction, point?.Logits))
            .Concat(step.Attacked.Select(point => (point?.Prediction, point?.Logits))).ToArray();
        if (!NextRows().SequenceEqual(step.Rows) || (part < 0 ? step.Clean.Length : step.Attacked.Length) != step.Rows.Length
            || points.Length != step.Rows.Length)
            return $"{points.Length} entries of {step.Rows.Length} other images";
        var classes = Classes == 0 ? step.Classes : Classes;
        if (classes < 2 || (part < 0 && step.Classes != classes) || !points.All(each => each.Prediction >= -1 && each.Prediction < classes))
            return $"{classes} classes, or another one";
        if (points.Any(each => (each.Logits?.Length ?? 0) != (options.KeepLogits ? classes : 0))) return "another number of logits";
        var bytes = examples is null || part < 0 ? 0 : FirstBroken(step).Count() * (examples.numel() / Count * examples.element_size());
        return step.Examples.Length == bytes ? null : $"examples of {step.Examples.Length} bytes";
    }
}
