using Ard.MLNet;
using Ard.Trainers.Data;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Examples.Tests;

/// <summary>Models that ML.NET has saved, evaluated from the command line.</summary>
public sealed class PipelineModelTests : IDisposable
{
    private readonly ExampleProgram program = new("Distill");
    private readonly MLContext ml = new MLContext(1);

    public void Dispose() => program.Dispose();

    // Its classes in another order than the images', as they come.
    private IDataView Training() => ml.Transforms.Conversion.MapKeyToValue("Label").Fit(ml.Data.LoadGlyphs(300, seed: 9))
        .Transform(ml.Data.ShuffleRows(ml.Data.LoadGlyphs(300, seed: 9), seed: 4));

    [Fact]
    public void A_classifier_of_this_library_is_looked_into_and_any_other_model_is_asked()
    {
        var own = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-4-bn",
            Method = "natural",
            Training = new() { Epochs = 5, ValidationFraction = 0, Device = "cpu", Seed = 1 },
        }));
        var other = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.Transforms.CopyColumns("Features", "Pixels"))
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy());
        using var test = Glyphs.Generate(60, seed: 2);
        foreach (var (name, estimator, column, attack) in new (string, IEstimator<ITransformer>, string, string)[]
            { ("own", own, "Features", "pgd-3"), ("other", other, "Pixels", "square-20") })
        {
            var data = Training();
            if (column != "Features") data = ml.Transforms.CopyColumns(column, "Features").Fit(data).Transform(data);
            data = ml.Transforms.SelectColumns(column, "Label").Fit(data).Transform(data);
            var model = estimator.Fit(data);
            ml.Model.Save(model, data.Schema, Path.Combine(program.Folder, $"{name}.zip"));
            var (code, output, error) = program.Run(
                "evaluate", "--model", $"{name}.zip", "--test-images", "60", "--attacks", attack, "--eps", "0.1", "--device", "cpu",
                "--json", $"{name}.json");
            Assert.True(code == 0, output + error);
            using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(program.Folder, $"{name}.json")));
            Assert.Equal(name == "other", json.RootElement.TryGetProperty("blackBox", out _));
            var corrupted = program.Run("corruptions", "--model", $"{name}.zip", "--test-images", "2");
            Assert.True(corrupted.Code == 0, corrupted.Error);
            var view = ml.Transforms.Conversion.MapKeyToValue("Label").Fit(ml.Data.LoadImageDataset(test))
                .Transform(ml.Data.LoadImageDataset(test));
            if (column != "Features") view = ml.Transforms.CopyColumns(column, "Features").Fit(view).Transform(view);
            var expected = ml.MulticlassClassification.EvaluateRobustness(model, view, new()
            {
                Evaluation = new() { Attacks = [attack], Threat = Trainers.Attacks.ThreatModel.Linf(0.1) },
                BlackBox = name == "other" ? new() { FeatureColumnName = column } : null,
            });
            Assert.Equal(expected.Clean.Accuracy, json.RootElement.GetProperty("clean").GetProperty("accuracy").GetDouble(), 1e-9);
            Assert.Equal(expected.WorstCase.Accuracy, json.RootElement.GetProperty("worstCase").GetProperty("accuracy").GetDouble(), 0.04);
            Assert.InRange(expected.Clean.Accuracy, 0.2, 1);
        }
    }

    private sealed record Numbered
    {
        [VectorType(256)]
        public float[] Features { get; set; } = [];

        public int Label { get; set; }
    }

    [Fact]
    public void Numbers_for_labels_are_the_classes_places()
    {
        var (train, test) = (Rows(300, seed: 9), Rows(60, seed: 2));
        // Keys in the order in which the numbers occur.
        var keyed = ml.Transforms.Conversion.MapValueToKey("Label").Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy());
        foreach (var (name, estimator) in new (string, IEstimator<ITransformer>)[]
            { ("key", keyed), ("value", keyed.Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"))) })
        {
            var model = estimator.Fit(train);
            ml.Model.Save(model, train.Schema, Path.Combine(program.Folder, $"{name}.zip"));
            var (code, output, error) = program.Run(
                "evaluate", "--model", $"{name}.zip", "--test-images", "60", "--attacks", "square-2", "--json", $"{name}.json");
            Assert.True(code == 0, output + error);
            using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(program.Folder, $"{name}.json")));
            var expected = ml.MulticlassClassification.Evaluate(model.Transform(test)).MicroAccuracy;
            Assert.Equal(expected, json.RootElement.GetProperty("clean").GetProperty("accuracy").GetDouble(), 1e-9);
            Assert.InRange(expected, 0.2, 1);
        }

        // Under another name nobody knows what they are.
        var other = ml.Transforms.CopyColumns("Number", "Label").Append(ml.Transforms.SelectColumns("Features", "Number")).Fit(train)
            .Transform(train);
        ml.Model.Save(
            ml.Transforms.Conversion.MapValueToKey("Label", "Number").Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy())
                .Fit(other), other.Schema, Path.Combine(program.Folder, "other.zip"));
        var found = program.Run("evaluate", "--model", "other.zip", "--test-images", "5");
        Assert.Equal(2, found.Code);
        Assert.Contains(
            "other.zip: expected no columns but images in 'Features' and classes, as text or a number, in 'Label' (", found.Error);

        IDataView Rows(int count, ulong seed)
        {
            using var glyphs = Glyphs.Generate(count, seed);
            var pixels = glyphs.Images.data<byte>().Select(value => value / 255f).Chunk(256).ToArray();
            var rows = glyphs.Labels.data<long>().Select((label, row) => new Numbered { Features = pixels[row], Label = (int)label });
            return ml.Data.LoadFromEnumerable(rows.OrderByDescending(row => row.Label * 7 % 10).ToArray());
        }
    }

    [Fact]
    public void Classes_with_names_are_those_of_numbered_images_in_their_order()
    {
        var train = ml.Data.LoadGlyphs(300, seed: 9);
        var model = ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy().Fit(train);
        ml.Model.Save(model, train.Schema, Path.Combine(program.Folder, "named.zip"));
        using var glyphs = Glyphs.Generate(60, seed: 2);
        Write("images.npy", "(60, 16, 16)", glyphs.Images.data<byte>().ToArray());
        Write("labels.npy", "(60,)", [.. glyphs.Labels.data<long>().ToArray().Select(label => (byte)label)]);
        var (code, output, error) = program.Run(
            "evaluate", "--model", "named.zip", "--data", "images.npy", "--attacks", "square-2", "--json", "named.json");
        Assert.True(code == 0, output + error);
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(program.Folder, "named.json")));
        Assert.Equal(
            ml.MulticlassClassification.Evaluate(model.Transform(ml.Data.LoadGlyphs(60, seed: 2))).MicroAccuracy,
            json.RootElement.GetProperty("clean").GetProperty("accuracy").GetDouble(), 1e-9);

        // An array of bytes, by NumPy's format 1.0.
        void Write(string name, string shape, byte[] values)
        {
            var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
            byte[] head = [0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. header.Select(letter => (byte)letter)];
            File.WriteAllBytes(Path.Combine(program.Folder, name), [.. head, .. values]);
        }
    }

    [Fact]
    public void What_cannot_be_evaluated_says_what_was_expected()
    {
        File.WriteAllText(Path.Combine(program.Folder, "text.zip"), "not a zip");
        var found = program.Run("evaluate", "--model", "text.zip", "--test-images", "5");
        Assert.Equal(2, found.Code);
        Assert.Contains("text.zip: expected a model saved by ML.NET whose steps are of", found.Error);

        var data = ml.Data.LoadGlyphs(30, seed: 9);
        ml.Model.Save(ml.Transforms.CopyColumns("Score", "Label").Fit(data), data.Schema, Path.Combine(program.Folder, "copy.zip"));
        found = program.Run("evaluate", "--model", "copy.zip", "--test-images", "5");
        Assert.Equal(2, found.Code);
        Assert.Contains("copy.zip: expected a column Score with a number for each class, found [Features: ", found.Error);

        ml.Model.Save(
            ml.Transforms.CopyColumns("Score", "Features")
                .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel", "Label")).Fit(data),
            data.Schema, Path.Combine(program.Folder, "order.zip"));
        found = program.Run("evaluate", "--model", "order.zip", "--test-images", "5");
        Assert.Contains(
            "order.zip: expected scores that say of which classes they are, or a key PredictedLabel, found [", found.Error);

        data = ml.Transforms.SelectColumns("Label").Fit(data).Transform(data);
        ml.Model.Save(ml.Transforms.CopyColumns("Score", "Label").Fit(data), data.Schema, Path.Combine(program.Folder, "none.zip"));
        found = program.Run("evaluate", "--model", "none.zip", "--test-images", "5");
        Assert.Contains("none.zip: expected one input column of 256 floats, an image of 1x16x16 in [0,1], found [Label: ", found.Error);
    }
}
