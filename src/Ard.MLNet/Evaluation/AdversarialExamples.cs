using System.ComponentModel.DataAnnotations;
using Ard.MLNet.Saving;
using Ard.MLNet.Schema;
using Ard.MLNet.Scoring;
using Ard.Trainers.Attacks;
using Ard.Trainers.Settings;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML;

namespace Ard.MLNet.Evaluation;

/// <summary>The settings of <see cref="AdversarialExamples"/>.</summary>
public sealed record AdversarialExamplesOptions : IValidatableObject
{
    /// <summary>The attack, by name: see <see cref="AttackCatalog"/>. Default pgd-20.</summary>
    public string AttackName { get; init; } = "pgd-20";

    /// <summary>
    /// An attack of your own in place of <see cref="AttackName"/>. Default null. A model with such a step cannot be saved.
    /// </summary>
    public Attack? Attack { get; init; }

    /// <summary>What the adversary may do. Default null: what is usual for the images, <see cref="ThreatModel.Default"/>.</summary>
    public ThreatModel? Threat { get; init; }

    /// <summary>The column of true labels, a key of the classifier's classes or their values. Default Label.</summary>
    [MinLength(1)]
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>
    /// The new column, a vector of floats in the classifier's layout, whatever the kind of its feature column. Default AdversarialFeatures.
    /// </summary>
    [MinLength(1)]
    public string OutputColumnName { get; init; } = "AdversarialFeatures";

    /// <summary>Images that are attacked at a time, 1 to 65536. Default 250.</summary>
    [Range(1, BatchMapping.MostRows)]
    public int BatchSize { get; init; } = 250;

    /// <summary>The seed of the random starts. A row's start depends on it and on the row's id only. Default 0.</summary>
    public long Seed { get; init; }

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (OptionsValidator.Try(ChosenAttack, out var fault) is not { } attack) yield return new(fault);
        else if ((Threat ?? ThreatModel.Default(channels: 3)).Norm is var norm && !attack.Norms.Contains(norm))
            yield return new($"the attack '{attack.Name}' cannot do {norm}, expected {string.Join(" or ", attack.Norms)}");
    }

    internal Attack ChosenAttack() => Attack ?? AttackCatalog.ByName(AttackName);
}

/// <summary>
/// A step that adds a column of adversarial images: each row's image, moved within the threat model so that the classifier gets it wrong,
/// if the attack can. Any metric or model of ML.NET can then be run on attacked data; CopyColumns puts the column in place of the features.
/// </summary>
public sealed class AdversarialExamples : IEstimator<AdversarialExamplesTransformer>
{
    private readonly MLContext mlContext;
    private readonly AdversarialExamplesTransformer transformer;

    /// <summary>Makes the estimator.</summary>
    /// <param name="mlContext">The context.</param>
    /// <param name="classifier">The classifier that is attacked. It stays the caller's.</param>
    /// <param name="options">The settings; default PGD-20 and the threat model that is usual for the images.</param>
    /// <exception cref="ArgumentException">A setting is wrong.</exception>
    internal AdversarialExamples(MLContext mlContext, ImageClassifierTransformer classifier, AdversarialExamplesOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(mlContext);
        ArgumentNullException.ThrowIfNull(classifier);
        options = (options ?? new()).Validated();
        options = options with { Threat = options.Threat ?? ThreatModel.Default(classifier.Classifier.Format.Channels) };
        this.mlContext = mlContext;
        transformer = new AdversarialExamplesTransformer(new AdversarialMapping(classifier.Classifier, options), owned: false);
    }

    /// <summary>The input's columns and the new one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var (features, options) = (transformer.Mapping.Classifier.Features, transformer.Mapping.Options);
        // Both columns are checked; the new one is like the feature column.
        PromisedShapes.OfTrainer(mlContext, inputSchema, features, options.LabelColumnName);
        var label = inputSchema.FirstOrDefault(column => column.Name == options.LabelColumnName);
        if (label is { Name: not null, IsKey: false })
            LabelKeys.Values(label.Name, label.ItemType, transformer.Mapping.Classifier.Labels);
        return PromisedShapes.WithFloats(
            mlContext, inputSchema, features, mlContext.Transforms.CopyColumns(options.OutputColumnName, features).GetOutputSchema);
    }

    /// <summary>A step of its own each time; nothing is learned from the data.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public AdversarialExamplesTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        transformer.GetOutputSchema(input.Schema);
        return new(transformer.Mapping, owned: false);
    }
}

/// <summary>
/// See <see cref="AdversarialExamples"/>. The images are computed a batch at a time while a cursor moves. Any number of threads may use it
/// at once. Saved, it takes the classifier that it attacks with it. Disposal frees that of one that was loaded; else it is another's.
/// </summary>
public sealed class AdversarialExamplesTransformer : ITransformer, IDisposable
{
    private readonly bool owned;

    internal AdversarialExamplesTransformer(AdversarialMapping mapping, bool owned) => (Mapping, this.owned) = (mapping, owned);

    // The new column depends on nothing but the row and its id.
    bool ITransformer.IsRowToRowMapper => true;

    internal AdversarialMapping Mapping { get; }

    /// <summary>The input's columns and the new one.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return Mapping.OutputSchema(inputSchema);
    }

    /// <summary>A view of the input with the new column. It is computed when a cursor asks for it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchedDataView(input, Mapping);
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return new RowMapper(inputSchema, Mapping);
    }

    /// <summary>Frees the classifier of a step that was loaded.</summary>
    public void Dispose()
    {
        if (owned) Mapping.Classifier.Dispose();
    }

    internal static void Register(ComponentCatalog catalog) =>
        ModelStream.Register(catalog, typeof(AdversarialExamplesTransformer), AdversarialExamplesStep.LoaderName);

    // Called by ML.NET when a model is loaded.
    private static AdversarialExamplesTransformer Create(IHostEnvironment env, object context)
    {
        AdversarialMapping? mapping = null;
        ModelStream.Read(context, stream => mapping = AdversarialExamplesStep.Read(stream, env.ComponentCatalog));
        return new AdversarialExamplesTransformer(mapping!, owned: true);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        ModelStream.Write(ctx, AdversarialExamplesStep.LoaderName, stream => AdversarialExamplesStep.Write(stream, Mapping));
}
