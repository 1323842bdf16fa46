namespace Ard.Trainers.Evaluation;

/// <summary>A network with the images and labels that it is evaluated on, and who is told.</summary>
/// <param name="Author">Who evaluates, for messages.</param>
/// <param name="Model">Images [N,...] to logits [N,classes].</param>
/// <param name="Images">Images that are known to be sound.</param>
/// <param name="Labels">The true classes, int64 [N].</param>
/// <param name="Progress">Told after each step.</param>
/// <param name="Cancellation">Ends the evaluation.</param>
internal sealed record EvaluationSubject(
    string Author, Module<Tensor, Tensor> Model, ImageSource Images, Tensor Labels, IProgress<EvaluationProgress>? Progress = null,
    CancellationToken Cancellation = default)
{
    /// <summary>How the network is called in settings if it can only be asked, before a digest of its answers.</summary>
    public const string Asked = "answers ";

    internal const int ImagesToKnowBy = 32;

    /// <summary>The images' numbers in the whole data set, for their random numbers. Default: they are all of it.</summary>
    public IReadOnlyList<long> Rows { get; init; } = [.. PointNoise.Rows(Images.Count)];

    /// <summary>A network with images that are checked first.</summary>
    /// <exception cref="ArgumentException">Images or labels are unfit; the message names every fault.</exception>
    public static EvaluationSubject Checked(
        string author, Module<Tensor, Tensor> model, Tensor images, Tensor labels, IProgress<EvaluationProgress>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ImageBatch.Check(author, images, labels);
        return new(author, model, images, labels, progress, cancellation);
    }

    public int Count => checked((int)Images.Count);

    /// <summary>How many images go through the network at a time where nobody says it.</summary>
    public int BatchSize
    {
        get
        {
            using var scope = NewDisposeScope();
            return UsualBatch(Images.Rows([]).shape);
        }
    }

    /// <summary>The same for images [N,...].</summary>
    public static int UsualBatch(ReadOnlySpan<long> shape)
    {
        const int usual = 250, least = 16;
        long values = 1;
        foreach (var size in shape[1..]) values *= size;
        return (int)Math.Clamp(usual * 3 * 32 * 32 / Math.Max(1, values), least, usual);
    }

    public long[] Truth
    {
        get
        {
            using var labels = Labels.cpu();
            return labels.data<long>().ToArray();
        }
    }

    public (ScalarType Type, Device Device) Home => ImageBatch.Home(Model, Images);

    /// <summary>The places of all images, a batch at a time.</summary>
    public IEnumerable<long[]> Batches(int size) => PointNoise.Rows(Count).Chunk(size);

    /// <summary>Some of the images, by their places; they keep their numbers.</summary>
    public EvaluationSubject Part(IReadOnlyList<long> places) => this with
    {
        Images = Images.Part(places),
        Labels = Labels.index_select(0, tensor(places.ToArray(), dtype: ScalarType.Int64, device: Labels.device)),
        Rows = [.. places.Select(place => Rows[(int)place])],
    };

    /// <summary>Some images and labels, by their places, as the network wants them.</summary>
    public (Tensor Images, Tensor Labels) Take(IReadOnlyList<long> places)
    {
        using var index = tensor(places.ToArray(), dtype: ScalarType.Int64, device: Labels.device);
        return (ToNetwork(Images.Rows(places)), Labels.index_select(0, index).to(Home.Device));
    }

    public Tensor ToNetwork(Tensor images) => ImageBatch.Convert(images, Home.Type, Home.Device);

    /// <summary>What the network, borrowed for it, says of points in its dtype and on its device.</summary>
    /// <inheritdoc cref="ImageBatch.CheckClasses" path="/exception"/>
    public Tensor Logits(Tensor points)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var state = ModelState.Borrow(Model);
        var logits = Model.call(points);
        ImageBatch.CheckClasses(Author, logits, points.shape[0], Labels);
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>The class that the network takes each point for; -1 where its logits are not finite.</summary>
    /// <inheritdoc cref="Logits" path="/exception"/>
    public long[] Predict(Tensor points)
    {
        using var scope = NewDisposeScope();
        return AttackTarget.Predictions(Logits(points)).cpu().data<long>().ToArray();
    }

    /// <summary>Of how many images, which a function gives by their places, the network says these classes.</summary>
    /// <inheritdoc cref="Predict" path="/exception"/>
    public int CountOf(IReadOnlyList<long> classes, int batchSize, Func<long[], Tensor> images) => Batches(batchSize).Sum(places =>
    {
        Cancellation.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        return Predict(ToNetwork(images(places))).Zip(places).Count(pair => pair.First == classes[(int)pair.Second]);
    });

    /// <summary>What network, images and labels are known by; of a model that can only be asked its answers to the first images.</summary>
    public Dictionary<string, string> Digests()
    {
        using var scope = NewDisposeScope();
        return new()
        {
            ["network"] = Model is BlackBoxModel
                ? Asked + TensorDigest.Compute(Model.call(Take([.. PointNoise.Rows(Math.Min(ImagesToKnowBy, Count))]).Images))
                : $"{Model.GetType().FullName} {NetworkSpec.Within(Model)} {TensorDigest.Compute(Model)}",
            ["images"] = Images.Digest(),
            ["labels"] = TensorDigest.Compute(Labels),
        };
    }
}
