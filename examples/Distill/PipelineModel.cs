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
        var ml = new MLContext().RegisterArd();
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
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (scores.HasSlotNames()) scores.GetSlotNames(ref names);
        var classes = names.Length == 0 ? test.ClassNames : [.. names.DenseValues().Select(name => name.ToString())];
        var last = Steps(model).OfType<ISingleFeaturePredictionTransformer<object>>().LastOrDefault()?.Model.GetType().Name;
        return BlackBox.FromScores(last ?? Path.GetFileName(path), asked =>
        {
            using var batch = new ImageDataset(asked.cpu(), zeros([asked.shape[0]], dtype: ScalarType.Int64), test.ClassNames);
            var view = ml.Data.LoadImageDataset(batch);
            // A pipeline that was saved with the step that makes keys of its labels goes through it, whatever they are.
            if (input!.GetColumnOrNull("Label") is { Type: TextDataViewType })
                view = ml.Transforms.Conversion.MapKeyToValue("Label").Fit(view).Transform(view);
            if (images.Name != "Features") view = ml.Transforms.CopyColumns(images.Name, "Features").Fit(view).Transform(view);
            var answers = model.Transform(view).GetColumn<float[]>("Score").SelectMany(row => row).ToArray();
            using var order = Order(path, classes, test);
            return tensor(answers).reshape(asked.shape[0], type.Size).index_select(1, order);
        });

        FormatException Unfit(string expected, DataViewSchema? found) => new(
            $"{path}: expected {expected}, found ["
            + string.Join(", ", found?.Select(column => $"{column.Name}: {column.Type}") ?? ["no schema"])
            + "]; other models are evaluated from code, by EvaluateRobustness.");
    }

    private static Module<Tensor, Tensor> InOrder(
        string path, Module<Tensor, Tensor> network, IReadOnlyList<string> names, ImageDataset test)
    {
        using var order = Order(path, names, test);
        return order.data<long>().Index().All(place => place.Item == place.Index) ? network : new Reordered(network, order);
    }

    // For each class of the images its place among the model's.
    private static Tensor Order(string path, IReadOnlyList<string> names, ImageDataset test)
    {
        long[] places = [.. test.ClassNames.Select(name => (long)names.ToList().IndexOf(name))];
        if (places.Length != names.Count || places.Contains(-1))
            throw new FormatException(
                $"{path}: expected the classes of the images, [{string.Join(", ", test.ClassNames)}], found [{string.Join(", ", names)}].");
        return tensor(places);
    }

    private static IEnumerable<ITransformer> Steps(ITransformer step) =>
        step is IEnumerable<ITransformer> chain ? chain.SelectMany(Steps) : [step];

    private sealed class Reordered : Module<Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> network;
        private readonly Tensor order;

        public Reordered(Module<Tensor, Tensor> network, Tensor order) : base(nameof(Reordered))
        {
            this.network = network;
            this.order = order.clone();
            RegisterComponents();
        }

        public override Tensor forward(Tensor images) => network.call(images).index_select(1, order);
    }
}
