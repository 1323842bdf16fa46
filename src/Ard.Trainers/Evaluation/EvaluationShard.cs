namespace Ard.Trainers.Evaluation;

/// <summary>
/// A part of an evaluation that runs by itself, on another machine say: the i-th of n shards has every n-th batch, from the i-th on. Its
/// images keep their numbers in the whole data set, and so their random starts; <see cref="Merge"/> joins the state files of all shards.
/// </summary>
/// <param name="Number">i, from 1.</param>
/// <param name="Count">n.</param>
public sealed record EvaluationShard(int Number, int Count)
{
    internal const string Setting = "shard";

    /// <summary>
    /// Reads a shard such as <c>3/8</c>; of <c>/8</c> the number is that of this task in a Slurm array (SLURM_ARRAY_TASK_ID, counted from
    /// SLURM_ARRAY_TASK_MIN) or in an indexed job of Kubernetes (JOB_COMPLETION_INDEX, from 0).
    /// </summary>
    /// <param name="text">The text.</param>
    /// <exception cref="ArgumentException">It is neither, or there is no such variable.</exception>
    public static EvaluationShard Parse(string text) => Parse(text, Environment.GetEnvironmentVariable);

    internal static EvaluationShard Parse(string text, Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split('/');
        var number = parts is ["", _]
            ? (Variable("SLURM_ARRAY_TASK_ID") - (Variable("SLURM_ARRAY_TASK_MIN") ?? 0) ?? Variable("JOB_COMPLETION_INDEX")) + 1
                ?? throw new ArgumentException(
                    $"Shard '{text}': expected SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX in the environment, or a number before the /.")
            : Whole(parts[0]);
        var shard = new EvaluationShard(number ?? 0, (parts.Length == 2 ? Whole(parts[1]) : null) ?? 0);
        return shard.Fault is null ? shard : throw new ArgumentException($"Shard '{text}': expected i/n, from 1/n to n/n, or /n.");

        int? Variable(string name) => variable(name) is { } value ? Whole(value) : null;
    }

    private static int? Whole(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) ? whole : null;

    /// <summary>Such as <c>3 of 8</c>.</summary>
    public override string ToString() => $"{Number} of {Count}";

    internal string? Fault => Number >= 1 && Number <= Count ? null : $"Shard is {Number} of {Count}, expected 1 of n to n of n";

    /// <summary>The places of its images among so many.</summary>
    internal IEnumerable<long> Rows(long images, int batchSize) =>
        PointNoise.Rows(images).Chunk(batchSize).Where((_, batch) => batch % Count == Number - 1).SelectMany(rows => rows);

    /// <summary>Joins the state files of all shards to the one that a single process would have written, and makes its report.</summary>
    /// <param name="files">The files of the shards, in any order.</param>
    /// <param name="target">The file to write. The same evaluation without a shard goes on from it, with nothing left to compute.</param>
    /// <returns>
    /// The report; null where an attack is none of <see cref="AttackCatalog"/>: then the same evaluation without a shard makes it.
    /// </returns>
    /// <exception cref="DataFileException">
    /// A file is damaged, of no shard, of another evaluation, or not finished, or shards are missing; the message says what and which.
    /// </exception>
    public static RobustnessReport? Merge(IEnumerable<string> files, string target)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(target);
        var found = new SortedDictionary<int, (StateHeader Header, IReadOnlyList<EvaluationStep> Steps)>();
        (string Path, int Count, Dictionary<string, string> Settings)? first = null;
        foreach (var path in files)
        {
            var contents = StateFile.Read(path);
            var text = contents.Header.Settings.GetValueOrDefault(Setting)?.Replace(" of ", "/", StringComparison.Ordinal);
            var shard = OptionsValidator.Try(() => Parse(text ?? "", _ => null), out _)
                ?? throw new DataFileException(path, "the state of a shard", "that of a whole evaluation");
            var settings = contents.Header.Settings.Where(pair => pair.Key != Setting).ToDictionary();
            first ??= (path, shard.Count, settings);
            var differences = OptionsText.Differences(settings, first.Value.Settings, "here", "there").ToList();
            if (shard.Count != first.Value.Count) differences.Add($"shards: {shard.Count} here, {first.Value.Count} there");
            if (differences.Count > 0)
                throw new DataFileException(path, $"a shard of the evaluation of {first.Value.Path}", string.Join("; ", differences));
            if (!found.TryAdd(shard.Number, contents)) throw new DataFileException(path, "each shard once", $"shard {shard} again");
        }
        if (first is not var (_, shards, values)) throw new DataFileException(target, "the state files of shards to make it of", "none");
        var missing = Enumerable.Range(1, shards).Where(number => !found.ContainsKey(number)).ToArray();
        if (missing.Length > 0)
            throw new DataFileException(target, $"all of {shards} shards to make it of", $"none of shard {string.Join(", ", missing)}");
        if (Whole(values.GetValueOrDefault(nameof(EvaluationOptions.BatchSize)) ?? "") is not (> 0 and var batchSize))
            throw new DataFileException(target, "shards with the size of their batches", "none");
        var most = found.Values.SelectMany(contents => Batches(contents.Steps)).Select(batch => batch.Length).DefaultIfEmpty().Max();
        foreach (var (number, (header, steps)) in found)
        {
            EvaluationStep[][] batches = [.. Batches(steps)];
            if (batches.Length != (header.Rows.Length + batchSize - 1) / batchSize || batches.Any(batch => batch.Length < most)
                || batches.Sum(batch => batch[0].Rows.Length) != header.Rows.Length)
                throw Unfinished(number);
        }
        var each = found.Values.SelectMany(contents => contents.Header.Rows.Zip(contents.Header.Labels))
            .OrderBy(image => image.First).ToArray();
        var whole = new StateHeader(
            StateFile.Version, values, [.. each.Select(image => image.First)], found[1].Header.Attacks,
            [.. each.Select(image => image.Second)]);
        EvaluationStep[] all = [.. Join([.. found.Values.Select(contents => contents.Steps)], batchSize)];
        var report = EvaluationReport.Read(target, whole, all, out var isWhole);
        if (!isWhole) throw Unfinished(1);
        StateFile.Write(target, whole, all);
        return report;

        DataFileException Unfinished(int number) =>
            new(target, "shards that are finished", $"shard {number}, which is not: start it again");
    }

    /// <summary>The steps of all shards in the order of the whole evaluation, with the places that images have in it.</summary>
    internal static IEnumerable<EvaluationStep> Join(IReadOnlyList<IReadOnlyList<EvaluationStep>> shards, int batchSize)
    {
        var batches = shards.Select(steps => Batches(steps).ToArray()).ToArray();
        for (var batch = 0; batch < batches.Sum(each => each.Length); batch++)
        {
            var (place, shard) = Math.DivRem(batch, shards.Count);
            var shift = (batch - place) * batchSize;
            foreach (var step in batches[shard][place]) yield return step with { Rows = [.. step.Rows.Select(row => row + shift)] };
        }
    }

    // Each begins with its clean images.
    private static IEnumerable<EvaluationStep[]> Batches(IReadOnlyList<EvaluationStep> steps)
    {
        int[] starts = [.. steps.Index().Where(step => step.Index == 0 || step.Item.Classes > 0).Select(step => step.Index)];
        return starts.Zip(starts.Skip(1).Append(steps.Count), (start, end) => steps.Take(start..end).ToArray());
    }
}
