using System.Text.RegularExpressions;

namespace Ard.Trainers.Networks;

/// <summary>
/// What a built-in network is: an architecture by name with its sizes. It can be written as JSON, and together with a state dict it is
/// all that is needed to have the network back. Parameter names are those of the usual PyTorch definitions, so that public
/// checkpoints load by name.
/// <list type="bullet">
/// <item>resnet: depth 18 or 34, four stages from 64 channels; depth 6n+2 (8, 14, 20, 26, 32 …), three stages from 16 channels.</item>
/// <item>preactresnet: depth 18 or 34. wideresnet: depth 6n+4 (10, 16, 22 …) and a widen factor. mobilenetv2: the CIFAR shape.</item>
/// <item>smallcnn: two convolutions and two linear layers. tinycnn: three convolutions and one linear layer.</item>
/// <item>torchvision/resnet, depth 18, 34 or 50, and torchvision/mobilenetv2: the shape of ImageNet, from some 64 pixels on.</item>
/// <item>robustbench/preactresnet and robustbench/wideresnet, with SiLU, as RobustBench's teachers; depths as above.</item>
/// </list>
/// </summary>
public sealed record NetworkSpec : IValidatableObject
{
    private static readonly string[] Names = [.. Architecture.All.Select(architecture => architecture.Name)];

    private static readonly Regex ShortName = new(
        $@"^(?<name>{string.Join('|', Names)})(-?(?<number>\d{{1,6}})(-(?<number>\d{{1,6}}))*)?"
        + "(?<bn>-bn)?(?<input>-input_shortcut)?(?<sub>-sub_block1)?$",
        RegexOptions.CultureInvariant);

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>The architecture: one of the names above.</summary>
    public required string Name { get; init; }

    /// <summary>Number of classes, the columns of the logits. Default 10.</summary>
    [Range(2, 100_000)]
    public int Classes { get; init; } = 10;

    /// <summary>Channels of the images. Default 3.</summary>
    [Range(1, 1024)]
    public int InputChannels { get; init; } = 3;

    /// <summary>Rows and columns in pixels. Default 32, of torchvision's short names 224. It binds smallcnn and tinycnn only.</summary>
    [Range(1, 4096)]
    public int ImageSize { get; init; } = 32;

    /// <summary>Number of weighted layers, for every resnet, preactresnet and wideresnet, which need it.</summary>
    [Range(1, 1202)]
    public int? Depth { get; init; }

    /// <summary>
    /// Channels of the first stage, for every resnet and preactresnet, smallcnn and tinycnn. Default (null) the architecture's own: 64
    /// for depth 18, 34 and 50, 16 for the 6n+2 family, smallcnn and tinycnn.
    /// </summary>
    [Range(1, 4096)]
    public int? Width { get; init; }

    /// <summary>The widen factor of wideresnet, which needs it: its stages have 16, 32 and 64 times as many channels.</summary>
    [Range(1, 256)]
    public int? WidenFactor { get; init; }

    /// <summary>BatchNorm where there are both: smallcnn, tinycnn after convolutions, preactresnet before pooling. Default false.</summary>
    public bool BatchNorm { get; init; }

    /// <summary>Whether wideresnet holds sub_block1 of the TRADES and ARD code, in the state dict but never used. Default false.</summary>
    [JsonInclude]
    internal bool SubBlock1 { get; init; }

    /// <summary>Whether preactresnet's shortcuts take the block's input, not its first BatchNorm and ReLU. Default false.</summary>
    [JsonInclude]
    internal bool InputShortcut { get; init; }

    /// <summary>
    /// Mean of each channel for the normalisation, in units of [0,1] images. Default (null): no normalisation; <see cref="Parse"/> gives
    /// those of RobustBench the CIFAR-10 values of their definition, and <see cref="For"/> those for other classes.
    /// </summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>Standard deviation of each channel for the normalisation, in units of [0,1] images. Goes with <see cref="Mean"/>.</summary>
    public IReadOnlyList<double>? Std { get; init; }

    /// <summary>
    /// Reads a short name: architecture, depth, width or widen factor, then bn and sub_block1 where wanted, with a dash or nothing before
    /// the first number: resnet18, resnet-20, resnet18-32, preactresnet18-bn, wideresnet-34-10, wideresnet-34-10-sub_block1, mobilenetv2,
    /// smallcnn-16-bn, torchvision/resnet50, robustbench/wideresnet-28-10. Everything else has its default; set it by <c>with</c>.
    /// </summary>
    /// <exception cref="FormatException">The name is not of this form.</exception>
    /// <exception cref="ArgumentException">It is, but there is no such network.</exception>
    public static NetworkSpec Parse(string text)
    {
        var match = ShortName.Match(text.Trim().ToLowerInvariant());
        if (!match.Success)
        {
            throw new FormatException($"Network '{text}': expected one of {string.Join(", ", Names)} with its numbers, "
                + "such as resnet18, resnet-20, preactresnet18, wideresnet-34-10, mobilenetv2, smallcnn-16 or tinycnn-8-bn.");
        }
        var name = match.Groups["name"].Value;
        var numbers = match.Groups["number"].Captures.Select(c => int.Parse(c.Value, CultureInfo.InvariantCulture)).ToArray();
        var architecture = Architecture.All.Single(each => each.Name == name);
        if (numbers.Length > architecture.Numbers.Count)
            throw new FormatException(
                $"Network '{text}': {name} takes at most {architecture.Numbers.Count} number(s), found {numbers.Length}.");
        var spec = new NetworkSpec
        {
            Name = name,
            ImageSize = UsualSize(name),
            Depth = Number(nameof(Depth)),
            Width = Number(nameof(Width)),
            WidenFactor = Number(nameof(WidenFactor)),
            BatchNorm = match.Groups["bn"].Success,
            InputShortcut = match.Groups["input"].Success,
            SubBlock1 = match.Groups["sub"].Success,
        };
        spec.Validate();
        return spec.OwnNormalisation();

        int? Number(string setting) => architecture.Numbers.Take(numbers.Length).ToList().IndexOf(setting) is >= 0 and var at
            ? numbers[at] : null;
    }

    // The size of ImageNet's is what torchvision's networks are for.
    internal static int UsualSize(string name) => name.StartsWith("torchvision/", StringComparison.Ordinal) ? 224 : 32;

    /// <summary>
    /// The network for other images, with a normalisation that is part of its definition for them: CIFAR-10's of RobustBench's, for 100
    /// classes CIFAR-100's, none for gray images. Another normalisation, and whatever else is set, stays.
    /// </summary>
    public NetworkSpec For(int classes, int channels, int imageSize)
    {
        var fitted = this with { Classes = classes, InputChannels = channels, ImageSize = imageSize };
        return HasOwnNormalisation ? (fitted with { Mean = null, Std = null }).OwnNormalisation() : fitted;
    }

    // Of its own classes and channels, or as Parse has set it, before classes and channels were.
    internal bool HasOwnNormalisation => Mean is not null && Std is not null
        && new[] { this, this with { Classes = 10, InputChannels = 3 } }
            .Select(spec => (spec with { Mean = null, Std = null }).OwnNormalisation())
            .Any(own => own.Mean?.SequenceEqual(Mean) == true && own.Std!.SequenceEqual(Std));

    /// <summary>With the mean and deviation that are part of RobustBench's definitions; no file of theirs tells them.</summary>
    internal NetworkSpec OwnNormalisation() =>
        !Name.StartsWith("robustbench/", StringComparison.Ordinal) || InputChannels != 3 ? this
        : Classes == 100 ? this with { Mean = [0.5071, 0.4865, 0.4409], Std = [0.2673, 0.2564, 0.2762] }
        : this with { Mean = [0.4914, 0.4822, 0.4465], Std = [0.2471, 0.2435, 0.2616] };

    /// <summary>The short name, as <see cref="Parse"/> reads it. It does not tell classes, images or normalisation.</summary>
    public override string ToString()
    {
        var numbers = string.Join("-", new[] { Depth, Width, WidenFactor }.Where(number => number is not null));
        // resnet18 and resnet18-32, but wideresnet-34-10 and smallcnn-16.
        var dash = numbers == "" || Depth is not null && WidenFactor is null ? "" : "-";
        var options = $"{(BatchNorm ? "-bn" : "")}{(InputShortcut ? "-input_shortcut" : "")}{(SubBlock1 ? "-sub_block1" : "")}";
        return $"{Name}{dash}{numbers}{options}";
    }

    /// <summary>The specification as a JSON object on one line; what is not set is left out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    // Entries of a file's metadata.
    internal const string MetadataName = "ard.network", CardName = "ard.card";

    /// <summary>What a file says of a network: the specification that it was built from, if any.</summary>
    internal static Dictionary<string, string> Metadata(Module network) =>
        network is ImageNetwork { Spec: var spec } ? new() { [MetadataName] = spec.ToJson() } : [];

    /// <summary>What decides a network's answers beside its weights: the specifications of the built-in ones in it.</summary>
    internal static string Within(Module network) => string.Join(
        "; ", network.modules().Prepend(network).OfType<ImageNetwork>().Distinct().Select(each => each.Spec.ToJson()));

    /// <summary>Reads what <see cref="ToJson"/> wrote, and validates it.</summary>
    /// <exception cref="FormatException">Not JSON, not an object of these fields, or a field of the wrong type.</exception>
    /// <exception cref="ArgumentException">The fields do not make a network; the message holds all faults.</exception>
    public static NetworkSpec FromJson(string json)
    {
        NetworkSpec? spec;
        try
        {
            spec = JsonSerializer.Deserialize<NetworkSpec>(json, Json);
        }
        catch (JsonException exception)
        {
            throw new FormatException($"Network specification: {exception.Message}", exception);
        }
        if (spec is null) throw new FormatException("Network specification: expected a JSON object, found null.");
        spec.Validate();
        return spec;
    }

    /// <summary>Checks the whole specification.</summary>
    /// <exception cref="ArgumentException">It names no network that can be built; the message holds all faults.</exception>
    internal void Validate() => this.Validated();

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext context)
    {
        if (Architecture.All.FirstOrDefault(each => each.Name == Name) is { } own)
        {
            if (ImageSize < own.SmallestImage) yield return new($"ImageSize is {ImageSize}, expected {own.SmallestImage} or more");
            if (!own.FitsDepth(Depth))
                yield return new($"Depth is {Depth?.ToString(CultureInfo.InvariantCulture) ?? "missing"}, {Name} expects {own.Depths}");
            if (WidenFactor is null && own.Takes(nameof(WidenFactor))) yield return new($"WidenFactor is missing, {Name} needs it");
            (string Name, bool IsSet)[] settings =
            [
                (nameof(WidenFactor), WidenFactor is not null), (nameof(Width), Width is not null),
                (nameof(InputShortcut), InputShortcut), (nameof(BatchNorm), BatchNorm), (nameof(SubBlock1), SubBlock1),
            ];
            foreach (var (setting, _) in settings.Where(each => each.IsSet && !own.Takes(each.Name)))
            {
                var names = Architecture.All.Where(each => each.Takes(setting)).Select(each => each.Name);
                yield return new($"{setting} is set, expected so only for {string.Join(", ", names)}, found {Name}");
            }
        }
        else yield return new($"Name is '{Name}', expected one of {string.Join(", ", Names)}");
        if (Mean is null != Std is null) yield return new($"{(Mean is null ? "Std" : "Mean")} is set alone, expected both or neither");
        if (Mean is null || Std is null) yield break;
        foreach (var fault in Normalisation.Faults(Mean, Std)) yield return new(fault);
        if (Mean.Count != InputChannels) yield return new($"Mean has {Mean.Count} values, expected one a channel, {InputChannels}");
    }

    /// <summary>
    /// Builds the network on the CPU in float32, in train mode, initialised as its usual definition does it (PyTorch's own initialisation
    /// unless the definition overrides it). The same seed gives the same bits; the global random state is left as found.
    /// </summary>
    /// <exception cref="ArgumentException">The specification is not valid.</exception>
    public Module<Tensor, Tensor> Build(long seed)
    {
        Validate();
        return Initialisation.Seeded<Module<Tensor, Tensor>>(seed, () => Own.Build(this));
    }

    private Architecture Own => Architecture.All.Single(each => each.Name == Name);

    /// <summary>Builds it for the weights of a file, which may claim any size: refused where it has more, and above 10 million.</summary>
    /// <exception cref="ArgumentException">The specification is not valid, or the file is too small for it.</exception>
    internal Module<Tensor, Tensor> BuildFor(IEnumerable<Tensor> weights)
    {
        Validate();
        var (least, found) = (Own.LeastWeights(this), weights.Sum(tensor => tensor.numel()));
        if (least > Math.Max(found, 10_000_000)) throw new ArgumentException($"{this}: expected {least} weights and more, found {found}.");
        return Build(seed: 0);
    }

    /// <summary>Two specifications are equal when all their fields are, means and deviations value by value.</summary>
    public bool Equals(NetworkSpec? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
