using System.Security.Cryptography;

namespace Ard.Trainers.Reports;

/// <summary>
/// What is known of a trained network, to go with it wherever it is shipped: what it is, on what and how it was trained, what it gets right
/// as it is and under which attack, and by which versions. It is written as Markdown and as JSON; what is null is said to be unknown.
/// </summary>
public sealed record ModelCard
{
    /// <summary>The metadata entry of a safetensors file that holds the card of its network, as JSON.</summary>
    public const string MetadataName = NetworkSpec.CardName;

    [JsonConstructor]
    internal ModelCard()
    {
    }

    // What is null is there: it is unknown.
    private static readonly JsonSerializerOptions Json = new(EvaluationSummary.Json) { DefaultIgnoreCondition = JsonIgnoreCondition.Never };

    /// <summary>The architecture: a built-in network's short name, else the module's type.</summary>
    [JsonInclude, JsonRequired]
    internal string Network { get; init; } = "";

    /// <summary>The specification of a built-in network, from which it can be built.</summary>
    [JsonInclude]
    internal JsonElement? Specification { get; init; }

    [JsonInclude, JsonRequired]
    internal long Parameters { get; init; }

    /// <summary>SHA-256 of its weights with their names and shapes, by which evaluations know it again.</summary>
    [JsonInclude, JsonRequired]
    internal string Weights { get; init; } = "";

    /// <summary>The classes in the order of the outputs.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>What it was trained on.</summary>
    public string? Data { get; init; }

    [JsonInclude]
    internal string? Method { get; init; }

    /// <summary>The published recipe that was followed; "none" where it is known that there was none.</summary>
    public string? Preset { get; init; }

    [JsonInclude]
    internal long? Seed { get; init; }

    [JsonInclude]
    internal CardTraining? Training { get; init; }

    /// <summary>What it gets right, without the single images.</summary>
    [JsonInclude]
    internal EvaluationSummary? Evaluation { get; init; }

    [JsonInclude]
    internal IReadOnlyList<CardFile> Files { get; init; } = [];

    [JsonInclude]
    internal IReadOnlyDictionary<string, string> Versions { get; init; } = new Dictionary<string, string>();

    /// <summary>What can be read off a network and its training.</summary>
    /// <param name="network">The network, as trained.</param>
    /// <param name="training">Its training. Default null: unknown.</param>
    public static ModelCard Create(Module<Tensor, Tensor> network, TrainingResult? training = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        var versions = PackageVersions.Here();
        return new ModelCard
        {
            Network = network is ImageNetwork ? network.GetName() : network.GetType().Name,
            Specification = network is ImageNetwork { Spec: var spec } ? JsonDocument.Parse(spec.ToJson()).RootElement : null,
            Parameters = Networks.Weights.Count(network),
            Weights = TensorDigest.Compute(network),
            Method = training is null ? null : Setting(training.Settings, "Objective"),
            Seed = training is not null && long.TryParse(Setting(training.Settings, "Options.Seed"), out var seed) ? seed : null,
            Training = training is null
                ? null
                : new(
                    training.History.Count, training.KeptEpoch, training.Seconds, training.Cancelled,
                    training.Warnings, training.Settings, versions, training.AuxiliaryLabels?.ToString(),
                    training.Teacher?.ToString()),
            Versions = versions,
        };
    }

    /// <summary>The card that a safetensors file holds of its network; where it holds none, what can be read off the network.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">The network with the weights of this file.</param>
    /// <exception cref="DataFileException">The file is damaged, or the card in it is none, or one of other weights.</exception>
    public static ModelCard Read(string path, Module<Tensor, Tensor> network)
    {
        var own = Create(network);
        if (!Safetensors.ReadMetadata(path).TryGetValue(MetadataName, out var json)) return own;
        var card = Damage.Tell(
            () => JsonSerializer.Deserialize<ModelCard>(json, Json) ?? throw new JsonException("it is null"),
            exception => exception is JsonException or ArgumentException,
            exception => new(path, $"a model card in {MetadataName}", exception.Message, exception));
        return card.Weights == own.Weights ? card with { Versions = own.Versions }
            : throw new DataFileException(path, $"the card of these weights in {MetadataName}, {own.Weights}", card.Weights);
    }

    /// <summary>The card with an evaluation.</summary>
    /// <param name="path">A file of <see cref="RobustnessReport.SaveJson"/>, or of ML.NET's metrics.</param>
    /// <exception cref="ArgumentException">It is of other weights.</exception>
    /// <exception cref="FormatException">The file is no such report.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public ModelCard WithEvaluation(string path) => WithEvaluation(EvaluationSummary.Read(path));

    internal ModelCard WithEvaluation(EvaluationSummary evaluation)
    {
        return evaluation.Weights is null || evaluation.Weights == Weights
            ? this with { Evaluation = evaluation with { Points = null } }
            : throw new ArgumentException(
                $"The evaluation is of other weights: expected those of {Network}, {Weights}, found {evaluation.Weights}.",
                nameof(evaluation));
    }

    /// <summary>The card with a file of the network.</summary>
    /// <param name="path">The file: <see cref="ModelFile"/> wrote it, or <see cref="OnnxExport"/>.</param>
    /// <param name="onnx">The settings with which an ONNX file was written. Default null: it is a safetensors file.</param>
    public ModelCard WithFile(string path, OnnxExportOptions? onnx = null)
    {
        var format = onnx is null ? "safetensors; names of the usual PyTorch definition"
            : $"ONNX, opset {OnnxExport.Opset}, IR version {OnnxExport.IrVersion}; input images: float32 [batch,channels,rows,columns], "
            + $"values in [0,1]; output {(onnx.Softmax ? "probabilities" : "logits")}: float32 [batch,classes]";
        using var stream = File.OpenRead(path);
        var file = new CardFile(Path.GetFileName(path), format, stream.Length, Convert.ToHexStringLower(SHA256.HashData(stream)));
        return this with
        {
            ClassNames = onnx?.ClassNames ?? ClassNames,
            Files = [.. Files.Where(other => other.Name != file.Name), file],
        };
    }

    /// <summary>The card as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    internal string ToMarkdown() => ModelCardText.Render(this);

    /// <summary>
    /// Writes both beside a model: for <c>student.onnx</c>, the files <c>student.card.md</c> and <c>student.card.json</c>. Files that a
    /// card of the same weights names there, such as <c>student.safetensors</c>, stay on the card as long as they are there.
    /// </summary>
    /// <param name="model">The model's file, or its path without .onnx or .safetensors.</param>
    public void Write(string model)
    {
        if (Path.GetExtension(model) is ".onnx" or ".safetensors") model = Path.ChangeExtension(model, null);
        var path = model + ".card.json";
        var card = this with { Files = [.. Others(path), .. Files] };
        AtomicFile.WriteAllText(model + ".card.md", card.ToMarkdown());
        AtomicFile.WriteAllText(path, card.ToJson() + "\n");
    }

    // The other files of the same weights that the card at this path names.
    private IEnumerable<CardFile> Others(string path)
    {
        try
        {
            var before = File.Exists(path) ? JsonSerializer.Deserialize<ModelCard>(File.ReadAllText(path), Json) : null;
            if (before?.Weights != Weights) return [];
            var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return before.Files.Where(file => Path.GetFileName(file.Name) == file.Name && Files.All(own => own.Name != file.Name)
                && File.Exists(Path.Combine(folder, file.Name)));
        }
        // What is there is no card: it is replaced.
        catch (JsonException)
        {
            return [];
        }
    }

    private static string? Setting(IReadOnlyList<string> settings, string name) =>
        settings.FirstOrDefault(line => line.StartsWith(name + ": ", StringComparison.Ordinal))?[(name.Length + 2)..];
}

/// <summary>How a training went: see <see cref="TrainingResult"/>, and the versions of the packages that trained.</summary>
internal sealed record CardTraining(
    int Epochs, int? KeptEpoch, double Seconds, bool Cancelled, IReadOnlyList<string> Warnings, IReadOnlyList<string> Settings,
    IReadOnlyDictionary<string, string> Versions, string? AuxiliaryLabels = null, string? Teacher = null);

/// <summary>A file with the network: its name without the folder, how it is to be used, its length and its digest.</summary>
internal sealed record CardFile(string Name, string Format, long Bytes, string Sha256);
