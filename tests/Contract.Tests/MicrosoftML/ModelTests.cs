using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class ModelTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Named { public string L { get; set; } = ""; [VectorType(2)] public float[] Features { get; set; } = []; }

    private sealed class Prediction
    {
        public string Name { get; set; } = "";
        public float[] Score { get; set; } = [];
        public uint PredictedLabel { get; set; }
    }

    private sealed class Incomplete { public string Missing { get; set; } = ""; public float[] Score { get; set; } = []; }

    private IDataView Data => _ml.Data.LoadFromEnumerable(
        new[] { new Named { L = "cat", Features = [1, 0] }, new Named { L = "dog", Features = [0, 1] } });

    private IEstimator<ITransformer> Pipeline => _ml.Transforms.Conversion.MapValueToKey("Label", "L")
        .Append(_ml.MulticlassClassification.Trainers.NaiveBayes())
        .Append(_ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel"));

    private (ITransformer Model, DataViewSchema? Schema) SaveAndLoad(ITransformer model, DataViewSchema? schema)
    {
        using var file = new MemoryStream();
        _ml.Model.Save(model, schema, file);
        file.Position = 0;
        return (new MLContext().Model.Load(file, out var loadedSchema), loadedSchema);
    }

    [Fact]
    public void A_loaded_model_has_the_schema_and_the_values_of_the_saved_one()
    {
        var model = Pipeline.Fit(Data);
        var (loaded, schema) = SaveAndLoad(model, Data.Schema);
        Assert.IsType<TransformerChain<ITransformer>>(loaded);
        Assert.Equal(Describe.Text(Data.Schema), Describe.Text(schema!));
        Assert.Equal(Describe.Text(model.GetOutputSchema(Data.Schema)), Describe.Text(loaded.GetOutputSchema(schema!)));
        Assert.Equal(["cat", "dog"], Describe.Names(loaded.GetOutputSchema(schema!)["Score"], "SlotNames"));
        Assert.Equal(model.Transform(Data).GetColumn<float[]>("Score"), loaded.Transform(Data).GetColumn<float[]>("Score"));
        Assert.Equal(["cat", "dog"], loaded.Transform(Data).GetColumn<string>("Name"));
    }

    [Fact]
    public void Every_transform_here_survives()
    {
        var data = Sample.View(_ml);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("L", "S")
            .Append(_ml.Transforms.Conversion.MapValueToKey("M", "A", addKeyValueAnnotationsAsText: true))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("N", "L"))
            .Append(_ml.Transforms.Conversion.ConvertType("D", "A", DataKind.Double))
            .Append(_ml.Transforms.NormalizeMinMax("F"))
            .Append(_ml.Transforms.NormalizeMinMax("D", fixZero: false))
            .Append(_ml.Transforms.Concatenate("C", "A", "F"))
            .Append(_ml.Transforms.CopyColumns("E", "C"))
            .Append(_ml.Transforms.DropColumns("V"))
            .Append(_ml.Transforms.SelectColumns("A", "C", "D", "E", "F", "L", "M", "N"));
        var model = pipeline.Fit(data);
        var (loaded, _) = SaveAndLoad(model, data.Schema);
        var before = model.Transform(data);
        var after = loaded.Transform(data);
        Assert.Equal(Describe.Text(before.Schema), Describe.Text(after.Schema));
        foreach (string column in new[] { "C", "E", "F" }) Assert.Equal(before.GetColumn<float[]>(column),
            after.GetColumn<float[]>(column));
        Assert.Equal(before.GetColumn<double>("D"), after.GetColumn<double>("D"));
        Assert.Equal(before.GetColumn<uint>("M"), after.GetColumn<uint>("M"));
        Assert.Equal(before.GetColumn<string>("N"), after.GetColumn<string>("N"));
        Assert.Equal(Describe.Names(before.Schema["M"], "KeyValues"), Describe.Names(after.Schema["M"], "KeyValues"));
    }

    [Fact]
    public void One_transformer_comes_back_as_itself_and_a_schema_with_its_annotations()
    {
        var scored = Pipeline.Fit(Data).Transform(Data);
        var (loaded, schema) = SaveAndLoad(_ml.Transforms.CopyColumns("B", "Score").Fit(scored), scored.Schema);
        Assert.IsType<Microsoft.ML.Transforms.ColumnCopyingTransformer>(loaded);
        Assert.Equal(Describe.Text(scored.Schema), Describe.Text(schema!));
        Assert.Equal(["cat", "dog"], Describe.Names(schema!["PredictedLabel"], "KeyValues"));
        Assert.Null(SaveAndLoad(loaded, null).Schema);
    }

    [Fact]
    public void A_model_is_a_zip_with_a_folder_a_transformer()
    {
        using var file = new MemoryStream();
        _ml.Model.Save(Pipeline.Fit(Data), Data.Schema, file);
        using var zip = new ZipArchive(file);
        var names = zip.Entries.Select(e => e.FullName.Replace('\\', '/')).ToArray();
        Assert.Contains("TransformerChain/Model.key", names);
        Assert.Contains("TransformerChain/Transform_001/Model.key", names);
        Assert.Contains("Schema", names);
    }

    [Fact]
    public void Files_that_are_no_models_are_refused()
    {
        Assert.Throws<FormatException>(() => _ml.Model.Load(new MemoryStream(new byte[100]), out _));
        Assert.Throws<FormatException>(() => _ml.Model.Load(new MemoryStream(), out _));
        Assert.Throws<FileNotFoundException>(() => _ml.Model.Load(Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".zip"), out _));
        using var other = new MemoryStream();
        using (var zip = new ZipArchive(other, ZipArchiveMode.Create, leaveOpen: true)) zip.CreateEntry("x");
        other.Position = 0;
        Assert.ThrowsAny<Exception>(() => _ml.Model.Load(other, out _));
    }

    [Fact]
    public void A_model_is_saved_to_and_loaded_from_a_path()
    {
        string path = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".zip");
        try
        {
            _ml.Model.Save(Pipeline.Fit(Data), Data.Schema, path);
            Assert.Equal(["cat", "dog"], _ml.Model.Load(path, out _).Transform(Data).GetColumn<string>("Name"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_prediction_engine_predicts_for_one_object_at_a_time()
    {
        using var engine = _ml.Model.CreatePredictionEngine<Named, Prediction>(Pipeline.Fit(Data));
        Assert.Equal("dog", engine.Predict(new Named { Features = [0, 1] }).Name);
        var first = engine.Predict(new Named { Features = [1, 0] });
        Assert.Equal("cat", first.Name);
        Assert.Equal(1u, first.PredictedLabel);
        var reused = new Prediction();
        engine.Predict(new Named { Features = [0, 1] }, ref reused);
        Assert.Equal("dog", reused.Name);
        Assert.Equal(2, reused.Score.Length);
        Assert.NotSame(first.Score, engine.Predict(new Named { Features = [1, 0] }).Score);
        Assert.NotNull(engine.OutputSchema.GetColumnOrNull("Score"));
    }

    [Fact]
    public void A_prediction_engine_checks_its_classes()
    {
        var model = Pipeline.Fit(Data);
        _ml.Model.CreatePredictionEngine<Named, Incomplete>(model);
        Assert.Contains("'Missing'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Named, Incomplete>(model, ignoreMissingColumns: false)).Message);
        Assert.Contains("'L'", Assert.Throws<ArgumentOutOfRangeException>(() =>
            _ml.Model.CreatePredictionEngine<Incomplete, Prediction>(model)).Message);
        Assert.Equal("cat", _ml.Model.CreatePredictionEngine<Named, Prediction>(model, Data.Schema)
            .Predict(new Named { Features = [1, 0] }).Name);
    }

    private sealed class Unsized { public string L { get; set; } = ""; public float[] Features { get; set; } = []; }

    [Fact]
    public void An_input_schema_gives_sizes_that_the_class_does_not()
    {
        var model = Pipeline.Fit(Data);
        Assert.Throws<InvalidOperationException>(() => _ml.Model.CreatePredictionEngine<Unsized, Prediction>(model));
        using var engine = _ml.Model.CreatePredictionEngine<Unsized, Prediction>(model, Data.Schema);
        Assert.Equal("dog", engine.Predict(new Unsized { Features = [0, 1] }).Name);
    }
}
