namespace Ard.Trainers.Training;

/// <summary>
/// What stays the same all through a training, made ready: settings filled in and checked, networks and images on the device. What is
/// borrowed (teachers, number of threads, global random state) is put back on disposal.
/// </summary>
internal sealed class TrainingSetup : IDisposable
{
    // The deviation of a share of so many is at most half a percent.
    private const long EnoughToCompare = 10_000;

    private readonly List<IDisposable> owned = [];
    private readonly Dictionary<string, string> digests = [];

    public TrainingSetup(
        TrainingNetworks networks, Objective objective, ImageDataset data, ImageDataset? validation, TrainingOptions options,
        CancellationToken cancellation = default)
    {
        options.Validate();
        (Objective, Options, Group) = (objective, options.WithDefaults(objective, data), options.Group ?? ProcessGroup.Current);
        // The attacks of the validation for the norm that is known now.
        Options.Validate();
        Usual = (Options with { Epochs = null, Optimizer = null }).WithDefaults(objective, data);
        Threat = objective.Threat ?? options.Validation.Threat;
        TrainingInput.Check(networks, objective, data, validation, Options, Group);
        Networks = networks with
        {
            Teacher = objective.NeedsTeacher || Auxiliary?.TeacherLabels == true ? networks.Teacher : null,
            NaturalTeacher = objective.NeedsNaturalTeacher ? networks.NaturalTeacher : null,
            Peer = objective.NeedsPeer ? networks.Peer : null,
        };
        try
        {
            Device = TrainingDevice.Find(options.Device, Group.LocalRank);
            if (Device.type == DeviceType.CPU) GradientCheck.Require();
            owned.Add(new ProcessState(options.Threads, Group.LocalSize));
            foreach (var (_, network) in Networks.Trained) network.to(Device);
            DType = Student.parameters().First().dtype;
            // It will have other weights than its card is of.
            if (Student is ImageNetwork own) own.ReportedAccuracy = null;
            foreach (var teacher in Teachers) Borrow(teacher.Network);

            if (options.CheckpointFolder is not null || Group.Size > 1) Digest(data, validation);
            (Data, Validation) = (data, validation?.Relabelled(data.ClassNames));
            if (Validation is not null) owned.Add(Validation);
            if (validation is null && (long)Math.Round(data.Count * options.ValidationFraction) is > 0 and var count)
            {
                (Data, Validation) = data.Split(count, unchecked((ulong)options.Seed));
                owned.AddRange([Data, Validation]);
            }
            if (Device.type != DeviceType.CPU) owned.Add(Data = Data.To(Device));
            Batches = new(Data.Count, Options.BatchSize!.Value);
            TrainingInput.CheckOutputs(Networks, Data, DType);
            owned.Add(Images = new(Data, OwnAuxiliary(), Auxiliary?.Share ?? 0));
            if (objective.NeedsTeacher && (options.CacheTeacherLogits ?? TeacherLogitsCache.Pays(Options, Images)))
            {
                TeacherLogits = new(
                    Networks.Teacher!, Images, Options.Augmentation!.Variants!.Value, Batches.BatchSize, DType, Group, cancellation);
                owned.Add(TeacherLogits);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The networks that the method needs, and no others.</summary>
    public TrainingNetworks Networks { get; }

    public Module<Tensor, Tensor> Student => Networks.Student;
    public Objective Objective { get; }
    public TrainingOptions Options { get; }

    /// <summary>The settings with epochs and optimizer as the rule has them.</summary>
    public TrainingOptions Usual { get; }

    /// <summary>What the student is to stand, as method or options say; null where neither does.</summary>
    public ThreatModel? Threat { get; }

    /// <summary>The training images, without those set aside for validation.</summary>
    public ImageDataset Data { get; }

    public TrainingImages Images { get; }

    /// <summary>How far the teacher agrees with the auxiliary labels; null where there are none, no teacher, or not yet.</summary>
    public LabelNoise? AuxiliaryLabels { get; private set; }

    public ImageDataset? Validation { get; }
    public ProcessGroup Group { get; }
    public Device Device { get; } = CPU;
    public ScalarType DType { get; }
    public BatchPlan Batches { get; }
    public int Epochs => Options.Epochs!.Value;
    private AuxiliaryData? Auxiliary => Options.Auxiliary is { Share: > 0 } auxiliary ? auxiliary : null;

    /// <summary>Where the teacher's logits of clean images are kept; null where they are computed each time.</summary>
    public TeacherLogitsCache? TeacherLogits { get; }

    public IEnumerable<(string Role, Module<Tensor, Tensor> Network)> Teachers =>
        from pair in new[] { ("teacher", Networks.Teacher), ("natural teacher", Networks.NaturalTeacher) }
        where pair.Item2 is not null
        select (pair.Item1, pair.Item2!);

    /// <summary>Whether the method meets an adversary, itself or by its teacher. One that does not is not judged by one.</summary>
    public bool MeetsAdversary => Objective.Threat is not null || Objective.NeedsTeacher;

    /// <summary>What has to be the same for a checkpoint to fit, by name.</summary>
    public IReadOnlyDictionary<string, string> Settings
    {
        get
        {
            // These may be others when a training goes on.
            var compared = Options with
            {
                Device = $"{Device.type}",
                Threads = null,
                Group = null,
                CheckpointFolder = null,
                CheckpointEverySteps = null,
                Resume = false,
                WhenCancelled = default,
                ProgressInterval = default,
                KeepBest = default,
                AcceptTeacherNearChance = default,
                CacheTeacherLogits = TeacherLogits is not null,
                ValidationFraction = default,
            };
            var (judge, against) = (Options.Validation, Options.Validation.Threat!);
            var settings = new Dictionary<string, string>(digests)
            {
                ["validation images"] = $"{Validation?.Count ?? 0}",
                ["validation attacks"] = string.Join("; ", judge.AllAttacks().Select(attack => attack.DescriptionIn(against.Norm))),
                ["budgets in full"] = Invariant($"{Objective.Threat?.Epsilon:R} {against.Epsilon:R}"),
            };
            foreach (var (name, value) in OptionsText.All(nameof(Objective), Objective).Concat(OptionsText.All(compared)))
                settings[name] = value;
            return settings;
        }
    }

    /// <summary>Makes sure that all processes train the same: by one's weights, on the same images, with the same settings.</summary>
    /// <exception cref="ArgumentException">Something differs; the message names it.</exception>
    public void SynchroniseProcesses()
    {
        if (Group.Size == 1) return;
        Group.RequireSame(nameof(Trainer), new Dictionary<string, string>(Settings)
        {
            // When they wait for each other, and which weights they get.
            [nameof(Options.CheckpointFolder)] = Options.CheckpointFolder is null ? "none" : "one",
            [nameof(Options.CheckpointEverySteps)] = $"{Options.CheckpointEverySteps}",
            [nameof(Options.Resume)] = $"{Options.Resume}",
            [nameof(Options.WhenCancelled)] = $"{Options.WhenCancelled}",
            [nameof(Options.KeepBest)] = $"{Options.KeepBest}",
        });
        foreach (var (_, network) in Networks.Trained)
        {
            foreach (var value in network.state_dict().Values) Group.Broadcast(value);
        }
    }

    /// <summary>
    /// The teacher labels the auxiliary images (Carmon et al., NeurIPS 2019), or is compared with the labels of some of them. All
    /// processes call it, each for its part, and end alike.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled, in any of the processes.</exception>
    public void AskTeacherOfAuxiliary(CancellationToken cancellation)
    {
        if (Images.Auxiliary is not { } images || Networks.Teacher is not { } teacher) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var all = Auxiliary!.TeacherLabels;
        var count = all ? images.Count : Math.Min(EnoughToCompare, images.Count);
        using var part = all ? null : images.Sample(count);
        var some = part ?? images;
        using var answers = new TeacherLogitsCache(teacher, new(some), variants: 1, Batches.BatchSize, DType, Group, cancellation);
        var (confidence, labels) = answers.Find(Arange(count, ScalarType.Int64), null).softmax(1).max(1);
        double? disagreement = some.IsLabelled
            ? labels.ne(some.Labels.to(labels.device)).to(ScalarType.Float64).mean().item<double>() : null;
        AuxiliaryLabels = new(count, disagreement, confidence.to(ScalarType.Float64).mean().item<double>());
        if (all) Images.AuxiliaryLabels = labels.DetachFromDisposeScope();
    }

    public void Dispose()
    {
        for (var last = owned.Count - 1; last >= 0; last--) owned[last].Dispose();
        owned.Clear();
        FreedMemory.Return();
    }

    // Moved to the device, and where and as it was found once the training is over.
    private void Borrow(Module<Tensor, Tensor> network)
    {
        if (network.parameters().FirstOrDefault()?.device is { } home) owned.Add(new PutBack(() => network.to(home)));
        network.to(Device);
        using var scope = NewDisposeScope();
        owned.Add(ModelState.Borrow(network));
    }

    // On the device, with the training images' numbers of the classes.
    private ImageDataset? OwnAuxiliary()
    {
        if (Auxiliary is not { } auxiliary) return null;
        var images = auxiliary.Images!.Relabelled(Data.ClassNames);
        owned.Add(images);
        if (Device.type != DeviceType.CPU) owned.Add(images = images.To(Device));
        return images;
    }

    // Digests all that is given beside the settings: images and labels in their order, what networks there are, and the teachers' weights;
    // of one that can only be asked its answers to the first images.
    private void Digest(ImageDataset data, ImageDataset? validation)
    {
        foreach (var (name, images) in new[] { ("data", data), ("validation", validation), ("auxiliary", Auxiliary?.Images) })
        {
            if (images is null) continue;
            digests[name] = $"[{string.Join(",", images.Shape)}]";
            digests[$"{name} labels"] = TensorDigest.Compute(images.Labels)[..16];
            digests[$"{name} pixels"] = images.PixelDigest()[..16];
        }
        foreach (var (role, network) in Networks.All) digests[role] = NetworkSpec.Within(network);
        using var scope = NewDisposeScope();
        var some = data.Batch(0, Math.Min(EvaluationSubject.ImagesToKnowBy, data.Count)).Images.to(ScalarType.Float32);
        foreach (var (role, network) in Teachers)
            digests[$"{role} weights"] =
                (network is BlackBoxModel ? TensorDigest.Compute(network.call(some)) : TensorDigest.Compute(network))[..16];
    }
}
