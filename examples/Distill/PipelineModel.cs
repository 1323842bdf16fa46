using System.Globalization;
using System.Reflection;
using Ard.MLNet;
using Ard.Trainers.Data;
using Ard.Trainers.Networks;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>
/// A model that ML.NET has saved, as a network: images [N,C,H,W] in [0,1] to scores in the order of the images' classes. A classifier of
/// this library is looked into, without the steps around it; any other model is asked as a whole.
/// </summary>
internal static class PipelineModel
{
    /// <summary>Opens a file of ML.NET's.</summary>
    /// <param name="path">The file.</param>
    /// <param name="test">The images that it is to be evaluated on.</param>
    /// <exception cref="FormatException">It is no such model, or does not fit the images; the message says what was expected.</exception>
    public static Module<Tensor, Tensor> Open(string path, ImageDataset test)
    {
        var ml = new MLContext();
        ITransformer model;
        DataViewSchema? input;
        try
        {
            model = ml.Model.Load(path, out input);
        }
        catch (Exception exception) when (exception is not (IOException or UnauthorizedAccessException or OutOfMemoryException))
        {
            throw new FormatException(
                $"{path}: expected a model saved by ML.NET whose steps are of Microsoft.ML, FastTree, LightGbm or this library, and "
                + $"no network of your own, found: {exception.Message}", exception);
        }
        if (Steps(model).OfType<ImageClassifierTransformer>().LastOrDefault() is not { } own) return Asked(path, ml, model, input, test);
        if (Steps(model).Count() > 1) Console.WriteLine($"{path}: evaluated is the classifier, on images as they reach it");
        return InOrder(path, own.Model, own.ClassNames, test);
    }

    private static Module<Tensor, Tensor> Asked(string path, MLContext ml, ITransformer model, DataViewSchema? input, ImageDataset test)
    {
        var size = test.Channels * test.Height * test.Width;
        var columns = input?.Where(column => column.Type is VectorDataViewType vector && vector.ItemType.Equals(NumberDataViewType.Single)
            && vector.Size == size).ToArray() ?? [];
        if (columns is not [var images])
            throw Unfit($"one input column of {size:N0} floats, an image of {test.Channels}x{test.Height}x{test.Width} in [0,1]", input);
        var output = model.GetOutputSchema(input);
        if (output.GetColumnOrNull("Score") is not { Type: VectorDataViewType { IsKnownSize: true } type } scores
            || !type.ItemType.Equals(NumberDataViewType.Single))
            throw Unfit("a column Score with a number for each class", output);
        var classes = Classes(output, scores, test)
            ?? throw Unfit("scores that say of which classes they are, or a key PredictedLabel", output);
        var order = Order(path, classes, test);
        var given = Batch(zeros([1, test.Channels, test.Height, test.Width])).Schema;
        try
        {
            model.GetOutputSchema(given);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            throw Unfit(
                $"no columns but images in '{images.Name}' and classes, as text or a number, in 'Label' ({exception.Message})", input);
        }
        var last = Steps(model).OfType<ISingleFeaturePredictionTransformer<object>>().LastOrDefault()?.Model.GetType().Name;
        return BlackBox.FromScores(last ?? Path.GetFileName(path), asked =>
        {
            var answers = model.Transform(Batch(asked)).GetColumn<float[]>("Score").SelectMany(row => row).ToArray();
            using var places = tensor(order);
            return tensor(answers).reshape(asked.shape[0], type.Size).index_select(1, places);
        });

        IDataView Batch(Tensor asked)
        {
            using var batch = new ImageDataset(asked.cpu(), zeros([asked.shape[0]], dtype: ScalarType.Int64), test.ClassNames);
            var (view, conversion) = (ml.Data.LoadImageDataset(batch), ml.Transforms.Conversion);
            // A pipeline that was saved with the step that makes keys of its labels goes through it, whatever they are.
            var label = input!.GetColumnOrNull("Label")?.Type;
            if (label is TextDataViewType or NumberDataViewType)
                view = conversion.MapKeyToValue("Label").Fit(view).Transform(view);
            if (label is NumberDataViewType)
                view = conversion.MapValue("Label", test.ClassNames.Select((name, number) => KeyValuePair.Create(name, $"{number}")))
                    .Append(conversion.ConvertType("Label", outputKind: Enum.Parse<DataKind>($"{label}"))).Fit(view).Transform(view);
            // Whether flat, as most are, or in planes.
            var (from, to) = (SchemaDefinition.Create(typeof(Pixels)), SchemaDefinition.Create(typeof(Pixels)));
            (from[0].ColumnName, from[0].ColumnType) = ("Features", view.Schema["Features"].Type);
            (to[0].ColumnName, to[0].ColumnType) = (images.Name, images.Type);
            return ml.Transforms.CustomMapping<Pixels, Pixels>((image, same) => same.Values = image.Values, null, from, to).Fit(view)
                .Transform(view);
        }

        FormatException Unfit(string expected, DataViewSchema? found) => new(
            $"{path}: expected {expected}, found ["
            + string.Join(", ", found?.Select(column => $"{column.Name}: {column.Type}") ?? ["no schema"])
            + "]; other models are evaluated from code, by EvaluateRobustness.");
    }

    // The classes in the order of the scores; null where there is no telling.
    private static IReadOnlyList<string>? Classes(DataViewSchema output, DataViewSchema.Column scores, ImageDataset test)
    {
        // Hidden ones too: MapKeyToValue leaves the key that it takes the place of.
        var answers = output.Where(column => column.Name == "PredictedLabel").ToArray();
        var keys = answers.Where(column => column.Type is KeyDataViewType).ToArray();
        foreach (var (column, values) in keys.Select(key => (key, "KeyValues")).Reverse()
            .Prepend((scores, "TrainingLabelValues")).Prepend((scores, "SlotNames")))
        {
            if (column.Annotations.Schema.GetColumnOrNull(values)?.Type is VectorDataViewType { ItemType.RawType: var type })
                return (IReadOnlyList<string>)typeof(PipelineModel).GetMethod(nameof(Names), BindingFlags.NonPublic | BindingFlags.Static)!
                    .MakeGenericMethod(type).Invoke(null, [column.Annotations, values])!;
        }
        // Keys without values are the classes' numbers, and scores alone, as of ONNX, are taken to be in the order of the images' classes.
        return keys.Length > 0 || answers.Length == 0 ? test.ClassNames : null;
    }

    private static IReadOnlyList<string> Names<T>(DataViewSchema.Annotations annotations, string kind)
    {
        VBuffer<T> values = default;
        annotations.GetValue(kind, ref values);
        return [.. values.DenseValues().Select(value => Convert.ToString(value, CultureInfo.InvariantCulture)!)];
    }

    private static Module<Tensor, Tensor> InOrder(
        string path, Module<Tensor, Tensor> network, IReadOnlyList<string> names, ImageDataset test)
    {
        var order = Order(path, names, test);
        return order.Index().All(place => place.Item == place.Index) ? network : new Reordered(network, tensor(order));
    }

    // For each class of the images its place among the model's, whose names are the same; or one of the two counts the classes from 0.
    private static long[] Order(string path, IReadOnlyList<string> names, ImageDataset test)
    {
        if (names.Count == test.ClassNames.Count && !names.Any(IsNumber)
            && test.ClassNames.Index().All(each => $"{each.Index}" == each.Item))
            return [.. names.Index().Select(each => (long)each.Index)];
        var same = names.All(test.ClassNames.Contains) ? names.ToList() : [.. names.Select(name =>
            int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < test.ClassNames.Count
                ? test.ClassNames[number] : name)];
        long[] places = [.. test.ClassNames.Select(name => (long)same.IndexOf(name))];
        if (places.Length != names.Count || places.Contains(-1))
            throw new FormatException(
                $"{path}: expected the classes of the images, [{string.Join(", ", test.ClassNames)}], found [{string.Join(", ", names)}].");
        return places;

        static bool IsNumber(string name) => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }

    private static IEnumerable<ITransformer> Steps(ITransformer step) =>
        step is IEnumerable<ITransformer> chain ? chain.SelectMany(Steps) : [step];

    private sealed class Pixels
    {
        public float[] Values { get; set; } = [];
    }

    private sealed class Reordered : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> network;
        private readonly Tensor order;

        public Reordered(Module<Tensor, Tensor> network, Tensor order) : base(nameof(Reordered))
        {
            this.network = network;
            this.order = order;
            RegisterComponents();
        }

        public override Tensor forward(Tensor images) => network.call(images).index_select(1, order);
    }
}
