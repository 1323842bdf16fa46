using System.Runtime.InteropServices;

namespace Ard.MLNet.Scoring;

/// <summary>
/// A network with all that scoring needs to know. The network is in eval mode, frozen and folded, so that any number of threads may use
/// it at once.
/// </summary>
internal sealed class Classifier : BatchMapping
{
    // Several models may score one data set; each takes the next number.
    private const string SetId = "ScoreColumnSetId";

    private readonly Module<Tensor, Tensor> network;
    private IDisposable? folded;
    // Held by those who use the network, any number of them, and by the one who frees it.
    private readonly ReaderWriterLockSlim use = new(LockRecursionPolicy.SupportsRecursion);
    private bool disposed;

    public Classifier(Module<Tensor, Tensor> network, NetworkDefinition definition, PixelFormat format, ClassLabels labels,
        string features, int batchSize)
    {
        (this.network, Definition, Format, Labels, Features, BatchSize) = (network, definition, format, labels, features, batchSize);
        network.eval();
        foreach (var parameter in network.parameters()) parameter.requires_grad = false;
        folded = FoldedNorm.Fold(network);
    }

    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public Module<Tensor, Tensor> Network
    {
        get
        {
            ObjectDisposedException.ThrowIf(disposed, typeof(ImageClassifierTransformer));
            return network;
        }
    }

    /// <summary>The network for one who may change its weights: from here on nothing is folded for scoring.</summary>
    /// <inheritdoc cref="Network" path="/exception"/>
    public Module<Tensor, Tensor> Unfolded()
    {
        Interlocked.Exchange(ref folded, null)?.Dispose();
        return Network;
    }

    public NetworkDefinition Definition { get; }
    public override PixelFormat Format { get; }
    public ClassLabels Labels { get; }
    public override string Features { get; }
    public override int BatchSize { get; }

    /// <summary>The class of the largest score; -1 where all are NaN.</summary>
    public static int Largest(ReadOnlySpan<float> scores)
    {
        var largest = -1;
        for (var i = 0; i < scores.Length; i++)
            if (!float.IsNaN(scores[i]) && (largest < 0 || scores[i] > scores[largest])) largest = i;
        return largest;
    }

    public override IReadOnlyList<DataViewSchema.Column> Inputs(DataViewSchema input) => [ImageColumn.Find(input, Features, Format)];

    public override IReadOnlyList<DataViewSchema.DetachedColumn> NewColumns(DataViewSchema input)
    {
        ImageColumn.Find(input, Features, Format);
        return ScoreColumns(Labels, 1 + input.Max(column => SetIdOf(column) ?? 0));
    }

    /// <summary>The number that columns of one of ML.NET's predictors have in common; null of other columns.</summary>
    public static uint? SetIdOf(DataViewSchema.Column column)
    {
        if (column.Annotations.Schema.GetColumnOrNull(SetId)?.Type is not KeyDataViewType { RawType: var raw } || raw != typeof(uint))
            return null;
        uint id = 0;
        column.Annotations.GetValue(SetId, ref id);
        return id;
    }

    /// <summary>PredictedLabel and Score, with the annotations that ML.NET's trainers give them, in their order.</summary>
    public static IReadOnlyList<DataViewSchema.DetachedColumn> ScoreColumns(ClassLabels labels, uint setId)
    {
        var predicted = Annotations("PredictedLabel", setId);
        labels.AddTo(predicted);
        var score = Annotations("Score", setId);
        labels.AddTo(score, "TrainingLabelValues");
        if (labels.KindName == "text") labels.AddTo(score, "SlotNames");
        return
        [
            new("PredictedLabel", labels.KeyType, predicted.ToAnnotations()),
            new("Score", new VectorDataViewType(NumberDataViewType.Single, labels.Count), score.ToAnnotations()),
        ];
    }

    public override Batch Open(DataViewRow row, int capacity) => new ScoreBatch(this, row, capacity);

    /// <summary>Probabilities [count, classes] of images [count,C,H,W] in [0,1].</summary>
    public void Score(Tensor images, Span<float> probabilities)
    {
        using var used = Use();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var count = images.shape[0];
        var logits = Network.call(ToNetwork(images));
        if (logits.dim() != 2 || logits.shape[0] != count || logits.shape[1] != Labels.Count)
            throw new InvalidOperationException(
                $"The network {Definition} gave [{string.Join(",", logits.shape)}] for {count} images, "
                + $"expected logits [{count},{Labels.Count}].");
        var softmax = logits.softmax(1).to(ScalarType.Float32).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(softmax.bytes).CopyTo(probabilities);
    }

    /// <summary>A network of its own with the same weights, in eval mode on the CPU.</summary>
    public Module<Tensor, Tensor> Copy()
    {
        using var used = Use();
        return Definition.Build(seed: 0).OrDispose(copy =>
        {
            if (Network.parameters().FirstOrDefault() is { } parameter) copy.to(parameter.dtype);
            Weights.Load(copy, Network.state_dict());
            copy.eval();
        });
    }

    public Tensor ToNetwork(Tensor images) =>
        // Asked for anew each time: the network is its owner's, who may move it.
        Network.parameters().FirstOrDefault() is { } parameter ? images.to(parameter.dtype, parameter.device) : images;

    /// <summary>Keeps other threads from freeing the network until the result is disposed of.</summary>
    public IDisposable Use()
    {
        use.EnterReadLock();
        return new InUse(use);
    }

    /// <summary>Frees the network, after those who use it now.</summary>
    /// <exception cref="InvalidOperationException">One who uses it has called, and would wait for himself.</exception>
    public void Dispose()
    {
        if (use.IsReadLockHeld)
            throw new InvalidOperationException(
                "The classifier is in use by what called here, such as the evaluation that tells its progress: expected Dispose after it.");
        use.EnterWriteLock();
        try
        {
            if (disposed) return;
            disposed = true;
            Interlocked.Exchange(ref folded, null)?.Dispose();
            network.Dispose();
        }
        finally
        {
            use.ExitWriteLock();
        }
    }

    private sealed class InUse(ReaderWriterLockSlim use) : IDisposable
    {
        public void Dispose() => use.ExitReadLock();
    }

    private static DataViewSchema.Annotations.Builder Annotations(string kind, uint setId)
    {
        var builder = new DataViewSchema.Annotations.Builder();
        Add("ScoreColumnKind", "MulticlassClassification");
        builder.AddPrimitiveValue(SetId, new KeyDataViewType(typeof(uint), int.MaxValue), setId);
        Add("ScoreValueKind", kind);
        return builder;

        void Add(string name, string text) => builder.AddPrimitiveValue(name, TextDataViewType.Instance, text.AsMemory());
    }

    private sealed class ScoreBatch(Classifier classifier, DataViewRow row, int capacity) : Batch
    {
        private readonly ImageColumn column = ImageColumn.Open(row, classifier.Features, classifier.Format);
        private readonly ImageBuffer images = new(classifier.Format, capacity);
        private readonly float[] scores = new float[checked(capacity * classifier.Labels.Count)];

        public override void Fetch() => column.Fetch();
        public override void Read(int slot) => column.Convert(images[slot]);

        public override void Compute(int count)
        {
            using var batch = images.First(count);
            classifier.Score(batch, scores);
        }

        public override void Dispose() => images.Dispose();

        public override Delegate Getter(int column, Func<int> slot) => column == 0
            ? (ValueGetter<uint>)((ref uint value) => value = (uint)(Largest(Of(slot())) + 1))
            : (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                VBuffer<float>.Copy(scores, slot() * classifier.Labels.Count, ref value, classifier.Labels.Count));

        private ReadOnlySpan<float> Of(int slot) => scores.AsSpan(slot * classifier.Labels.Count, classifier.Labels.Count);
    }
}
