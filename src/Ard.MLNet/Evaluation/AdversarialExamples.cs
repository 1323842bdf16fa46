using Microsoft.ML.Runtime;

namespace Ard.MLNet.Evaluation;

/// <summary>The settings of <see cref="ArdCatalog.AdversarialExamples"/>.</summary>
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

    /// <summary>Images that are attacked at a time, 1 to 65536. Default as <see cref="EvaluationOptions.BatchSize"/>.</summary>
    [Range(1, BatchMapping.MostRows)]
    public int? BatchSize { get; init; }

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

/// <summary>The step of <see cref="ArdCatalog.AdversarialExamples"/>. Nothing is learned from the data.</summary>
internal sealed class AdversarialExamples : IEstimator<ITransformer>
{
    private readonly IHostEnvironment env;
    private readonly AdversarialMapping mapping;

    public AdversarialExamples(IHostEnvironment env, ImageClassifierTransformer classifier, AdversarialExamplesOptions? options)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        options = (options ?? new()).Validated();
        options = options with { Threat = options.Threat ?? ThreatModel.Default(classifier.Classifier.Format.Channels) };
        (this.env, mapping) = (env, new AdversarialMapping(classifier.Classifier, options));
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        var (features, options) = (mapping.Classifier.Features, mapping.Options);
        // Both columns are checked; the new one is like the feature column.
        PromisedShapes.OfTrainer(env, inputSchema, features, options.LabelColumnName);
        var label = inputSchema.FirstOrDefault(column => column.Name == options.LabelColumnName);
        if (label is { Name: not null, IsKey: false }) LabelKeys.Values(label.Name, label.ItemType, mapping.Classifier.Labels);
        return PromisedShapes.WithFloats(
            env, inputSchema, features, env.Transforms.CopyColumns(options.OutputColumnName, features).GetOutputSchema);
    }

    public ITransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        mapping.OutputSchema(input.Schema);
        return new AdversarialExamplesTransformer(mapping, owned: false);
    }
}

/// <summary>
/// The fitted step: the images are computed a batch at a time while a cursor moves; any number of threads may use it at once. Disposal
/// frees the classifier of one that was loaded; else it is another's.
/// </summary>
internal sealed class AdversarialExamplesTransformer(AdversarialMapping mapping, bool owned) : ITransformer, IDisposable
{
    // The new column depends on nothing but the row and its id.
    public bool IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => mapping.OutputSchema(inputSchema);
    public IDataView Transform(IDataView input) => new BatchedDataView(input, mapping);
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new RowMapper(inputSchema, mapping);

    public void Dispose()
    {
        if (owned) mapping.Classifier.Dispose();
    }

    // Called by ML.NET when a model is loaded.
    private static AdversarialExamplesTransformer Create(IHostEnvironment env, ModelLoadContext context) =>
        new(ModelStream.Read(context, stream => AdversarialExamplesStep.Read(stream, env)), owned: true);

    void ICanSaveModel.Save(ModelSaveContext ctx) =>
        ModelStream.Write(ctx, AdversarialExamplesStep.LoaderName, stream => AdversarialExamplesStep.Write(stream, mapping));
}
