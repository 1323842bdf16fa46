using System.Runtime.InteropServices;
using Microsoft.ML.Runtime;

namespace Ard.MLNet.Evaluation;

/// <summary>
/// A fitted model of any kind as a function from images to answers: each batch becomes a data view of its own, which goes through the whole
/// model. Any number of threads may ask at once.
/// </summary>
internal sealed class AskedPipeline
{
    private const string Score = "Score";

    // So many are asked for to see whether scores and classes fit.
    private const int ImagesInOrder = 32;

    private readonly IHostEnvironment env;
    private readonly ITransformer model;
    private readonly DataViewSchema input;
    private readonly BlackBoxOptions options;
    private readonly DataViewSchema.Column features;
    private readonly DataViewSchema.Column? beside;

    /// <summary>With data as the model takes them, which have labels before it or behind it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing, or of another type or other classes.</exception>
    public AskedPipeline(IHostEnvironment env, ITransformer model, IDataView data, string label, BlackBoxOptions options)
    {
        (this.env, this.model, this.options, input) = (env, model, options, data.Schema);
        var output = model.GetOutputSchema(input);
        features = input.GetColumnOrNull(options.FeatureColumnName) ?? throw new ArgumentOutOfRangeException(
            nameof(data),
            $"Could not find feature column '{options.FeatureColumnName}'" + (output.GetColumnOrNull(options.FeatureColumnName) is null ? ""
                : " in the data: the model makes it. The adversary changes what goes into the whole model: apply the steps before that "
                    + "column to the data, by Transform, and evaluate those behind them"));
        Format = options.Layout.Resolve(features.Name, features.Type, spec: null);
        HasScores = options.ScoreColumnName is not null || output.GetColumnOrNull(Score) is not null;
        Answer = HasScores ? Scores(output) : SchemaErrors.Find(output, "score or predicted label", options.PredictedLabelColumnName);
        Labelled = output.GetColumnOrNull(label) is null ? data : model.Transform(data);
        Labels = Classes(SchemaErrors.Find(Labelled.Schema, "label", label), output);
        Labelled = LabelKeys.Map(env, Labelled, label, Labels);
        if (HasScores && Answer.Type is VectorDataViewType { Size: var size } && size != Labels.Count)
            throw SchemaErrors.Mismatch("score", Answer.Name, $"Vector<Single, {Labels.Count}>, as the label has {Labels}", Answer.Type);
        beside = HasScores ? ScoreOrder.Beside(output, Answer, options.PredictedLabelColumnName, Labels, IsOfImages) : null;
    }

    private static NumberDataViewType Single => NumberDataViewType.Single;
    public PixelFormat Format { get; }
    public ClassLabels Labels { get; }

    /// <summary>The data with a label column that is a key of these classes.</summary>
    public IDataView Labelled { get; }

    /// <summary>Whether images are of whole 255ths.</summary>
    public bool TakesBytes => features.Type is not VectorDataViewType vector || !vector.ItemType.Equals(Single);

    /// <summary>Whether the answers are scores, or classes only.</summary>
    public bool HasScores { get; }

    private DataViewSchema.Column Answer { get; }

    /// <summary>Scores [N,classes], or classes, int64 [N], of images [N,C,H,W].</summary>
    public Tensor Ask(Tensor images)
    {
        var (answers, count) = (Answers(images), (int)images.shape[0]);
        return HasScores ? Scores(answers, count) : tensor(Named(answers, answers.Schema[Answer.Name], count));
    }

    /// <summary>
    /// Finds out scores in another order than that of the classes, where the model names a class beside them (<see cref="ScoreOrder"/>), by
    /// images from all over the data, which may be sorted by class.
    /// </summary>
    /// <exception cref="InvalidOperationException">Of one the largest score is not that of the class that is named.</exception>
    public void RequireScoresInOrder(ViewImages images)
    {
        if (beside is not { } named) return;
        using var scope = NewDisposeScope();
        var count = Math.Min(ImagesInOrder, images.Count);
        long[] numbers = [.. PointNoise.Rows(count).Select(row => row * images.Count / count)];
        var answers = Answers(ImageBatch.Convert(images.Rows(numbers), ScalarType.Float32, CPU));
        var (score, column) = (answers.Schema[Answer.Name], answers.Schema[named.Index]);
        // Both in one pass: a model with noise in it answers otherwise in the next.
        var rows = Values<(float[] Scores, long Named)>(answers, [score, column], numbers.Length, row =>
        {
            var (getScores, getNamed) = (Scores(row, score), ScoreOrder.Open(row, column, Labels));
            return () => (getScores(), getNamed());
        });
        foreach (var (number, (scores, its)) in numbers.Zip(rows))
            ScoreOrder.Require(scores, its, number, Answer.Name, column.Name, Labels);
    }

    private IDataView Answers(Tensor images)
    {
        using var contiguous = images.to(ScalarType.Float32).cpu().contiguous();
        return model.Transform(Batch((int)images.shape[0], MemoryMarshal.Cast<byte, float>(contiguous.bytes).ToArray()));
    }

    private Tensor Scores(IDataView answers, int count)
    {
        var column = answers.Schema[Answer.Name];
        return tensor(Values(answers, [column], count, row => Scores(row, column)).SelectMany(scores => scores).ToArray())
            .reshape(count, Labels.Count);
    }

    // A score for each class; of a margin, 0 for the first.
    private static Func<float[]> Scores(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
        {
            var get = row.GetGetter<VBuffer<float>>(column);
            VBuffer<float> scores = default;
            return () =>
            {
                get(ref scores);
                return [.. scores.DenseValues()];
            };
        }
        var getMargin = row.GetGetter<float>(column);
        float margin = 0;
        return () =>
        {
            getMargin(ref margin);
            return [0, margin];
        };
    }

    // The classes, from 0, that the model names; -1 for none.
    private long[] Named(IDataView answers, DataViewSchema.Column column, int count)
    {
        if (column.Type is not KeyDataViewType) LabelKeys.Values(column.Name, column.Type, Labels);
        return Values(answers, [column], count, row => Labels.Open(row, column));
    }

    // Whether a column of the answers is computed from the images alone, and not what the data had before.
    private bool IsOfImages(DataViewSchema.Column column) => model.IsRowToRowMapper
        ? model.GetRowToRowMapper(input).GetDependencies([column]).ToArray() is [var source] && source.Index == features.Index
        : input.GetColumnOrNull(column.Name) is null;

    private DataViewSchema.Column Scores(DataViewSchema output)
    {
        var scores = SchemaErrors.Find(output, "score", options.ScoreColumnName ?? Score);
        if (scores.Type is VectorDataViewType { IsKnownSize: true, ItemType: var item } && item.Equals(Single)) return scores;
        // One number with no truth value beside it is no classifier's.
        return scores.Type.Equals(Single) && output.GetColumnOrNull(options.PredictedLabelColumnName) is { Type: BooleanDataViewType }
            ? scores
            : throw SchemaErrors.Mismatch(
                "score", scores.Name,
                $"Vector<Single> of known size, or Single beside truth values in '{options.PredictedLabelColumnName}'", scores.Type);
    }

    // The classes of the labels, or where these are no key those of the answers.
    private ClassLabels Classes(DataViewSchema.Column label, DataViewSchema output)
    {
        // Hidden ones too: MapKeyToValue leaves the key that it takes the place of.
        var predicted = output
            .Where(column => column.Name == options.PredictedLabelColumnName && (!HasScores || IsOfImages(column))).ToArray();
        var answers = HasScores && ClassLabels.OfScores(Answer) is { } scored ? scored
            : predicted.LastOrDefault(column => column.Type is KeyDataViewType) is { Type: not null } key
                && (HasScores ? ClassLabels.ReadOrNull(key) : ClassLabels.Read(key)) is { } keyed ? keyed
            : predicted is [.., { Type: BooleanDataViewType }] ? ClassLabels.Parse(["false", "true"], "bool")
            : null;
        if (label.Type is KeyDataViewType)
        {
            var labels = ClassLabels.Read(label);
            return answers?.Matches(labels) != false ? labels : throw SchemaErrors.Mismatch(
                "label", label.Name, $"{answers} as the model has them", labels.InOtherOrder(answers));
        }
        if (answers is not null) return answers;
        if (HasScores)
            throw SchemaErrors.Mismatch(
                "label", label.Name, "a key of the classes in the order of the scores", label.Type + SchemaErrors.KeyHint(label.Name));
        var learned = LabelKeys.Learn(env, Labelled, label.Name)!;
        return ClassLabels.Read(learned.GetOutputSchema(Labelled.Schema)[label.Name]);
    }

    // Rows with these images; of the other columns there are only names and types, so that steps that nobody needs find theirs.
    private TableDataView Batch(int count, float[] pixels)
    {
        var size = Format.Size;
        return new TableDataView(count, [.. input.Select(column => column.Index == features.Index ? Images() : Absent(column))]);

        ReadOnlySpan<float> Image(int row) => pixels.AsSpan(row * size, size);

        TableDataView.Column Images()
        {
            if (features.Type is VectorDataViewType { ItemType: var item })
                return item.Equals(Single) ? Vectors<float>(Format.FromImage) : Vectors<byte>(Format.FromImage);
            return TableDataView.Of(
                features.Name, features.Type, (int row, ref MLImage value) =>
                {
                    var picture = new byte[4 * Format.Height * Format.Width];
                    Format.ToPicture(Image(row), picture);
                    value?.Dispose();
                    value = MLImage.CreateFromPixels(Format.Width, Format.Height, MLPixelFormat.Rgba32, picture);
                },
                features.Annotations);
        }

        TableDataView.Column Vectors<T>(Action<ReadOnlySpan<float>, Span<T>> fill) => TableDataView.Vectors<T>(
            features.Name, features.Type, size, (row, values) => fill(Image(row), values), features.Annotations);
    }

    private TableDataView.Column Absent(DataViewSchema.Column column) => TableDataView.Without(
        column.Name, column.Type, column.Annotations,
        $"the model reads the column '{column.Name}' too, expected one whose answers depend on the images in '{features.Name}' alone");

    private static T[] Values<T>(IDataView answers, DataViewSchema.Column[] columns, int count, Func<DataViewRow, Func<T>> open)
    {
        using var cursor = answers.GetRowCursor(columns);
        var get = open(cursor);
        var values = new List<T>(count);
        while (cursor.MoveNext()) values.Add(get());
        return values.Count == count ? [.. values]
            : throw new InvalidOperationException($"the model gave {values.Count} answers for {count} images");
    }
}
