namespace Ard.Trainers.Evaluation;

/// <summary>
/// Measures how many points a network still gets right under attack. Each attack runs on the points whose clean image the network gets
/// right. What is found of a point depends on the seed and its place in the data, and but for rounding not on the batch size nor on the
/// other points.
/// </summary>
/// <remarks>
/// A flag of the report is a sign that a figure may be wrong. Two of them decide how points are counted. Where the network's output is not
/// finite (NaN or infinity) it names no class: such an image counts as wrong, and one at which an attack met such outputs, at its point or
/// on its way there, as broken, also where that way led outside of the budget: the accuracies are then too low rather than too high. A
/// point of an attack that lies beyond the budget or outside [0,1] is projected back before the network is asked.
/// </remarks>
/// <param name="options">The settings; default FGSM and PGD-20 (of a <see cref="BlackBox"/> Square), Linf 8/255.</param>
/// <exception cref="ArgumentException">A setting is wrong.</exception>
public sealed class RobustnessEvaluator(EvaluationOptions? options = null)
{
    internal EvaluationOptions Options { get; } = (options ?? new()).WithThreat();
    private ThreatModel Threat => Options.ThreatOrDefault;

    /// <summary>Evaluates a network, which is left as it was found.</summary>
    /// <param name="model">Images [N,...] to logits [N,classes].</param>
    /// <param name="images">[N,...], usually [N,C,H,W]: bytes, which are divided by 255, or floating point in [0,1].</param>
    /// <param name="labels">The true classes, int64 [N].</param>
    /// <param name="progress">Told after each attack on each batch.</param>
    /// <param name="cancellation">
    /// Checked before each attack on each batch and before each of an attack's forward passes. What is done by then is in the state file.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Images or labels are not as described (the message names every fault), or the labels are no classes of the network, or it has one
    /// output only, or it is a <see cref="BlackBox"/> and an attack needs gradients.
    /// </exception>
    /// <exception cref="InvalidOperationException">Outputs of network or attack are of another shape, or a black box failed.</exception>
    /// <exception cref="DataFileException">The state file is damaged or belongs to another evaluation.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RobustnessReport Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default) =>
        EvaluateSubject(EvaluationSubject.Checked(nameof(RobustnessEvaluator), model, images, labels, progress, cancellation));

    internal RobustnessReport EvaluateSubject(EvaluationSubject subject)
    {
        if (Options.For(subject) is var fitting && fitting != Options) return new RobustnessEvaluator(fitting).EvaluateSubject(subject);
        using var scope = NewDisposeScope();
        var (report, attacks, evaluated) = (EvaluateRows(subject), Options.AllAttacks(), Part(subject, Options.Shard));
        return report with
        {
            Attacks = [.. report.Attacks.Zip(attacks, (result, attack) => attack is Transfer { Surrogate: var surrogate }
                ? result with { SurrogateAgreement = Agreement(evaluated with { Model = surrogate }, report.Clean) } : result)],
            Images = subject.Images.Digest(),
        };
    }

    // The share of images of which a surrogate says the same as the network in question; null where there are none.
    private double? Agreement(EvaluationSubject surrogate, AttackResult clean) => surrogate.Count == 0 ? null
        : (double)surrogate.CountOf(clean.Predictions, BatchSize, surrogate.Images.Rows) / surrogate.Count;

    /// <summary>The same for images that are some of a data set, whose digest is not wanted.</summary>
    internal RobustnessReport EvaluateRows(EvaluationSubject subject)
    {
        if (Options.For(subject) is var fitting && fitting != Options) return new RobustnessEvaluator(fitting).EvaluateRows(subject);
        using var memory = new PutBack(FreedMemory.Return);
        var group = Options.OwnGroup;
        using var scope = NewDisposeScope();
        if (group.Size > 1) return EvaluateTogether(group, subject);
        var digests = Options.StateFile is null && Options.ExamplesFile is null ? null : subject.Digests();
        var part = Part(subject, Options.Shard);
        using var state = Run(Options, part, Options.Shard, digests);
        var report = Report(state, part);
        if (Options.Shard is null) WriteExamples(state, part, report, digests);
        return report;
    }

    // Each process runs a shard and tells the others its steps.
    private RobustnessReport EvaluateTogether(ProcessGroup group, EvaluationSubject whole)
    {
        using var noGrad = no_grad();
        var digests = whole.Digests();
        group.RequireSame(nameof(RobustnessEvaluator), Settings(digests, whole.Home.Device));
        var shard = new EvaluationShard(group.Rank + 1, group.Size);
        var options = Options with { StateFile = Options.StateFile is { } file ? $"{file}.{shard.Number}-of-{shard.Count}" : null };
        var own = group.Together(() =>
        {
            try
            {
                var steps = new List<EvaluationStep>();
                var subject = Part(group.Rank == 0 ? whole : whole with { Progress = null }, shard);
                using var part = Run(options, subject, shard, digests, steps);
                return steps;
            }
            catch (Exception exception) when (exception is not (ArgumentException or DataFileException or OperationCanceledException))
            {
                // The others would go on to the ends of theirs before they hear of it.
                group.Abort(exception.ToString());
                throw;
            }
        });
        EvaluationStep[][] shards =
        [
            .. Enumerable.Range(0, group.Size).Select(rank => JsonSerializer.Deserialize<EvaluationStep[]>(
                group.BroadcastArray(rank == group.Rank ? JsonSerializer.SerializeToUtf8Bytes(own, StateFile.Json) : null, rank),
                StateFile.Json)!),
        ];
        using var all = new EvaluationState(Options with { StateFile = null }, whole.Count, Examples(whole), null);
        foreach (var step in EvaluationShard.Join(shards, BatchSize)) all.Add(step);
        var report = Report(all, whole);
        if (group.Rank == 0) WriteExamples(all, whole, report, digests);
        return report;
    }

    private EvaluationSubject Part(EvaluationSubject whole, EvaluationShard? shard) =>
        shard is null ? whole : whole.Part([.. shard.Rows(whole.Count, BatchSize)]);

    private int BatchSize => Options.BatchSize!.Value;

    // What becomes the examples, where they are asked for.
    private Tensor? Examples(EvaluationSubject subject) => Options.ExamplesFile is null ? null : subject.Images.All(subject.Home.Type);

    private void WriteExamples(
        EvaluationState state, EvaluationSubject subject, RobustnessReport report, IReadOnlyDictionary<string, string>? digests)
    {
        if (Options.ExamplesFile is { } file && state.Count > 0)
            AdversarialExamplesFile.Write(file, state.Examples, subject.Rows, subject.Labels, report, Options, digests!);
    }

    private RobustnessReport Report(EvaluationState state, EvaluationSubject subject)
    {
        var report = EvaluationReport.Make(state, Options) with
        {
            Labels = subject.Truth,
            Settings = [.. Settings().Select(setting => $"{setting.Name}: {setting.Value}")],
        };
        return subject.Model is BlackBoxModel ? EvaluationReport.ForBlackBox(report, Options.QueryBudget) : report;
    }

    /// <exception cref="ArgumentException">The settings are for another kind of model.</exception>
    internal static void Check(EvaluationOptions options, Module<Tensor, Tensor> model)
    {
        var fault = options.QueryBudget is not null && model is not BlackBoxModel
            ? "QueryBudget is set, and the network can be looked into: expected a model that can only be asked"
            : Attack.NeedsMissingGradient(model, options.AllAttacks(), options.ThreatOrDefault.Norm);
        if (fault is not null) throw new ArgumentException($"{nameof(RobustnessEvaluator)}: {fault}.");
    }

    // Takes all steps that are not in the state file, which says of a shard what the whole is.
    private EvaluationState Run(
        EvaluationOptions options, EvaluationSubject part, EvaluationShard? shard, IReadOnlyDictionary<string, string>? digests,
        ICollection<EvaluationStep>? steps = null)
    {
        Check(options, part.Model);
        using var noGrad = no_grad();
        StateHeader? header = null;
        if (options.StateFile is not null)
        {
            var settings = Settings(digests!, part.Home.Device);
            if (shard is not null) settings.Add(EvaluationShard.Setting, $"{shard}");
            string[] attacks = [.. options.AllAttacks().Select(attack => attack.Name)];
            header = new(StateFile.Version, settings, [.. part.Rows], attacks, part.Truth);
        }
        return new EvaluationState(options, part.Count, Examples(part), header, steps).OrDispose(state => TakeSteps(state, part));
    }

    private void TakeSteps(EvaluationState state, EvaluationSubject subject)
    {
        using var random = new GlobalRandomState();
        var device = subject.Home.Device;
        while (state.Next is var (first, part))
        {
            subject.Cancellation.ThrowIfCancellationRequested();
            // What a network draws depends on neither the steps before, which a state file may have, nor on the process.
            GlobalRandomState.Seed(
                unchecked(Options.Seed * (long)0x9E3779B97F4A7C15 + subject.Rows[first] * 0x632BE59BD9B4E019 + part), device);
            using var stepScope = NewDisposeScope();
            var places = state.NextRows();
            var (points, truth) = subject.Take([.. places.Select(place => (long)place)]);
            if (part < 0) state.Add(CleanStep(subject, state, places, points, truth));
            else if (places.Length == 0) state.Add(new EvaluationStep { Rows = [] });
            else
            {
                // Only these are attacked: the adversary has no need to move the others.
                var noise = new PointNoise(Options.Seed, places.Select(place => subject.Rows[place]));
                var found = state.Parts[part].Part.RunPart(
                    subject.Model, points, truth, Threat, noise, tellFaults: true, subject.Cancellation,
                    places.Min(place => state.QueriesLeft(place)));
                state.Add(
                    new EvaluationStep
                    {
                        Rows = places,
                        Attacked = [.. found.Each.Zip(Logits(found.Logits), (point, logits) => point with { Logits = logits })],
                    },
                    found.Points);
            }
            subject.Progress?.Report(new EvaluationProgress(
                part < 0 ? "clean" : state.Parts[part].Title,
                part == state.Parts.Count - 1 ? Math.Min(first + BatchSize, state.Count) : first,
                state.Count,
                Enumerable.Range(0, state.Count).Count(state.IsRobust)));
        }
    }

    // The clean images: which are right, and what is amiss with the network there.
    private EvaluationStep CleanStep(EvaluationSubject subject, EvaluationState state, int[] rows, Tensor images, Tensor labels)
    {
        var model = subject.Model;
        using var borrowed = ModelState.Borrow(model);
        Tensor logits;
        Tensor? gradient = null;
        // None is looked for where none is meant to be.
        var checkGradient = Options.CheckNetwork && model is not BlackBoxModel;
        using (checkGradient ? enable_grad() : no_grad())
        {
            var leaf = checkGradient ? images.detach().requires_grad_() : images;
            logits = model.call(leaf);
            ImageBatch.CheckClasses(subject.Author, logits, rows.Length, subject.Labels);
            if (checkGradient) gradient = InputGradient.Take(AttackLosses.CrossEntropy(logits, labels), leaf);
        }
        logits = logits.detach();
        var checkBatch = Options.CheckNetwork && state.Steps == 0;
        var spread = checkBatch ? OutputSpread.BetweenPasses(model, images, logits) : 0;
        var batchSpread = checkBatch ? OutputSpread.BetweenBatches(model, images, logits) : 0;

        var scores = logits;
        if (state.CleanSamples is > 1 and var passes) scores = new AttackTarget(model, "clean", images, samples: passes).Logits(images);
        var prediction = AttackTarget.Predictions(scores);
        var probability = logits.Ge(0).all(1).logical_and(logits.sum(1).Minus(1).abs().Lt(1e-4));
        var (numbers, count) = (
            stack([prediction, prediction.eq(labels), probability]).to(ScalarType.Int64).cpu().data<long>().ToArray(), rows.Length);
        var faults = gradient is null ? null : InputGradient.ToFlags(InputGradient.Faults(gradient));
        return new EvaluationStep
        {
            Rows = rows,
            Classes = (int)logits.shape[1],
            Spread = spread,
            BatchSpread = batchSpread,
            Clean =
            [
                .. Logits(scores).Select((floats, i) => new CleanPoint(numbers[count + i] != 0, numbers[i])
                {
                    Probability = Options.CheckNetwork && numbers[2 * count + i] != 0,
                    // Where the network is wrong no gradient is needed.
                    GradientFaults = checkGradient && numbers[count + i] != 0 ? faults?[i] ?? GradientFaults.Missing : 0,
                    Logits = floats,
                }),
            ],
        };
    }

    private Dictionary<string, string> Settings(IReadOnlyDictionary<string, string> digests, Device device) =>
        new(digests.Concat(Settings().Select(setting => KeyValuePair.Create(setting.Name, setting.Value))))
        {
            [nameof(Options.KeepLogits)] = $"{Options.KeepLogits}",
            [nameof(Options.ExamplesFile)] = Options.ExamplesFile is null ? "none" : "one",
            ["kind of device"] = $"{device.type}",
        };

    /// <summary>The options that say what is computed.</summary>
    internal IEnumerable<(string Name, string Value)> Settings() =>
    [
        (nameof(Threat), string.Create(CultureInfo.InvariantCulture, $"{Threat.Norm} {Threat.Epsilon:R}")),
        (nameof(Options.Attacks), string.Join(", ", Options.AllAttacks().Select(attack => attack.DescriptionIn(Threat.Norm)))),
        (nameof(Options.BatchSize), $"{Options.BatchSize}"),
        (nameof(Options.Seed), $"{Options.Seed}"),
        (nameof(Options.Sequential), $"{Options.Sequential}"),
        (nameof(Options.CheckNetwork), $"{Options.CheckNetwork}"),
        // Files of before have none.
        .. Options.QueryBudget is { } budget ? [(nameof(Options.QueryBudget), $"{budget}")] : Array.Empty<(string, string)>(),
    ];

    // The logits of each image, where they are kept.
    private IEnumerable<float[]?> Logits(Tensor logits) => Options.KeepLogits
        ? logits.to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray().Chunk((int)logits.shape[1])
        : Enumerable.Repeat<float[]?>(null, (int)logits.shape[0]);
}
