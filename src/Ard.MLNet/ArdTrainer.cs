using Ard.Trainers.Distributed;
using Microsoft.ML.Runtime;

namespace Ard.MLNet;

/// <summary>
/// Trains a robust classifier of images as an estimator: by adversarially robust distillation (Goldblum, Fowl, Feizi and Goldstein, AAAI
/// 2020), which trains a small network, the student, on adversarial images with the help of a robust teacher, or by adversarial training
/// (Madry et al., ICLR 2018), which needs none. Every other method of <see cref="ObjectiveCatalog"/>, or one of your own, is
/// <see cref="ArdTrainerOptions.Method"/> away. Images are read once, and take one byte a pixel value where all values are multiples of
/// 1/255 (as of all images of 8 bits), else four.
/// </summary>
public sealed class ArdTrainer : IEstimator<ImageClassifierTransformer>
{
    private readonly IHostEnvironment env;
    private readonly IHost host;
    private readonly ArdTrainerOptions options;
    private readonly long seed;

    internal ArdTrainer(IHostEnvironment env, ArdTrainerOptions options, string usualMethod = "ard")
    {
        ArgumentNullException.ThrowIfNull(env);
        ArgumentNullException.ThrowIfNull(options);
        (this.env, this.options) = (env, (options with { Method = options.Method ?? usualMethod }).Validated());
        host = env.Register(nameof(ArdTrainer));
        seed = options.Seed ?? host.Rand.NextInt64();
    }

    /// <summary>The columns after <see cref="Fit"/>: Score and PredictedLabel are added, which is a key of the label's values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return PromisedShapes.OfTrainer(env, inputSchema, options.FeatureColumnName, options.LabelColumnName);
    }

    /// <summary>Trains the network.</summary>
    /// <param name="input">
    /// Rows with the feature and the label column. They are read once; of a label that is no key, the values once before.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidOperationException">
    /// There are no rows, all of one class, a label is missing, a pixel is not in [0,1], or the network or the teacher does not fit the
    /// images and classes.
    /// </exception>
    /// <exception cref="TrainingDivergedException">The loss or the weights became NaN or infinite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the options say throw.</exception>
    public ImageClassifierTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var seed = SeedOfAll();
        var keys = Group.Together(() => LabelKeys.Learn(env, input, options.LabelColumnName));
        input = keys?.Transform(input) ?? input;
        var label = SchemaErrors.Find(input.Schema, "label", options.LabelColumnName);
        var features = SchemaErrors.Find(input.Schema, "feature", options.FeatureColumnName);
        ImageReader.CheckClasses(input, label);
        var labels = ClassLabels.Read(label);
        var format = options.Layout.Resolve(features.Name, features.Type, options.Network.Spec);
        using var channel = ((IChannelProvider)host).Start("Training");
        // What one process cannot read ends all.
        using var data = Group.Together(() => ImageReader.Read(
            input, features.Name, label.Name, format, labels, options.ImageFile, options.MostInMemory));
        channel.Info(MessageSensitivity.None, WhereKept(data));
        if (keys is not null && labels.KindName == "float" && labels.Names.Index().Any(each => $"{each.Index}" != each.Item))
            channel.Warning(
                MessageSensitivity.None,
                $"The labels are the numbers {string.Join(", ", labels.Names.Take(10))}: ML.NET's own Evaluate takes such a column for"
                + " the places of the classes, from 0; MapValueToKey in front of the trainer makes it a key.");
        using var validation = Group.Together(() => ReadValidation(format, labels));
        using var auxiliary = Group.Together(() => ReadAuxiliary(format, labels));

        var definition = options.Network.For(format, labels.Count);
        return definition.Build(seed).OrDispose(network =>
        {
            CheckNetwork(network, $"The network {definition}", format, labels.Count);
            if (definition.Spec is null) CheckRegistered(network, definition, format, seed);
            var result = Train(network, definition, data, validation, auxiliary, format, labels, channel, seed);
            var scoring = new Scoring.Classifier(network, definition, format, labels, options.FeatureColumnName, options.ScoringBatchSize);
            return new ImageClassifierTransformer(scoring, result);
        });
    }

    private string WhereKept(ImageDataset data)
    {
        var megabytes = data.Shape.Aggregate(data.ElementBytes, (all, size) => all * size) / 1e6;
        return FormattableString.Invariant($"{data.Count} images, {megabytes:F0} MB, ")
            + (data.MappedFrom is not { } file ? "in memory"
                : options.ImageFile is not null ? $"in the file {file}"
                : FormattableString.Invariant($"in the temporary file {file}: memory has room for {options.MostInMemory / 1e6:F0} MB"));
    }

    private ProcessGroup Group => options.Training.Group ?? ProcessGroup.Current;

    // Processes that train together without a seed have drawn different ones.
    private long SeedOfAll() => BitConverter.ToInt64(Group.BroadcastArray(BitConverter.GetBytes(seed)));

    private TrainingResult Train(
        Module<Tensor, Tensor> network, NetworkDefinition definition, ImageDataset data, ImageDataset? validation, ImageDataset? auxiliary,
        PixelFormat format, ClassLabels labels, IChannel channel, long seed)
    {
        var objective = options.ChosenObjective(format.Channels);
        var more = options.Training.Auxiliary;
        if (auxiliary is not null)
        {
            more ??= new();
            more = more with { Images = auxiliary, TeacherLabels = more.TeacherLabels || !auxiliary.IsLabelled };
        }
        var needsTeacher = objective.NeedsTeacher || more is { TeacherLabels: true, Share: > 0 };
        if (options.Teacher is not null && !needsTeacher)
            channel.Warning(MessageSensitivity.None, $"The method {objective.Name} has no teacher: Teacher is left alone.");
        if (options.NaturalTeacher is not null && !objective.NeedsNaturalTeacher)
            channel.Warning(MessageSensitivity.None, $"The method {objective.Name} has no natural teacher: NaturalTeacher is left alone.");
        var validated = options.Training.Validation;
        var training = options.Training with
        {
            Auxiliary = more,
            Seed = seed,
            Device = env.Device(options.Training.Device),
            // The training loop takes the threat model of the objective; one of clean images has it in its settings only.
            Validation = validated with { Threat = validated.Threat ?? objective.Threat ?? options.Settings.Threat },
        };
        var progress = new EpochLog(channel, options.Progress, objective.Threat is not null, options.Training.ValidateEveryEpochs);
        using var main = needsTeacher ? options.Teacher?.Open() : null;
        using var natural = objective.NeedsNaturalTeacher ? options.NaturalTeacher?.Open() : null;
        foreach (var note in (main?.Notes ?? []).Concat(natural?.Notes ?? [])) channel.Info(MessageSensitivity.None, note);
        CheckTeacher(options.Teacher, main?.Network, "teacher", format, labels);
        CheckTeacher(options.NaturalTeacher, natural?.Network, "natural teacher", format, labels);
        // A peer is of the student's architecture, with weights of its own.
        using var peer = objective.NeedsPeer ? definition.Build(seed + 1) : null;
        var result = Trainer.Fit(
            new(network, main?.Network, natural?.Network, peer), objective, data, training, validation, progress, options.Cancellation);
        if (result.AuxiliaryLabels is { } noise) channel.Info(MessageSensitivity.None, $"Auxiliary labels: {noise}.");
        return result;
    }

    private ImageDataset? ReadValidation(PixelFormat format, ClassLabels labels)
    {
        if (options.Validation is not { } view) return null;
        ImageColumn.Find(view.Schema, options.FeatureColumnName, format, "validation feature");
        view = LabelKeys.Map(env, view, options.LabelColumnName, labels);
        var found = ClassLabels.Read(SchemaErrors.Find(view.Schema, "validation label", options.LabelColumnName));
        if (!found.Matches(labels))
            throw SchemaErrors.Mismatch(
                "validation label", options.LabelColumnName, $"{labels} as in the training data", found.InOtherOrder(labels));
        return ImageReader.Read(view, options.FeatureColumnName, options.LabelColumnName, format, labels, isTraining: false);
    }

    private ImageDataset? ReadAuxiliary(PixelFormat format, ClassLabels labels)
    {
        if (options.Auxiliary is not { } view || options.Training.Auxiliary?.Share == 0) return null;
        ImageColumn.Find(view.Schema, options.FeatureColumnName, format, "auxiliary feature");
        var column = options.LabelColumnName;
        var (own, label) = (labels, view.Schema.GetColumnOrNull(column) is null ? null : column);
        if (label is null && options.Teacher is null)
            throw new ArgumentException($"Auxiliary has no label column '{column}', expected one, or a teacher that says the labels.");
        if (label is not null)
        {
            view = LabelKeys.Map(env, view, label, labels);
            own = ClassLabels.Read(view.Schema[label]);
            if (!own.AreAmong(labels)) throw SchemaErrors.Mismatch("auxiliary label", label, $"{labels}, or some of them", $"{own}");
            if (own.KindName is null) own = labels;
        }
        return ImageReader.Read(view, options.FeatureColumnName, label, format, own, isTraining: false);
    }

    private void CheckTeacher(TeacherNetwork? teacher, Module<Tensor, Tensor>? network, string name, PixelFormat format, ClassLabels labels)
    {
        if (teacher is null || network is null) return;
        if (teacher.Classifier?.Classifier is { } classifier && !classifier.Labels.Matches(labels))
            throw SchemaErrors.Mismatch(
                "label", options.LabelColumnName, $"{classifier.Labels} as the {name} has them", labels.InOtherOrder(classifier.Labels));
        CheckNetwork(network, $"The {name}", format, labels.Count);
    }

    /// <summary>
    /// Sends one black image through, which finds out a network that is for other images or classes before an epoch is spent.
    /// </summary>
    private static void CheckNetwork(Module<Tensor, Tensor> network, string name, PixelFormat format, int classes)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var evalMode = ModelState.Eval(network);
        var parameter = network.parameters().FirstOrDefault();
        var image = zeros([1, format.Channels, format.Height, format.Width], parameter?.dtype ?? ScalarType.Float32, parameter?.device);
        Tensor logits;
        try
        {
            logits = network.call(image);
        }
        catch (Exception exception) when (exception is ArgumentException or System.Runtime.InteropServices.ExternalException)
        {
            throw new InvalidOperationException($"{name} does not take images of {format}: {exception.Message}", exception);
        }
        if (logits.dim() != 2 || logits.shape[0] != 1 || logits.shape[1] != classes)
            throw new InvalidOperationException(
                $"{name} gives [{string.Join(",", logits.shape)}] for one image of {format}, expected logits [1,{classes}], one a class.");
    }

    /// <summary>
    /// Finds out a module of one's own with weights that it has not registered: they would not be trained, and not be saved. Another one
    /// that takes over its state dict has to give the same logits.
    /// </summary>
    private static void CheckRegistered(Module<Tensor, Tensor> network, NetworkDefinition definition, PixelFormat format, long seed)
    {
        var state = network.state_dict();
        // One without any weights at all is refused where it is trained.
        if (state.Count == 0) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var twin = definition.Build(unchecked(seed + 1));
        twin.load_state_dict(state);
        using var evalMode = ModelState.Eval(network);
        twin.eval();
        var pixels = format.Channels * format.Height * format.Width;
        var type = network.parameters().FirstOrDefault()?.dtype ?? ScalarType.Float32;
        var images = Arange(2 * pixels, type).Mul_(0.37).Remainder_(1).view(2, format.Channels, format.Height, format.Width);
        var (logits, again, twins) = (network.call(images), network.call(images), twin.call(images));
        // A network that is random by itself shows nothing here.
        if (logits.allclose(again, 0, 0, equal_nan: true) && !logits.allclose(twins, rtol: 1e-4, atol: 1e-5, equal_nan: true))
            throw new InvalidOperationException(
                $"The network {definition} has weights outside of its state dict, which would be neither trained nor saved: another one "
                + "with the same state dict gives other logits. Expected every layer to be a field that RegisterComponents() finds, or in "
                + "a Sequential or ModuleList; layers in a List or an array are not found.");
    }

    private sealed class EpochLog(IChannel channel, IProgress<TrainingProgress>? inner, bool attacks, int every)
        : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            inner?.Report(value);
            foreach (var warning in value.Warnings) channel.Warning(MessageSensitivity.None, warning);
            if (value.Teacher is { } teacher) channel.Info(MessageSensitivity.None, $"The teacher, on {teacher}");
            if (!value.EpochEnded) return;
            // Of an epoch that was not validated it has the figures of one before.
            var isValidated = value.Epoch % every == 0 || value.Epoch == value.Epochs;
            var validation = isValidated && value.RobustValidationAccuracy is { } robust
                ? FormattableString.Invariant($", validation accuracy {value.ValidationAccuracy:F4}, under attack {robust:F4}") : "";
            channel.Info(MessageSensitivity.None, string.Create(
                CultureInfo.InvariantCulture,
                $"Epoch {value.Epoch} of {value.Epochs}: loss {value.Loss:F4}, training accuracy "
                + $"{(attacks ? "(on attacked images) " : "")}{value.TrainingAccuracy:F4}{validation}"));
        }
    }
}
