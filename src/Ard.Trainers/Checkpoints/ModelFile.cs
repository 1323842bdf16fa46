using System.Text.Json.Nodes;

namespace Ard.Trainers.Checkpoints;

/// <summary>
/// A network in a safetensors file: its state dict by the usual names and, for a network built from a <see cref="NetworkSpec"/>, that
/// specification in the metadata entry <c>ard.network</c>, so that it comes back without being told what it was. Training checkpoints can
/// be read as well.
/// </summary>
public static class ModelFile
{
    /// <summary>What stands before the student's names in a training checkpoint.</summary>
    internal const string StudentPrefix = "student.";

    /// <summary>Under what other weights of the student stand there.</summary>
    internal static readonly string[] OtherWeights = ["average", "best"];

    // What normalising layers call their constants.
    private static readonly (string Mean, string Std)[] NormalisationNames = [("mean", "std"), ("mu", "sigma"), ("new_mean", "new_std")];

    // What counts beside weights: how many were averaged, how long was trained.
    private static readonly string[] CounterNames =
        ["n_averaged", "num_updates", "updates", "decay", "initted", "step", "steps", "global_step", "epoch", "iteration"];

    /// <summary>Writes a network.</summary>
    /// <param name="path">The file to create or to replace; see <see cref="AtomicFile"/>.</param>
    /// <param name="network">The network.</param>
    /// <param name="metadata">Texts to be stored beside it.</param>
    public static void Write(string path, Module<Tensor, Tensor> network, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var all = NetworkSpec.Metadata(network);
        foreach (var (name, value) in metadata ?? new Dictionary<string, string>()) all[name] = value;
        Safetensors.Write(path, network.state_dict(), all);
    }

    /// <summary>Builds the network that the file names and loads its weights; on the CPU, in eval mode.</summary>
    /// <param name="path">
    /// A file of <see cref="Write(string, Module{Tensor, Tensor}, IReadOnlyDictionary{string, string})"/>, or a training checkpoint.
    /// </param>
    /// <exception cref="DataFileException">The file is damaged, does not say what network it holds, or holds another one.</exception>
    public static Module<Tensor, Tensor> Read(string path) => ReadReported(path).Network;

    /// <summary>
    /// Loads the weights of a file into a network: a file of this class, a training checkpoint, any safetensors file, one of TorchSharp's
    /// <c>Module.save</c>, or a state dict that <c>torch.save</c> has written, with the network's names or with those that
    /// <see cref="Import(string, NetworkSpec, string)"/> reads.
    /// </summary>
    /// <param name="path">The file. Nothing in it is run.</param>
    /// <param name="network">The network to be filled.</param>
    /// <param name="key">See <see cref="Import(string, NetworkSpec, string)"/>.</param>
    /// <returns>What was done to the names.</returns>
    /// <exception cref="DataFileException">
    /// The file is damaged, or its names or shapes are not the network's, or it says that its weights are for another normalisation or
    /// definition than that of a network built from a <see cref="NetworkSpec"/>; nothing has been loaded then.
    /// </exception>
    public static ImportReport Load(string path, Module<Tensor, Tensor> network, string? key = null)
    {
        using var file = WeightsFile.Open(path, key);
        using var scope = NewDisposeScope();
        var tensors = file.Read();
        if (network is ImageNetwork { Spec: var spec })
        {
            RefuseOtherDefinition(file, spec);
            if (ReadNormalisation(file, tensors, spec.InputChannels) is { } own && !own.Is(spec))
                throw new DataFileException(path, $"weights for {Text(spec.Mean, spec.Std)}", $"{own.Source}: {Text(own.Mean, own.Std)}");
        }
        return Fill(network, file, tensors, []);
    }

    /// <summary>
    /// The network in a file that others have made: a state dict by <c>torch.save</c> (<c>.pt</c>, <c>.pth</c>, <c>.th</c>, <c>.tar</c>), a
    /// safetensors file or one of TorchSharp's <c>Module.save</c>. The format is told from the contents. Nothing in the file is run.
    /// <list type="bullet">
    /// <item>The state dict may be an entry of a dictionary, such as state_dict, model_state_dict, model or net.</item>
    /// <item>A prefix that a wrapper has put before the names is stripped: any sequence of module, basic_net, net, model, network,
    /// _orig_mod, backbone, student, 0 and 1.</item>
    /// <item>Names of other definitions of the same networks are read, such as downsample and fc of torchvision's ResNet.</item>
    /// <item>A normalisation beside the network (mean and std, mu and sigma, new_mean and new_std) becomes the specification's.</item>
    /// <item>Elements of any type become float32.</item>
    /// </list>
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="network">
    /// What network it is. Where the file says with what its network normalises images, that wins; else this one's normalisation counts.
    /// Default null: as the file says, or as <see cref="NetworkRecogniser"/> proposes.
    /// </param>
    /// <param name="key">Which entry of a file with several state dicts, such as <c>ema</c>. Default null: found by rule.</param>
    /// <exception cref="DataFileException">
    /// The file is damaged, holds something else than tensors and plain values, is a TorchScript program
    /// (see <see cref="ReadTorchScript"/>), is not recognised, or its names or shapes are not the network's, all of them in one message.
    /// </exception>
    public static ImportedNetwork Import(string path, NetworkSpec? network = null, string? key = null)
    {
        using var file = WeightsFile.Open(path, key);
        return Build(file, network);
    }

    /// <summary>
    /// Loads a TorchScript program (<c>torch.jit.save</c>): images [N,C,H,W] to logits [N,classes]. <b>The file is a program, and this runs
    /// it</b>: only operators of libtorch, but those can read and write files. Do it only with files that you trust; weights by
    /// themselves are read by <see cref="Import(string, NetworkSpec, string)"/>, which runs nothing.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <returns>The program as a network, on the CPU, in eval mode.</returns>
    /// <exception cref="DataFileException">libtorch cannot load it.</exception>
    public static Module<Tensor, Tensor> ReadTorchScript(string path)
    {
        var network = new TorchScriptNetwork(path);
        network.eval();
        return network;
    }

    /// <summary>As <see cref="Read"/>, with a report.</summary>
    internal static ImportedNetwork ReadReported(string path)
    {
        using var file = WeightsFile.Open(path);
        file.RefuseProgram();
        if (Spec(file.Metadata, path) is { } spec) return Build(file, spec);
        throw new DataFileException(
            path, $"the metadata entry {NetworkSpec.MetadataName}, which says what network it is",
            $"a file without it, which {NetworkRecogniser.Recognise(file.Tensors).Predicate}");
    }

    internal static NetworkSpec? Spec(IReadOnlyDictionary<string, string> metadata, string path) =>
        !metadata.TryGetValue(NetworkSpec.MetadataName, out var json) ? null : Damage.Tell(
            () => NetworkSpec.FromJson(json), exception => exception is FormatException or ArgumentException,
            exception => new(path, $"a network specification in {NetworkSpec.MetadataName}", exception.Message, exception));

    private static ImportedNetwork Build(WeightsFile file, NetworkSpec? spec)
    {
        file.RefuseProgram();
        var path = file.Path;
        var notes = new List<string>();
        if (spec is null && (spec = Spec(file.Metadata, path)) is null)
        {
            var recognised = NetworkRecogniser.Recognise(file.Tensors);
            spec = recognised.Spec
                ?? throw new DataFileException(path, "a network that is named or can be recognised", $"one that {recognised.Predicate}");
            notes.Add(recognised.Description);
        }
        RefuseOtherDefinition(file, spec);
        if (spec is { Name: "preactresnet", InputShortcut: false } && Spec(file.Metadata, path) is null)
            notes.Add($"taken as {spec}; {spec with { InputShortcut = true }} has the same names and shapes, and the file does not tell");
        using var scope = NewDisposeScope();
        var tensors = file.Read();
        spec = Normalised(spec, file, tensors, notes);
        var network = Damage.Tell(() => spec.BuildFor(tensors.Values), exception => exception is ArgumentException, exception => new(
            path, $"the tensors of {spec}", $"{exception.Message} The file {NetworkRecogniser.Recognise(file.Tensors).Predicate}",
            exception));
        return network.OrDispose(_ =>
        {
            var report = Fill(network, file, tensors, notes);
            network.eval();
            return new ImportedNetwork(network, spec, report);
        });
    }

    // By names and shapes alone it would be taken.
    private static void RefuseOtherDefinition(WeightsFile file, NetworkSpec spec)
    {
        if (Spec(file.Metadata, file.Path) is { } own && own.InputShortcut != spec.InputShortcut)
            throw new DataFileException(file.Path, $"weights of {spec}", $"those of {own}, as the metadata say");
    }

    // The normalisation that a file names; without a mean there is none. Tensors have single precision.
    private sealed record FileNormalisation(IReadOnlyList<double>? Mean, IReadOnlyList<double>? Std, string Source)
    {
        public bool Is(NetworkSpec spec) => Mean is null == spec.Mean is null
            && (Mean is null || (Single(Mean).SequenceEqual(Single(spec.Mean!)) && Single(Std!).SequenceEqual(Single(spec.Std!))));

        private static IEnumerable<float> Single(IReadOnlyList<double> values) => values.Select(value => (float)value);
    }

    // The constants of a normalising layer beside the network, one a channel or one for all, or else what the metadata say.
    private static FileNormalisation? ReadNormalisation(WeightsFile file, Dictionary<string, Tensor> tensors, int channels)
    {
        DataFileException? fault = null;
        foreach (var (name, mean) in tensors)
        {
            var before = name[..(name.LastIndexOf('.') + 1)];
            foreach (var names in NormalisationNames)
            {
                if (name != before + names.Mean || !tensors.TryGetValue(before + names.Std, out var std)) continue;
                var fits = (mean.numel() == 1 || mean.numel() == channels) && (std.numel() == 1 || std.numel() == channels);
                if (fits && !Normalisation.Faults(OneEach(mean), OneEach(std)).Any())
                    return new(OneEach(mean), OneEach(std), $"the file's {name}");
                fault ??= new(
                    file.Path, $"as {name} and {before}{names.Std} means and positive deviations, {channels} of each or one for all",
                    fits ? Text(OneEach(mean), OneEach(std)) : $"{mean.numel()} and {std.numel()} values");
            }
        }
        if (fault is not null) throw fault;
        return Spec(file.Metadata, file.Path) is { } spec ? new(spec.Mean, spec.Std, "the file's metadata") : null;

        double[] OneEach(Tensor values) => Values(values.numel() == 1 ? values.reshape(1).expand(channels) : values);
    }

    private static string Text(IReadOnlyList<double>? mean, IReadOnlyList<double>? std) => mean is null ? "no normalisation"
        : $"mean {Normalisation.Text(mean)}, std {Normalisation.Text(std!)}";

    // The file's word wins: it knows what its weights were trained with.
    private static NetworkSpec Normalised(NetworkSpec spec, WeightsFile file, Dictionary<string, Tensor> tensors, List<string> notes)
    {
        if (ReadNormalisation(file, tensors, spec.InputChannels) is not { } found)
        {
            var own = (spec with { Mean = null, Std = null }).OwnNormalisation();
            var given = spec.Mean is null || spec.HasOwnNormalisation ? own : spec;
            notes.Add(given.Mean is null
                ? "no normalisation: the file does not tell whether its network expects other images than those in [0,1]"
                : $"normalisation {(given == own ? "of the definition" : "as given")}, for the file does not tell: "
                    + Text(given.Mean, given.Std));
            return given;
        }
        notes.Add(found.Mean is null
            ? $"no normalisation, as {found.Source} says"
            : $"normalisation from {found.Source}: {Text(found.Mean, found.Std)}");
        if (spec.Mean is not null && !found.Is(spec)) notes.Add($"the normalisation given is not used: {Text(spec.Mean, spec.Std)}");
        return spec with { Mean = found.Mean, Std = found.Std };
    }

    // As the shortest decimals that give the same float: 0.4914 and not 0.49140000343.
    private static double[] Values(Tensor tensor) => Array.ConvertAll(tensor.to(ScalarType.Float32).flatten().data<float>().ToArray(),
        value => double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture));

    // A card that cannot be read says nothing here; whoever asks for the card itself is told what is wrong with it.
    private static double? ReportedAccuracy(IReadOnlyDictionary<string, string> metadata)
    {
        try
        {
            var card = JsonNode.Parse(metadata.GetValueOrDefault(NetworkSpec.CardName, "null"));
            return card?["evaluation"]?["clean"]?["accuracy"]?.GetValue<double>();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static ImportReport Fill(
        Module<Tensor, Tensor> network, WeightsFile file, Dictionary<string, Tensor> tensors, List<string> notes)
    {
        if (tensors.Count > ParameterNames.MaximumTensors)
            throw new DataFileException(file.Path, $"at most {ParameterNames.MaximumTensors} tensors", $"{tensors.Count}");
        if (network is ImageNetwork image) image.ReportedAccuracy = ReportedAccuracy(file.Metadata);
        var wanted = network.state_dict().Keys;
        var names = ParameterNames.Match(tensors.Keys, wanted);
        var given = wanted.Where(names.ByName.ContainsKey).ToDictionary(name => name, name => tensors[names.ByName[name]]);
        var used = given.Keys.Select(name => names.ByName[name]).ToHashSet();
        var leftOut = new List<string>();
        foreach (var (name, tensor) in tensors)
        {
            if (used.Contains(name)) continue;
            if (IsBeside(name, tensor)) leftOut.Add(name);
            // Under its own name, to be complained of.
            else if (!given.TryAdd(name, tensor)) given.TryAdd($"{name} (a second one)", tensor);
        }
        notes =
        [
            .. notes,
            .. from key in file.Averages
               let others = key == "best" ? "those of the best epoch" : "averaged ones"
               select $"the weights are the last ones; {others} are there too, and the key '{key}' takes them",
            .. from name in network is ImageNetwork ? [] : leftOut
               where NormalisationNames.Any(pair => Last(name) == pair.Mean)
               select $"{name} is left out: the network of the file normalised its images, and this one has to do so by itself",
        ];
        foreach (var (name, tensor) in given)
        {
            // As the network will have them: what is finite in double precision need not be so in single.
            if (Weights.NotFinite(tensor, network.parameters().FirstOrDefault()?.dtype) is { } found)
                throw new DataFileException(file.Path, $"finite weights in tensor '{names.ByName.GetValueOrDefault(name, name)}'", found);
        }
        try
        {
            Weights.Load(network, given);
        }
        catch (ArgumentException exception)
        {
            var found = exception.Message.Replace(" (Parameter 'tensors')", "", StringComparison.Ordinal);
            throw new DataFileException(
                file.Path, $"the tensors of {network.GetName()}",
                $"{found.TrimEnd('.')}. The file {NetworkRecogniser.Recognise(file.Tensors).Predicate}", exception);
        }
        return new()
        {
            Path = file.Path,
            Format = file.Format,
            Key = file.Key,
            Prefix = names.Prefix,
            Naming = names.Naming,
            Loaded = given.Count,
            Skipped = [.. leftOut, .. file.Others],
            Notes = notes,
        };

        // What may be there besides the network's own tensors: the rest of a training checkpoint of this library, a normalisation, the
        // second copy of the network that an attack holds in checkpoints of the robustness library, counters.
        bool IsBeside(string name, Tensor tensor)
        {
            if (names.Prefix == StudentPrefix && file.Format == WeightsFormat.Safetensors) return true;
            if (name.Contains(".attacker.", StringComparison.Ordinal) && !names.Prefix.Contains("attacker")) return true;
            return NormalisationNames.Any(pair => Last(name) == pair.Mean || Last(name) == pair.Std)
                || (tensor.numel() == 1 && CounterNames.Contains(Last(name)));
        }

        static string Last(string name) => name[(name.LastIndexOf('.') + 1)..];
    }
}
