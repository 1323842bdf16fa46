using System.Numerics;
using System.Runtime.InteropServices;

namespace Ard.MLNet.Evaluation;

/// <summary>Rows to adversarial images, many at a time.</summary>
internal sealed class AdversarialMapping(Classifier classifier, AdversarialExamplesOptions options) : BatchMapping
{
    private readonly Attack attack = options.ChosenAttack();

    public Classifier Classifier => classifier;
    public AdversarialExamplesOptions Options => options;
    public override int BatchSize => options.BatchSize ?? EvaluationSubject.UsualBatch([1, classifier.Format.Size]);
    public override string Features => classifier.Features;
    public override PixelFormat Format => classifier.Format;

    public override IReadOnlyList<DataViewSchema.Column> Inputs(DataViewSchema input) =>
        [ImageColumn.Find(input, classifier.Features, classifier.Format), SchemaErrors.Find(input, "label", options.LabelColumnName)];

    public override IReadOnlyList<DataViewSchema.DetachedColumn> NewColumns(DataViewSchema input)
    {
        var columns = Inputs(input);
        if (columns[1].Type is KeyDataViewType) Labels(columns[1], classifier);
        else LabelKeys.Values(columns[1].Name, columns[1].Type, classifier.Labels);
        // A change of a pixel is smaller than bytes can hold.
        return
        [
            columns[0].Type is VectorDataViewType { ItemType: var item } && item.Equals(NumberDataViewType.Single)
                ? new(options.OutputColumnName, columns[0].Type, columns[0].Annotations)
                : new(options.OutputColumnName, Format.FloatsType),
        ];
    }

    /// <summary>The classes of a label column, which have to be those of the classifier.</summary>
    public static ClassLabels Labels(DataViewSchema.Column column, Classifier classifier)
    {
        var labels = ClassLabels.Read(column);
        return labels.Matches(classifier.Labels)
            ? labels
            : throw SchemaErrors.Mismatch(
                "label", column.Name, $"{classifier.Labels} as the classifier has them", labels.InOtherOrder(classifier.Labels));
    }

    public override Batch Open(DataViewRow row, int capacity) => new AttackBatch(this, row, capacity);

    private sealed class AttackBatch(AdversarialMapping mapping, DataViewRow row, int capacity) : Batch
    {
        private readonly ImageColumn column = ImageColumn.Open(row, mapping.Classifier.Features, mapping.Format);
        private readonly Func<long> getLabel = mapping.Classifier.Labels.Open(row, mapping.Inputs(row.Schema)[1]);
        private readonly ValueGetter<DataViewRowId> getId = row.GetIdGetter();
        private readonly ImageBuffer images = new(mapping.Format, capacity);
        private readonly long[] labels = new long[capacity];
        private readonly long[] rows = new long[capacity];
        private DataViewRowId id;

        public override void Fetch() => column.Fetch();

        public override void Read(int slot)
        {
            labels[slot] = getLabel();
            if (labels[slot] < 0)
                throw new InvalidOperationException(
                    $"Row {row.Position}, label column '{mapping.Options.LabelColumnName}': the label is missing, or none of "
                    + $"{mapping.Classifier.Labels}.");
            getId(ref id);
            rows[slot] = unchecked((long)(id.Low ^ BitOperations.RotateLeft(id.High, 32)));
            column.Convert(images[slot]);
        }

        public override void Compute(int count)
        {
            using var used = mapping.Classifier.Use();
            using var scope = NewDisposeScope();
            var clean = mapping.Classifier.ToNetwork(images.First(count));
            var truth = tensor(labels.AsSpan(0, count).ToArray(), dtype: ScalarType.Int64, device: clean.device);
            var noise = new PointNoise(mapping.Options.Seed, rows.Take(count));
            var points = mapping.attack.Perturb(mapping.Classifier.Network, clean, truth, mapping.Options.Threat!, noise);
            MemoryMarshal.Cast<byte, float>(points.to(ScalarType.Float32).cpu().contiguous().bytes).CopyTo(images.Values);
        }

        public override void Dispose() => images.Dispose();

        public override Delegate Getter(int column, Func<int> slot) => (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
        {
            var image = images[slot()];
            var editor = VBufferEditor.Create(ref value, mapping.Format.Size);
            mapping.Format.FromImage(image, editor.Values);
            value = editor.Commit();
        });
    }
}
