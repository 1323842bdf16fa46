namespace Ard.Trainers.Evaluation;

/// <summary>How many images a network gets right under one corruption at one severity, from 1 to 5.</summary>
internal sealed record CorruptionResult(string Name, int Severity, int CorrectCount);

/// <summary>What a network gets right of clean and of corrupted images: by noise, blur, weather and compression, no adversary.</summary>
public sealed record CorruptionReport : IJsonOnDeserialized
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    [JsonConstructor]
    internal CorruptionReport(int images, int cleanCount, IReadOnlyList<CorruptionResult> results) =>
        (Images, CleanCount, Results) = (images, cleanCount, results);

    /// <summary>How many images there are, the same for each corruption and severity; one or more.</summary>
    public int Images { get; }

    /// <summary>How many of them the network gets right as they are.</summary>
    public int CleanCount { get; }

    [JsonInclude]
    internal IReadOnlyList<CorruptionResult> Results { get; }

    /// <summary>The corruptions that were tried, such as <c>fog</c>.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Names => [.. Results.Select(result => result.Name).Distinct()];

    /// <summary>The mean of the accuracies over all corruptions and severities, from 0 to 1.</summary>
    [JsonIgnore]
    public double MeanAccuracy => Names.Average(name => Accuracy(name));

    /// <summary>The share of images that the network gets right under a corruption, from 0 to 1.</summary>
    /// <param name="name">The corruption.</param>
    /// <param name="severity">From 1 to 5. Default null: the mean over them.</param>
    /// <exception cref="KeyNotFoundException">It was not tried; the message names those that were.</exception>
    public double Accuracy(string name, int? severity = null)
    {
        var own = Results.Where(result => result.Name == name && (severity is null || result.Severity == severity)).ToArray();
        return own.Length > 0 ? own.Average(result => (double)result.CorrectCount / Images)
            : throw new KeyNotFoundException($"No result for '{name}': found {string.Join(", ", Names)}.");
    }

    /// <summary>
    /// The mean corruption error of Hendrycks and Dietterich (ICLR 2019): the errors of each corruption over all severities, divided by
    /// those of a baseline network, and the mean over the corruptions; 1 where both are equally good.
    /// </summary>
    /// <param name="baseline">The report of the baseline.</param>
    /// <exception cref="ArgumentException">It has other corruptions, or makes no error under one of them.</exception>
    public double MeanCorruptionError(CorruptionReport baseline)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        if (!baseline.Results.Select(Kind).Order().SequenceEqual(Results.Select(Kind).Order()))
            throw new ArgumentException(
                $"The baseline has the corruptions [{string.Join(", ", baseline.Names)}], expected [{string.Join(", ", Names)}], "
                + "at the same severities.", nameof(baseline));
        if (Names.FirstOrDefault(name => baseline.Accuracy(name) == 1) is { } without)
            throw new ArgumentException(
                $"The baseline makes no error under {without}, which cannot be the unit of others.", nameof(baseline));
        return Names.Average(name => (1 - Accuracy(name)) / (1 - baseline.Accuracy(name)));

        static (string, int) Kind(CorruptionResult result) => (result.Name, result.Severity);
    }

    /// <summary>Evaluates a network on clean and on corrupted images; it is left as it was found.</summary>
    /// <param name="model">Images [N,C,H,W] to logits [N,classes].</param>
    /// <param name="images">[N,C,H,W], one or more, of one channel or three, at least 16 by 16: bytes, or floating point in [0,1].</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="names">The corruptions. Default all of <see cref="Corruption.Names"/>.</param>
    /// <param name="folder">
    /// Where the corrupted images are, in the files of CIFAR-10-C or CIFAR-100-C: <c>fog.npy</c> and so on, each with all test images at
    /// the severities 1 to 5, one after another, and <c>labels.npy</c>; of fewer images the first of each severity are taken. Default
    /// null: they are made here, see <see cref="Corruption"/>.
    /// </param>
    /// <param name="seed">The seed of what is random, by which and by its place alone an image is changed. Default 0.</param>
    /// <param name="progress">Told after each corruption at each severity.</param>
    /// <param name="cancellation">Checked before each batch.</param>
    /// <inheritdoc cref="RobustnessEvaluator.Evaluate" path="/exception"/>
    /// <exception cref="DataFileException">A file is missing or not sound, or of other images.</exception>
    public static CorruptionReport Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, IReadOnlyList<string>? names = null, string? folder = null,
        long seed = 0, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default) =>
        EvaluateSubject(
            EvaluationSubject.Checked(nameof(CorruptionReport), model, images, labels, progress, cancellation), names, folder, seed);

    internal static CorruptionReport EvaluateSubject(EvaluationSubject subject, IReadOnlyList<string>? names, string? folder, long seed)
    {
        names ??= Corruption.Names;
        if (subject.Count == 0) throw new ArgumentException($"{nameof(CorruptionReport)}: there are no images, expected one or more.");
        if (names.Count == 0 || names.Except(Corruption.Names).Any() || names.Distinct().Count() < names.Count)
            throw new ArgumentException(
                $"{nameof(CorruptionReport)}: the corruptions are [{string.Join(", ", names)}], "
                + $"expected some of {string.Join(", ", Corruption.Names)}, each once.", nameof(names));
        using var memory = new PutBack(FreedMemory.Return);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Also what the network draws itself.
        using var random = new GlobalRandomState(seed, subject.Home.Device);
        var truth = subject.Truth;
        var results = new List<CorruptionResult>();
        var clean = Count(subject.Images.Rows);
        foreach (var name in names)
        {
            using var file = folder is null ? null : Open(Path.Combine(folder, name + ".npy"), truth);
            for (var severity = 1; severity <= Corruption.Severities; severity++)
            {
                var right = Count(file is null ? Made : rows => Read(file, rows));
                results.Add(new(name, severity, right));
                subject.Progress?.Report(new($"{name} {severity}", results.Count, names.Count * Corruption.Severities, right));

                Tensor Made(long[] rows) => Corruption.Apply(
                    name, subject.Images.Rows(rows), severity, new PointNoise(Seed(seed, name, severity), rows));

                Tensor Read(ImageDataset data, long[] rows)
                {
                    var first = (severity - 1) * (data.Count / Corruption.Severities);
                    return data.Rows(tensor(rows.Select(row => first + row).ToArray()));
                }
            }
        }
        return new(subject.Count, clean, results);

        int Count(Func<long[], Tensor> images) => subject.CountOf(truth, subject.BatchSize, images);
    }

    // Unrelated noise for each.
    private static long Seed(long seed, string name, int severity) =>
        unchecked(seed * 1000 + Corruption.Names.ToList().IndexOf(name) * 10 + severity);

    private static ImageDataset Open(string path, long[] truth)
    {
        var data = Npy.Load(path, DataSplit.Test);
        var block = data.Count / Corruption.Severities;
        var labels = data.Labels.data<long>().ToArray();
        if (data.Count % Corruption.Severities == 0 && block >= truth.Length
            && Enumerable.Range(0, Corruption.Severities).All(at => labels.AsSpan((int)(at * block), truth.Length).SequenceEqual(truth)))
            return data;
        data.Dispose();
        throw new DataFileException(
            path, 0, $"{Corruption.Severities} times the labels of the {truth.Length} clean images", $"{labels.Length} labels, or others");
    }

    /// <summary>All of it as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads a file of <see cref="ToJson"/>.</summary>
    /// <exception cref="FormatException">The file is no such report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static CorruptionReport Read(string path) => EvaluationSummary.Read(
        path, "a report on corruptions", stream => JsonSerializer.Deserialize<CorruptionReport>(stream, Json));

    void IJsonOnDeserialized.OnDeserialized()
    {
        if (Images < 1 || CleanCount < 0 || CleanCount > Images || Results.Count == 0
            || Results.Any(result => result is not { Severity: >= 1 and <= Corruption.Severities, CorrectCount: >= 0 }
                || result.CorrectCount > Images))
            throw new JsonException("counts that are none of so many images");
    }
}
