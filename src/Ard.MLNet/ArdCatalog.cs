using Microsoft.ML.Runtime;

namespace Ard.MLNet;

/// <summary>What this library adds to the MLContext and to its catalogs.</summary>
public static class ArdCatalog
{
    /// <summary>
    /// Makes networks of your own known where models with them are loaded by <c>mlContext.Model.Load</c>; models with networks of this
    /// library need nothing.
    /// </summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="networks">The networks (<see cref="NetworkDefinition.Custom"/>), by the names with which they were trained; a network
    /// takes the place of one of the same name.</param>
    /// <returns>The same context.</returns>
    public static MLContext RegisterNetworks(this MLContext mlContext, params NetworkDefinition[] networks)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        foreach (var network in networks) mlContext.Add(network);
        return mlContext;
    }

    /// <summary>
    /// A classifier of the network in a file that was trained elsewhere, by the command line or in PyTorch: ready to score, to be
    /// evaluated, and to be saved by <c>mlContext.Model.Save</c>. ML.NET's own models are loaded by <c>mlContext.Model.Load</c>.
    /// </summary>
    /// <param name="catalog">The catalog, <c>mlContext.Model</c>.</param>
    /// <param name="path">A file that <see cref="ModelFile"/> reads. Nothing in it is run.</param>
    /// <param name="classNames">The classes in the order of the outputs. Default: as the file's model card says, else numbers.</param>
    /// <param name="network">What network it is. Default: the file says so, as those of this library do.</param>
    /// <param name="featureColumnName">The column of images, or of vectors of floats or bytes.</param>
    /// <param name="layout">How the column holds an image. Default: planes of values in [0,1], of the network's channels and size.</param>
    /// <exception cref="FileNotFoundException">It is missing.</exception>
    /// <exception cref="DataFileException">It is damaged, or of another network, or does not say of which.</exception>
    /// <exception cref="ArgumentException">There are more or fewer names than outputs.</exception>
    public static ImageClassifierTransformer LoadImageClassifier(
        this ModelOperationsCatalog catalog, string path, IReadOnlyList<string>? classNames = null, NetworkSpec? network = null,
        string featureColumnName = "Features", ImageLayout? layout = null)
    {
        var env = Environment(catalog);
        var imported = network is null ? ModelFile.ReadReported(path) : ModelFile.Import(path, network);
        using (var channel = env.Start("Loading"))
            foreach (var note in imported.Report.Notes) channel.Info(MessageSensitivity.None, $"{path}: {note}.");
        return imported.Network.OrDispose(model =>
        {
            var spec = ((ImageNetwork)model).Spec;
            var names = classNames ?? (network is null ? ModelCard.Read(path, model).ClassNames : null);
            if (names is not null && names.Count != spec.Classes)
                throw new ArgumentException(
                    $"{path} has {spec.Classes} outputs, expected as many class names, found {names.Count}.", nameof(classNames));
            model.to(TrainingDevice.Find(env.Device("auto")));
            return new ImageClassifierTransformer(
                new Classifier(
                    model, spec, (layout ?? new()).Resolve(spec),
                    names is null ? ClassLabels.Unnamed(spec.Classes) : ClassLabels.Texts(names),
                    featureColumnName, BatchMapping.UsualRows),
                training: null);
        });
    }

    /// <summary>An estimator of adversarially robust distillation.</summary>
    /// <param name="catalog">The catalog; its context's seed decides whatever chance decides.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">A setting is wrong; the message names every one that is.</exception>
    public static ArdTrainer AdversarialDistillation(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ArdTrainerOptions options) =>
        new(Environment(catalog), options);

    /// <summary>An estimator of adversarially robust distillation with the defaults of <see cref="ArdTrainerOptions"/>.</summary>
    /// <param name="catalog">The catalog; its context's seed decides whatever chance decides.</param>
    /// <param name="network">The student, such as <c>"mobilenetv2"</c>.</param>
    /// <param name="teacher">
    /// The teacher, such as a fitted <see cref="ImageClassifierTransformer"/>, or <see cref="TeacherNetwork.From"/> a pipeline.
    /// </param>
    /// <param name="labelColumnName">The column of labels: a key, text, a number or a truth value.</param>
    /// <param name="featureColumnName">The column of images, or of vectors of floats or bytes.</param>
    /// <param name="epochs">How often every image is seen. Default by the images: <see cref="TrainingOptions.Epochs"/>.</param>
    public static ArdTrainer AdversarialDistillation(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, NetworkDefinition network, TeacherNetwork teacher,
        string labelColumnName = "Label", string featureColumnName = "Features", int? epochs = null) =>
        catalog.AdversarialDistillation(new()
        {
            Network = network,
            Teacher = teacher,
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            Training = new() { Epochs = epochs },
        });

    /// <summary>An estimator of training without a teacher.</summary>
    /// <inheritdoc cref="AdversarialDistillation(MulticlassClassificationCatalog.MulticlassClassificationTrainers, ArdTrainerOptions)"/>
    public static ArdTrainer AdversarialTraining(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, ArdTrainerOptions options) =>
        new(Environment(catalog), options, usualMethod: "at");

    /// <summary>An estimator of training without a teacher with the defaults of <see cref="ArdTrainerOptions"/>.</summary>
    /// <param name="catalog">The catalog; its context's seed decides whatever chance decides.</param>
    /// <param name="network">The network, such as <c>"mobilenetv2"</c>.</param>
    /// <param name="labelColumnName">The column of labels: a key, text, a number or a truth value.</param>
    /// <param name="featureColumnName">The column of images, or of vectors of floats or bytes.</param>
    /// <param name="epochs">How often every image is seen. Default by the images: <see cref="TrainingOptions.Epochs"/>.</param>
    public static ArdTrainer AdversarialTraining(
        this MulticlassClassificationCatalog.MulticlassClassificationTrainers catalog, NetworkDefinition network,
        string labelColumnName = "Label", string featureColumnName = "Features", int? epochs = null) =>
        catalog.AdversarialTraining(new()
        {
            Network = network,
            LabelColumnName = labelColumnName,
            FeatureColumnName = featureColumnName,
            Training = new() { Epochs = epochs },
        });

    /// <summary>
    /// A step that adds a column of adversarial images: each row's image, moved within the threat model so that the classifier gets it
    /// wrong, if the attack can. Any metric or model of ML.NET can then be run on attacked data; CopyColumns puts the column in place of
    /// the features. The images are computed a batch at a time while a cursor moves. Saved, the step takes the classifier with it.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="classifier">The classifier that is attacked. It stays the caller's.</param>
    /// <param name="options">The settings; default PGD-20 and the threat model that is usual for the images.</param>
    /// <exception cref="ArgumentException">A setting is wrong.</exception>
    public static IEstimator<ITransformer> AdversarialExamples(
        this TransformsCatalog catalog, ImageClassifierTransformer classifier, AdversarialExamplesOptions? options = null) =>
        new AdversarialExamples(Environment(catalog), classifier, options);

    /// <summary>
    /// Measures how many rows a fitted model gets right, as they are and under attack. The model is left as it was found. Images are read a
    /// batch at a time, and again where they are needed once more: for the pictures of the report, for every budget of a curve, and for the
    /// digest of a state file. What is kept is the labels, four bytes for each row, class and attack, and, where a file of examples is
    /// asked for, these.
    /// </summary>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">
    /// A fitted <see cref="ImageClassifierTransformer"/>, or a chain of transformers with one: then those before it are applied to the
    /// data, and the adversary changes what comes out of them. Any other fitted model with a score or a predicted label is asked, a
    /// batch at a time, through the whole of it, and the adversary changes the images that go into it: <see cref="BlackBoxOptions"/>.
    /// </param>
    /// <param name="data">The rows that the model takes, with labels.</param>
    /// <param name="options">The settings; default FGSM and PGD-20, and the threat model that is usual for the images.</param>
    /// <exception cref="ArgumentException">A setting is wrong, an attack needs gradients that the model has not, or a column is missing or
    /// of another type.</exception>
    /// <exception cref="InvalidOperationException">There are no rows, a label is missing, a pixel is not in [0,1], or a model failed when
    /// it was asked.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static RobustnessMetrics EvaluateRobustness(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(Environment(catalog), options).Evaluate(model, data);

    /// <summary>Accuracy over the adversary's budget of a fitted model.</summary>
    /// <inheritdoc cref="EvaluateRobustness"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">As for <see cref="EvaluateRobustness"/>.</param>
    /// <param name="data">The rows that the model takes, with labels. A few hundred make a curve.</param>
    /// <param name="epsilons">The budgets, in any order, each once, in the norm of the options' threat model.</param>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentException">As for <see cref="EvaluateRobustness"/>, or a budget is wrong.</exception>
    public static RobustnessCurve EvaluateRobustnessCurve(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, IReadOnlyList<double> epsilons,
        AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(Environment(catalog), options).EvaluateCurve(model, data, epsilons);

    /// <summary>Accuracy of a fitted model on corrupted images, made here as <see cref="Corruption"/> says.</summary>
    /// <inheritdoc cref="EvaluateRobustness"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">As for <see cref="EvaluateRobustness"/>; what is corrupted is what reaches its classifier.</param>
    /// <param name="data">The rows that the model takes, with labels. Each corruption reads them anew, at each severity.</param>
    /// <param name="names">The corruptions. Default all of <see cref="Corruption.Names"/>.</param>
    /// <param name="options">The settings; of these threat model and attacks are not read.</param>
    /// <exception cref="ArgumentException">
    /// As for <see cref="EvaluateRobustness"/>, or a name is unknown, or the images are below 16 by 16.
    /// </exception>
    public static CorruptionReport EvaluateCorruptions(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, IReadOnlyList<string>? names = null,
        AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(Environment(catalog), options).EvaluateCorruptions(model, data, names);

    /// <summary>
    /// Measures a fitted model against several adversaries, who may each do something else, such as change little in Linf or in L2, and
    /// against all of them together.
    /// </summary>
    /// <inheritdoc cref="EvaluateRobustness"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">As for <see cref="EvaluateRobustness"/>.</param>
    /// <param name="data">The rows that the model takes, with labels.</param>
    /// <param name="threats">What each adversary may do, at least one, each once.</param>
    /// <param name="options">
    /// The settings; of these the threat model is not read, and a state file is one for each adversary. Default the attacks that are usual
    /// in each norm (<see cref="EvaluationOptions.Attacks"/>).
    /// </param>
    /// <exception cref="ArgumentException">As for <see cref="EvaluateRobustness"/>, or there is no threat model or one twice, or
    /// a file of examples is asked for.</exception>
    public static RobustnessUnion EvaluateRobustnessUnion(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, IReadOnlyList<ThreatModel> threats,
        AdversarialEvaluatorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(threats);
        options ??= new();
        // Named attacks have to fit the adversaries' norms, not the one that is usual for the images.
        return new AdversarialEvaluator(Environment(catalog), threats.Count == 0 ? options : options.Against(threats[0]))
            .EvaluateUnion(model, data, threats);
    }

    /// <summary>Looks for the smallest perturbation of each image that makes a fitted model wrong: median, quantiles, curve.</summary>
    /// <inheritdoc cref="EvaluateRobustness"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">As for <see cref="EvaluateRobustness"/>; it needs gradients for the default attacks.</param>
    /// <param name="data">The rows that the model takes, with labels.</param>
    /// <param name="norm">What is small.</param>
    /// <param name="attacks">As for <see cref="SmallestPerturbations.Evaluate"/>. Default FAB-T and FMN.</param>
    /// <param name="options">The settings; of these threat model and attacks are not read.</param>
    public static SmallestPerturbations EvaluateSmallestPerturbations(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, Norm norm, IReadOnlyList<Attack>? attacks = null,
        AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(Environment(catalog), options).EvaluateSmallest(model, data, norm, attacks);

    /// <summary>
    /// Attacks a fitted model whose output is random, and judges the worst point of each row by several passes: how often it is right, and
    /// how far the accuracy under attack depends on chance.
    /// </summary>
    /// <inheritdoc cref="EvaluateRobustness"/>
    /// <param name="catalog">The catalog.</param>
    /// <param name="model">As for <see cref="EvaluateRobustness"/>.</param>
    /// <param name="data">The rows that the model takes, with labels.</param>
    /// <param name="passes">How often each point is judged. Default 20.</param>
    /// <param name="options">
    /// The settings. For random outputs name attacks with means of several passes, such as <c>pgd-20+eot-20</c> or <c>autoattack-rand</c>.
    /// </param>
    /// <exception cref="ArgumentException">As for <see cref="EvaluateRobustness"/>, or a shard is asked for.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer passes than one.</exception>
    public static RepeatedJudgement EvaluateRepeatedly(
        this MulticlassClassificationCatalog catalog, ITransformer model, IDataView data, int passes = 20,
        AdversarialEvaluatorOptions? options = null) =>
        new AdversarialEvaluator(Environment(catalog), options).EvaluateRepeatedly(model, data, passes);

    private static IHostEnvironment Environment(IInternalCatalog catalog) =>
        (catalog ?? throw new ArgumentNullException(nameof(catalog))).Environment;
}
