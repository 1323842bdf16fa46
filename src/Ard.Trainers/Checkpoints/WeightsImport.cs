using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json;
using Ard.Trainers.Networks;

namespace Ard.Trainers.Checkpoints;

/// <summary>From a <see cref="WeightsFile"/> to a network: see <see cref="ModelFile.Import(string, NetworkSpec, string)"/>.</summary>
internal static class WeightsImport
{
    // What normalising layers call their constants.
    private static readonly (string Mean, string Std)[] NormalisationNames = [("mean", "std"), ("mu", "sigma"), ("new_mean", "new_std")];

    // What counts beside weights: how many were averaged, how long was trained.
    private static readonly string[] CounterNames =
        ["n_averaged", "num_updates", "updates", "decay", "initted", "step", "steps", "global_step", "epoch", "iteration"];

    public static ImportReport Load(string path, Module<Tensor, Tensor> network, string? key)
    {
        using var file = WeightsFile.Open(path, key);
        using var scope = NewDisposeScope();
        var tensors = file.Read();
        if (network is ImageNetwork { Spec: var spec } && ReadNormalisation(file, tensors, spec.InputChannels) is { } own && !own.Is(spec))
            throw new CheckpointException(path, $"weights for {Text(spec.Mean, spec.Std)}", $"{own.Source}: {Text(own.Mean, own.Std)}");
        return Fill(network, file, tensors, []);
    }

    public static ImportedNetwork Import(string path, NetworkSpec? spec, string? key)
    {
        using var file = WeightsFile.Open(path, key);
        file.RefuseProgram();
        return Import(file, spec);
    }

    public static ImportedNetwork Import(WeightsFile file, NetworkSpec? spec)
    {
        var path = file.Path;
        var notes = new List<string>();
        if (spec is null && (spec = ModelFile.Spec(file.Metadata, path)) is null)
        {
            var recognised = NetworkRecogniser.Recognise(file.Tensors);
            spec = recognised.Spec
                ?? throw new CheckpointException(path, "a network that is named or can be recognised", $"one that {recognised.Predicate}");
            notes.Add(recognised.Description);
        }
        using var scope = NewDisposeScope();
        var tensors = file.Read();
        spec = Normalised(spec, file, tensors, notes);
        Module<Tensor, Tensor> network;
        try
        {
            network = spec.BuildFor(tensors.Values);
        }
        catch (ArgumentException exception)
        {
            var description = NetworkRecogniser.Recognise(file.Tensors).Predicate;
            throw new CheckpointException(path, $"the tensors of {spec}", $"{exception.Message} The file {description}", exception);
        }
        try
        {
            var report = Fill(network, file, tensors, notes);
            network.eval();
            return new(network, spec, report);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    // The normalisation that a file names; without a mean there is none.
    private sealed record FileNormalisation(IReadOnlyList<double>? Mean, IReadOnlyList<double>? Std, string Source)
    {
        public bool Is(NetworkSpec spec) => Mean is null == spec.Mean is null
            && (Mean is null || (Mean.SequenceEqual(spec.Mean!) && Std!.SequenceEqual(spec.Std!)));
    }

    // The constants of a normalising layer beside the network, one a channel, or else what the metadata say.
    private static FileNormalisation? ReadNormalisation(WeightsFile file, Dictionary<string, Tensor> tensors, int channels)
    {
        foreach (var (name, mean) in tensors)
        {
            var before = name[..(name.LastIndexOf('.') + 1)];
            foreach (var names in NormalisationNames)
            {
                if (name == before + names.Mean && tensors.TryGetValue(before + names.Std, out var std)
                    && mean.numel() == channels && std.numel() == channels && !Normalisation.Faults(Values(mean), Values(std)).Any())
                    return new(Values(mean), Values(std), $"the file's {name}");
            }
        }
        return ModelFile.Spec(file.Metadata, file.Path) is { } spec ? new(spec.Mean, spec.Std, "the file's metadata") : null;
    }

    private static string Text(IReadOnlyList<double>? mean, IReadOnlyList<double>? std) => mean is null ? "no normalisation"
        : string.Create(CultureInfo.InvariantCulture, $"mean [{string.Join(", ", mean)}], std [{string.Join(", ", std!)}]");

    // The file's word wins: it knows what its weights were trained with.
    private static NetworkSpec Normalised(NetworkSpec spec, WeightsFile file, Dictionary<string, Tensor> tensors, List<string> notes)
    {
        if (ReadNormalisation(file, tensors, spec.InputChannels) is not { } found)
        {
            notes.Add(spec.Mean is null
                ? "no normalisation: the file does not tell whether its network expects other images than those in [0,1]"
                : $"normalisation {(spec.Name.StartsWith("robustbench/", StringComparison.Ordinal) ? "of the definition" : "as given")}, "
                    + "for the file does not tell: " + Text(spec.Mean, spec.Std));
            return spec;
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
            throw new CheckpointException(file.Path, $"at most {ParameterNames.MaximumTensors} tensors", $"{tensors.Count}");
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
            .. file.Averages.Select(key => $"the weights are the last ones; averaged ones are there too, and the key '{key}' takes them"),
        ];
        foreach (var (name, tensor) in given)
        {
            // As the network will have them: what is finite in double precision need not be so in single.
            if (Weights.NotFinite(tensor, network.parameters().FirstOrDefault()?.dtype) is { } found)
                throw new CheckpointException(file.Path, $"finite weights in tensor '{names.ByName.GetValueOrDefault(name, name)}'", found);
        }
        try
        {
            Weights.Load(network, given);
        }
        catch (ArgumentException exception)
        {
            var found = exception.Message.Replace(" (Parameter 'tensors')", "", StringComparison.Ordinal);
            throw new CheckpointException(
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
            if (names.Prefix == ModelFile.StudentPrefix && file.Format == WeightsFormat.Safetensors) return true;
            if (name.Contains(".attacker.", StringComparison.Ordinal) && !names.Prefix.Contains("attacker")) return true;
            var last = name[(name.LastIndexOf('.') + 1)..];
            return NormalisationNames.Any(pair => last == pair.Mean || last == pair.Std)
                || (tensor.numel() == 1 && CounterNames.Contains(last));
        }
    }
}
