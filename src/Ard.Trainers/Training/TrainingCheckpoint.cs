namespace Ard.Trainers.Training;

/// <summary>
/// A place in a training as one safetensors file: tensors student.*, peer.*, optimizer.*, best.*, average.*, memory.*, random.*,
/// order and meter, and the numbers as JSON in its metadata. The file's digest is required, so that a damaged one is refused.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string MetadataName = "ard.training";
    private const string SeedName = nameof(TrainingOptions.Seed);
    private const string PeerPrefix = "peer.";
    private const int Version = 3;

    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        // The loss of an objective that hands in no logits goes with an accuracy that is not a number.
        NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private sealed record Place(
        int Version, IReadOnlyDictionary<string, string> Settings, int Epoch, int Step, int? BestEpoch, double Seconds,
        IReadOnlyList<EpochRecord> History, IReadOnlyList<string>? Warnings = null, long Averaged = 0, double EpochSeconds = 0);

    public static void Write(string path, TrainingSetup setup, TrainingRun run)
    {
        using var scope = NewDisposeScope();
        var memory = run.Memory.Entries.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => (MemoryPrefix(pair.Value.PerImage) + pair.Key,
                pair.Value.PerImage ? Gather(setup.Group, pair.Value.Value) : pair.Value.Value)).ToArray();
        setup.Group.Together(() =>
        {
            // None goes on, or ends, while it is written.
            if (setup.Group.Rank == 0) Write(path, setup, run, memory);
        });
    }

    private static void Write(string path, TrainingSetup setup, TrainingRun run, (string Name, Tensor Value)[] memory)
    {
        var place = new Place(
            Version, setup.Settings, run.Epoch, run.Step, run.Selection.BestEpoch, run.Reporter.Seconds, run.Selection.History,
            run.Reporter.Warnings, run.Average?.Count ?? 0, run.Step == 0 ? 0 : run.Reporter.EpochSeconds);
        var tensors = new List<(string, Tensor)>();
        tensors.AddRange(setup.Student.state_dict().Select(pair => (ModelFile.StudentPrefix + pair.Key, pair.Value)));
        if (setup.Networks.Peer is { } peer) tensors.AddRange(peer.state_dict().Select(pair => (PeerPrefix + pair.Key, pair.Value)));
        tensors.AddRange(OptimizerState.Read(run.Optimizer, run.ParameterNames).Select(pair => ("optimizer." + pair.Name, pair.Value)));
        tensors.AddRange(run.Selection.BestWeights.Select(pair => ("best." + pair.Key, pair.Value)));
        if (run.Average is not null) tensors.AddRange(run.Average.Values.Select(pair => ("average." + pair.Key, pair.Value)));
        if (run.Order is not null) tensors.Add(("order", run.Order));
        tensors.AddRange(memory);
        tensors.Add(("meter", run.Meter.Values));
        tensors.Add(("random.data", run.DataGenerator.get_state()));
        tensors.Add(("random.noise", run.NoiseGenerator.get_state()));
        var metadata = NetworkSpec.Metadata(setup.Student);
        metadata[MetadataName] = JsonSerializer.Serialize(place, Json);
        Safetensors.Write(path, tensors, metadata);
    }

    private static string MemoryPrefix(bool perImage) => perImage ? "memory.images." : "memory.batch.";

    // One tensor with the rows of all processes, by their place in the batch.
    private static Tensor Gather(ProcessGroup group, Tensor rows)
    {
        if (group.Size == 1) return rows;
        double[] count = [rows.shape[0]];
        group.Sum(count);
        var all = zeros([(long)count[0], .. rows.shape[1..]], rows.dtype, rows.device);
        all.index_copy_(0, tensor(new BatchShare(group, all.shape[0]).Rows, dtype: ScalarType.Int64, device: rows.device), rows);
        group.Sum(all);
        return all;
    }

    public static void Restore(Stream file, string path, TrainingSetup setup, TrainingRun run)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var tensors = Safetensors.Read(file, path, requireDigest: true);
        file.Position = 0;
        var place = ReadPlace(file, path);
        var given = setup.Settings;
        var differences = OptionsText.Differences(place.Settings, given, "in the file", "given").ToList();
        if (place.Settings.GetValueOrDefault(SeedName) is var seed && seed != given[SeedName])
            differences.Add($"to go on with it set {SeedName} = {seed}");
        if (differences.Count > 0) throw Fault("a checkpoint of this training", string.Join("; ", differences));

        try
        {
            Weights.Load(setup.Student, tensors, ModelFile.StudentPrefix);
            if (setup.Networks.Peer is { } peer) Weights.Load(peer, tensors, PeerPrefix);
            OptimizerState.Restore(run.Optimizer, run.ParameterNames, Part("optimizer."));
            run.Meter.Values.copy_(tensors["meter"]);
            run.DataGenerator.set_state(tensors["random.data"]);
            run.NoiseGenerator.set_state(tensors["random.noise"]);
        }
        catch (Exception exception) when (exception is ArgumentException or KeyNotFoundException)
        {
            throw Fault("the tensors of this student and training", exception.Message, exception);
        }
        foreach (var (name, value) in Part("best.")) run.Selection.BestWeights[name] = value.to(setup.Device).DetachFromDisposeScope();
        if (run.Average is { } average)
        {
            average.Count = place.Averaged;
            foreach (var (name, value) in Part("average.")) average.Values[name] = value.to(setup.Device).DetachFromDisposeScope();
        }
        foreach (var (name, value) in Part(MemoryPrefix(true)))
            run.Memory.Set(name, new BatchShare(setup.Group, value.shape[0]).Select(value.to(setup.Device)), perImage: true);
        foreach (var (name, value) in Part(MemoryPrefix(false))) run.Memory.Set(name, value.to(setup.Device));
        run.Order = tensors.TryGetValue("order", out var order) ? order.DetachFromDisposeScope() : null;
        (run.Epoch, run.Step) = (place.Epoch, place.Step);
        (run.Selection.BestEpoch, run.Reporter.EarlierSeconds) = (place.BestEpoch, place.Seconds);
        run.Reporter.EarlierEpochSeconds = place.EpochSeconds;
        run.Selection.History.AddRange(place.History);
        // What there was to warn of before the first step is in the file as well.
        run.Reporter.Warnings.Clear();
        run.Reporter.Warnings.AddRange(place.Warnings ?? []);

        Dictionary<string, Tensor> Part(string prefix) => tensors.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value);

        DataFileException Fault(string expected, string found, Exception? inner = null) => new(path, expected, found, inner);
    }

    private static Place ReadPlace(Stream file, string path)
    {
        if (!SafetensorsHeader.Read(file, path).Metadata.TryGetValue(MetadataName, out var text))
            throw new DataFileException(path, $"a training checkpoint, with the metadata entry {MetadataName}", "a file without it");
        var place = Damage.Tell(
            () => JsonSerializer.Deserialize<Place>(text, Json), exception => exception is JsonException,
            exception => new(path, $"JSON of a training checkpoint of version {Version}", exception.Message, exception));
        return place?.Version == Version ? place : throw new DataFileException(
            path, $"a training checkpoint of version {Version}",
            $"version {place?.Version}: finish that training with the version of this library that began it");
    }
}
