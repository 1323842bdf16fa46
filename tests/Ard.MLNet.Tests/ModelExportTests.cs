using Ard.Trainers.Onnx;
using Ard.Trainers.Tests.Fixtures;

namespace Ard.MLNet.Tests;

public sealed class ModelExportTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-export-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string In(string name) => Path.Combine(folder, name);

    [Fact]
    public void A_pipeline_is_exported_with_its_class_names_and_gives_its_scores_in_ONNX_Runtime()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadGlyphs(60, seed: 7);
        using var fitted = Tiny.Keys(ml).Append(new ArdTrainer(ml, Tiny.Natural("tinycnn-2-bn"))).Fit(data);
        ml.Model.Save(fitted, data.Schema, In("model.zip"));
        var loaded = ml.Model.Load(In("model.zip"), out _);
        var keyed = fitted.Transform(data);
        var pixels = Tiny.Column<Microsoft.ML.Data.VBuffer<float>>(keyed, "Features").Select(row => row.DenseValues().ToArray()).ToArray();
        var scores = Tiny.Column<Microsoft.ML.Data.VBuffer<float>>(keyed, "Score").SelectMany(row => row.DenseValues()).ToArray();
        var metrics = ml.MulticlassClassification.EvaluateRobustness(fitted, data, new() { Evaluation = new() { Attacks = ["fgsm"] } });

        fitted.ExportOnnx(In("student.onnx"), new() { Softmax = true }, metrics);
        loaded.ExportOnnx(In("loaded.onnx"), new() { Softmax = true });
        Assert.Equal(File.ReadAllBytes(In("student.onnx")), File.ReadAllBytes(In("loaded.onnx")));

        using var scope = NewDisposeScope();
        using var model = new OnnxRuntimeModel(In("student.onnx"));
        var names = ImageClassifierTransformer.From(fitted).ClassNames;
        Assert.Equal(names, JsonSerializer.Deserialize<string[]>(model.Session.ModelMetadata.CustomMetadataMap["ard.classes"]));
        Assert.Equal([-1, 1, 16, 16], model.Session.InputMetadata["images"].Dimensions);
        var found = model.Run(tensor(pixels.SelectMany(row => row).ToArray()).reshape(60, 1, 16, 16)).data<float>().ToArray();
        Assert.All(found.Zip(scores), pair => Assert.Equal(pair.Second, pair.First, 1e-5));

        var card = File.ReadAllText(In("student.card.md"));
        Assert.Contains("| Method | natural |", card);
        Assert.Contains(FormattableString.Invariant($"| fgsm | {100 * metrics["fgsm"].Accuracy:F2} % right"), card);
        Assert.Contains(names[1], card);
        // A model that was loaded knows nothing of its training.
        Assert.Contains("| Method | unknown |", File.ReadAllText(In("loaded.card.md")));
        // The JSON report of the evaluation is one that the card takes.
        metrics.SaveJson(In("report.json"));
        var summary = EvaluationSummary.Read(In("report.json"));
        Assert.Equal((metrics["fgsm"].Accuracy, 60), (summary.Attacks.Single().Accuracy, summary.Rows));
        Assert.Equal(metrics.Report.Settings, summary.Settings);
    }

    [Fact]
    public void An_exported_network_gives_its_scores_in_MLNETs_own_ONNX_transform()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadGlyphs(30, seed: 7);
        Tiny.Classifier.ExportOnnx(In("student.onnx"));

        var scored = ml.Transforms.CopyColumns("images", "Features")
            .Append(ml.Transforms.ApplyOnnxModel("logits", "images", In("student.onnx")))
            .Fit(data).Transform(data);

        var expected = Tiny.Column<Microsoft.ML.Data.VBuffer<float>>(Tiny.Classifier.Transform(data), "Score");
        var found = Tiny.Column<Microsoft.ML.Data.VBuffer<float>>(scored, "logits");
        Assert.Equal(30, found.Count);
        foreach (var (logits, score) in found.Zip(expected))
        {
            // Score is the softmax of the logits.
            var powers = logits.DenseValues().Select(value => Math.Exp(value)).ToArray();
            Assert.All(powers.Zip(score.DenseValues()), pair => Assert.Equal(pair.Second, pair.First / powers.Sum(), 1e-5));
        }
    }

    [Fact]
    public void Weights_are_exported_with_their_specification()
    {
        Tiny.Classifier.ExportWeights(In("weights.safetensors"));
        using var read = ModelFile.Read(In("weights.safetensors"));
        Assert.Equal(Tiny.Classifier.Network.Spec, Assert.IsAssignableFrom<ImageNetwork>(read).Spec);
        Assert.Contains("names of the usual PyTorch definition", File.ReadAllText(In("weights.card.md")));
    }

    [Fact]
    public void A_model_without_a_classifier_or_with_other_names_is_refused()
    {
        var ml = new MLContext(1);
        var keys = Tiny.Keys(ml).Fit(ml.Data.LoadGlyphs(10, seed: 1));
        Assert.Contains("found 0", Assert.Throws<ArgumentException>(() => keys.ExportOnnx(In("a.onnx"))).Message);
        Assert.Contains("ClassNames has 1 names", Assert.Throws<ArgumentException>(() =>
            Tiny.Classifier.ExportOnnx(In("a.onnx"), new OnnxExportOptions { ClassNames = ["one"] })).Message);
        Assert.Empty(Directory.GetFiles(folder));
    }
}
