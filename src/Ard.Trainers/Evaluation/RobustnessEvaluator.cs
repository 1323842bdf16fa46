using System.Globalization;
using System.Text.Json;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Distributed;
using Ard.Trainers.Networks;
using Ard.Trainers.Settings;
using Ard.Trainers.Tensors;

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
    /// <summary>The settings.</summary>
    public EvaluationOptions Options { get; } = (options ?? new()).Validated();

    private const int ImagesToKnowBy = 32;

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
    /// <exception cref="CheckpointException">The state file is damaged or belongs to another evaluation.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RobustnessReport Evaluate(
        Module<Tensor, Tensor> model, Tensor images, Tensor labels, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ImageBatch.Check(nameof(RobustnessEvaluator), images, labels);
        return EvaluateAll(model, images, labels, progress, cancellation);
    }

    /// <summary>The same for images that are known to be sound.</summary>
    internal RobustnessReport EvaluateAll(
        Module<Tensor, Tensor> model, ImageSource images, Tensor labels, IProgress<EvaluationProgress>? progress,
        CancellationToken cancellation)
    {
        if (Options.For(model) is var fitting && fitting != Options)
            return new RobustnessEvaluator(fitting).EvaluateAll(model, images, labels, progress, cancellation);
        var report = EvaluateSubject(new(model, images, labels, [.. PointNoise.Rows(images.Count)], progress, cancellation));
        var evaluated = Options.Shard is null ? images : images.Part([.. Options.Shard.Rows(images.Count, Options.BatchSize)]);
        return SurrogateAgreement.AddTo(report, Options.AllAttacks(), evaluated, Options.BatchSize) with { Images = images.Digest() };
    }

    /// <summary>The same for images that are some of a data set: <paramref name="rows"/> says which, for their random numbers.</summary>
    internal RobustnessReport EvaluateRows(
        Module<Tensor, Tensor> model, ImageSource images, Tensor labels, IReadOnlyList<long> rows,
        IProgress<EvaluationProgress>? progress, CancellationToken cancellation) =>
        new RobustnessEvaluator(Options.For(model)).EvaluateSubject(new(model, images, labels, rows, progress, cancellation));

    private RobustnessReport EvaluateSubject(Subject subject)
    {
        var group = Options.Shard is null ? Options.Group ?? ProcessGroup.Current : ProcessGroup.Alone;
        return group.Size > 1 ? EvaluateTogether(group, subject)
            : Options.Shard is { } shard ? EvaluateShard(shard, subject)
            : EvaluateAlone(subject);
    }

    private RobustnessReport EvaluateAlone(Subject subject)
    {
        using var scope = NewDisposeScope();
        var digests = Options.StateFile is null && Options.ExamplesFile is null ? null : subject.Digests();
        using var state = Run(Options, subject, Options.StateFile is null ? null : Settings(digests!, subject.Home.Device));
        var report = Report(state, subject);
        WriteExamples(state, subject, report, digests);
        return report;
    }

    private RobustnessReport EvaluateShard(EvaluationShard shard, Subject whole)
    {
        using var scope = NewDisposeScope();
        using var state = Run(Options, shard, whole);
        return Report(state, whole.Part(shard, Options.BatchSize));
    }

    // Each process runs a shard and tells the others its steps.
    private RobustnessReport EvaluateTogether(ProcessGroup group, Subject whole)
    {
        using var scope = NewDisposeScope();
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
                using var part = Run(options, shard, group.Rank == 0 ? whole : whole with { Progress = null }, steps);
                return steps;
            }
            catch (Exception exception) when (exception is not (ArgumentException or CheckpointException or OperationCanceledException))
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
        using var all = new EvaluationState(
            Options with { StateFile = null }, whole.Images.Count,
            Options.ExamplesFile is null ? null : whole.Images.All(whole.Home.Type), null);
        foreach (var step in EvaluationShard.Join(shards, Options.BatchSize)) all.Add(step);
        var report = Report(all, whole);
        if (group.Rank == 0) WriteExamples(all, whole, report, digests);
        return report;
    }

    private void WriteExamples(
        EvaluationState state, Subject subject, RobustnessReport report, IReadOnlyDictionary<string, string>? digests)
    {
        if (Options.ExamplesFile is { } file && state.Count > 0)
            AdversarialExamplesFile.Write(file, state.Examples, subject.Rows, subject.Labels, report, Options, digests!);
    }

    private RobustnessReport Report(EvaluationState state, Subject subject)
    {
        var report = EvaluationReport.Make(state, Options) with
        {
            Labels = subject.Labels.cpu().data<long>().ToArray(),
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

    // The state file of a shard says what the whole is.
    private EvaluationState Run(
        EvaluationOptions options, EvaluationShard shard, Subject whole, ICollection<EvaluationStep>? steps = null)
    {
        var settings = options.StateFile is null ? null : Settings(whole.Digests(), whole.Home.Device);
        settings?.Add(EvaluationShard.Setting, $"{shard}");
        return Run(options, whole.Part(shard, options.BatchSize), settings, steps);
    }

    // Takes all steps that are not in the state file.
    private EvaluationState Run(
        EvaluationOptions options, Subject subject, Dictionary<string, string>? settings, ICollection<EvaluationStep>? steps = null)
    {
        Check(options, subject.Model);
        using var noGrad = no_grad();
        var state = new EvaluationState(
            options, subject.Images.Count, options.ExamplesFile is null ? null : subject.Images.All(subject.Home.Type),
            settings is null ? null : new StateHeader(
                StateFile.Version, settings, [.. subject.Rows], [.. options.AllAttacks().Select(attack => attack.Name)],
                subject.Labels.cpu().data<long>().ToArray()),
            steps);
        try
        {
            TakeSteps(state, subject);
            return state;
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    private void TakeSteps(EvaluationState state, Subject subject)
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
            var (points, truth) = ImageBatch.Take(subject.Model, subject.Images, subject.Labels, [.. places.Select(place => (long)place)]);
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
                part == state.Parts.Count - 1 ? Math.Min(first + Options.BatchSize, state.Count) : first,
                state.Count,
                Enumerable.Range(0, state.Count).Count(state.IsRobust)));
        }
    }

    // The clean images: which are right, and what is amiss with the network there.
    private EvaluationStep CleanStep(Subject subject, EvaluationState state, int[] rows, Tensor images, Tensor labels)
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
            ImageBatch.CheckClasses(nameof(RobustnessEvaluator), logits, rows.Length, subject.Labels);
            if (checkGradient) gradient = InputGradient.Take(AttackLosses.CrossEntropy(logits, labels), leaf);
        }
        logits = logits.detach();
        var checkBatch = Options.CheckNetwork && state.Steps == 0;
        var spread = checkBatch ? OutputSpread.BetweenPasses(model, images, logits) : 0;
        var batchSpread = checkBatch ? OutputSpread.BetweenBatches(model, images, logits) : 0;

        var scores = logits;
        if (state.CleanSamples is > 1 and var passes)
            scores = new AttackTarget(model, "clean", images, samples: passes).Logits(images);
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

    // The network with images, by their places in the data, and labels; and who is told.
    private sealed record Subject(
        Module<Tensor, Tensor> Model, ImageSource Images, Tensor Labels, IReadOnlyList<long> Rows,
        IProgress<EvaluationProgress>? Progress, CancellationToken Cancellation)
    {
        public (ScalarType Type, Device Device) Home => ImageBatch.Home(Model, Images);

        // Of all images those of a shard.
        public Subject Part(EvaluationShard shard, int batchSize)
        {
            long[] rows = [.. shard.Rows(Images.Count, batchSize)];
            var labels = Labels.index_select(0, tensor(rows, dtype: ScalarType.Int64, device: Labels.device));
            return this with { Images = Images.Part(rows), Labels = labels, Rows = [.. rows.Select(row => Rows[(int)row])] };
        }

        // Of a model that can only be asked is known what it says of the first images.
        public Dictionary<string, string> Digests()
        {
            using var scope = NewDisposeScope();
            return new()
            {
                ["network"] = Model is BlackBoxModel
                    ? EvaluationReport.Asked + TensorDigest.Compute(Model.call(
                        ImageBatch.Take(Model, Images, Labels, [.. PointNoise.Rows(Math.Min(ImagesToKnowBy, Images.Count))]).Images))
                    : $"{Model.GetType().FullName} {TensorDigest.Compute(Model)}",
                ["images"] = Images.Digest(),
                ["labels"] = TensorDigest.Compute(Labels),
            };
        }
    }
}
