using System.Security.Cryptography;
using Ard.Trainers.Onnx;

namespace Ard.Trainers.Tests.Reports;

public sealed class ModelCardTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-card-").FullName;
    private readonly Module<Tensor, Tensor> network =
        (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);
    private readonly ImageDataset data = Glyphs.Generate(30, seed: 1);

    public void Dispose()
    {
        network.Dispose();
        data.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private string In(string name) => Path.Combine(folder, name);

    private TrainingResult Train() => Trainer.Fit(
        network, ObjectiveCatalog.ByName("at", new() { Threat = ThreatModel.Linf(0.1), Steps = 1 }), data, new()
        {
            Epochs = 2,
            BatchSize = 10,
            Seed = 77,
            ValidationFraction = 0,
            Device = "cpu",
            Threads = 1,
        });

    private EvaluationSummary Evaluate() => EvaluationSummary.Create(
        new RobustnessEvaluator(new() { Threat = ThreatModel.Linf(0.1), Seed = 5 }).Evaluate(network, data.Images, data.Labels), network);

    [Fact]
    public void What_is_not_known_is_said_to_be_unknown()
    {
        var card = ModelCard.Create(network);
        var text = card.ToMarkdown();
        foreach (var what in new[] { "Classes", "Data", "Method", "Preset", "Seed", "Epochs", "Seconds", "Versions" })
            Assert.Contains($"| {what} | unknown |", text);
        Assert.Contains("Settings of the training: unknown.", text);
        Assert.Contains("Unknown: no evaluation was given", text);
        using var json = JsonDocument.Parse(card.ToJson());
        foreach (var what in new[] { "classNames", "data", "method", "preset", "seed", "training", "evaluation" })
            Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty(what).ValueKind);
        Assert.Equal("tinycnn-2-bn", card.Network);
        Assert.Equal(Weights.Count(network), card.Parameters);
        Assert.Equal(((ImageNetwork)network).Spec, NetworkSpec.FromJson(card.Specification!.Value.GetRawText()));
    }

    [Fact]
    public void The_card_says_what_training_evaluation_and_export_know()
    {
        var training = Train();
        var evaluation = Evaluate() with { Data = "30 glyphs", ClassNames = Glyphs.ClassNames };
        var card = ModelCard.Create(network, training).WithEvaluation(evaluation) with { Data = "glyphs", Preset = "none" };
        var options = new OnnxExportOptions { Softmax = true, ClassNames = [.. Glyphs.ClassNames] };
        OnnxExport.Write(In("model.onnx"), network, options);
        ModelFile.Write(In("model.safetensors"), network);
        card = card.WithFile(In("model.onnx"), options).WithFile(In("model.safetensors"));
        card.Write(In("model.onnx"));

        Assert.Equal(("adversarial-training", 77L), (card.Method, card.Seed));
        Assert.Equal((2, training.KeptEpoch, training.Seconds), (card.Training!.Epochs, card.Training.KeptEpoch, card.Training.Seconds));
        Assert.Contains("Options.BatchSize: 10", card.Training.Settings);
        var text = File.ReadAllText(In("model.card.md"));
        Assert.Contains("| Method | adversarial-training |", text);
        Assert.Contains("| Seed | 77 |", text);
        Assert.Contains("    Options.BatchSize: 10\n", text);
        Assert.Contains("On 30 images (30 glyphs); the adversary's budget: Linf, 0.1 in units", text);
        foreach (var attack in evaluation.Attacks.Prepend(evaluation.Clean).Append(evaluation.WorstCase))
            Assert.Contains(FormattableString.Invariant($"| {attack.Name} | {100 * attack.Accuracy:F2} % right (95 % interval: "), text);
        var weakest = evaluation.Classes!.MinBy(each => each.Accuracy)!;
        Assert.Contains($"The weakest of 10 classes under the worst of the attacks: {Glyphs.ClassNames[(int)weakest.Class]}, ", text);
        // The card has no need of the single images.
        Assert.Equal(30, evaluation.Points!.Labels.Count);
        Assert.DoesNotContain("brokenBy", File.ReadAllText(In("model.card.json")));
        // The attacks' parameters and seed, as the evaluation states them.
        Assert.Contains(evaluation.Settings, line => line.StartsWith("Attacks: ", StringComparison.Ordinal)
            && line.Contains("pgd-20: Steps 20, StepSize not set, Restarts 1,"));
        foreach (var line in evaluation.Settings) Assert.Contains("    " + line.ReplaceLineEndings(" ") + "\n", text);
        Assert.Contains("opset 17, IR version 8", text);
        Assert.Contains("output probabilities: float32", text);
        Assert.Contains(Glyphs.ClassNames[3], text);
        Assert.Contains($"TorchSharp {card.Versions["TorchSharp"]}", text);
        Assert.All(card.Files, file => Assert.Equal(
            (file.Sha256, file.Bytes),
            (Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(In(file.Name)))), new FileInfo(In(file.Name)).Length)));

        // The JSON holds the same: read back, it gives the same text.
        ModelFile.Write(In("with-card.safetensors"), network,
            new Dictionary<string, string> { [ModelCard.MetadataName] = File.ReadAllText(In("model.card.json")) });
        using var again = ModelFile.Read(In("with-card.safetensors"));
        Assert.Equal(text, ModelCard.Read(In("with-card.safetensors"), again).ToMarkdown());
    }

    [Fact]
    public void A_card_or_an_evaluation_of_other_weights_is_refused()
    {
        var (card, evaluation) = (ModelCard.Create(network), Evaluate());
        Train();
        Assert.Contains("The evaluation is of other weights",
            Assert.Throws<ArgumentException>(() => ModelCard.Create(network).WithEvaluation(evaluation)).Message);
        ModelFile.Write(In("model.safetensors"), network, new Dictionary<string, string> { [ModelCard.MetadataName] = card.ToJson() });
        var fault = Assert.Throws<DataFileException>(() => ModelCard.Read(In("model.safetensors"), network));
        Assert.Contains("the card of these weights", fault.Message);
        ModelFile.Write(In("model.safetensors"), network, new Dictionary<string, string> { [ModelCard.MetadataName] = "{}" });
        Assert.Contains("a model card in ard.card",
            Assert.Throws<DataFileException>(() => ModelCard.Read(In("model.safetensors"), network)).Message);
        // A report that does not say of which weights it is: the card says that it does not.
        Assert.Contains("is the word of whoever put them here",
            ModelCard.Create(network).WithEvaluation(evaluation with { Weights = null }).ToMarkdown());
    }

    [Fact]
    public void A_card_keeps_the_other_files_of_the_same_weights()
    {
        OnnxExport.Write(In("model.onnx"), network);
        ModelCard.Create(network).WithFile(In("model.onnx"), new()).Write(In("model.onnx"));
        ModelFile.Write(In("model.safetensors"), network);
        ModelCard.Create(network).WithFile(In("model.safetensors")).Write(In("model.safetensors"));
        foreach (var file in (string[])["| model.onnx |", "| model.safetensors |"])
            Assert.Contains(file, File.ReadAllText(In("model.card.md")), StringComparison.Ordinal);

        Train();
        ModelFile.Write(In("model.safetensors"), network);
        ModelCard.Create(network).WithFile(In("model.safetensors")).Write(In("model.safetensors"));
        Assert.DoesNotContain("| model.onnx |", File.ReadAllText(In("model.card.md")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("student.v2", "student.v2")]
    [InlineData("student.v2.onnx", "student.v2")]
    [InlineData("student.safetensors", "student")]
    public void A_card_has_the_name_of_its_model(string model, string name)
    {
        ModelCard.Create(network).Write(In(model));
        Assert.Equal(
            [$"{name}.card.json", $"{name}.card.md"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Names_are_no_markup()
    {
        var text = (ModelCard.Create(network) with { ClassNames = ["a|b", "<script>\n# c"] }).ToMarkdown();
        Assert.Contains(@"| Classes | a\|b, &lt;script> # c |", text);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":-1},"rows":1,"clean":{},"attacks":[],"worstCase":{},"flags":[]}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":7,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[]}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":1,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[],"classes":[{"class":-1}]}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":1,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[],"points":{"labels":[3]}}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":0,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[],"points":{"labels":[3],"predicted":[3],"attacked":"""
        + """[3],"brokenBy":[null],"size":[0],"forwardPasses":[1],"backwardPasses":[0],"right":{}}}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":1,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[null]}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":2,"clean":{"name":"clean","accuracy":1,"interval":[0,1]},"attacks":"""
        + """[],"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[],"points":{"labels":[3],"predicted":[3],"attacked":"""
        + """[3],"brokenBy":[null],"size":[0],"forwardPasses":[1],"backwardPasses":[0],"right":{}}}""")]
    [InlineData("""{"threat":{"norm":"Linf","epsilon":1},"rows":1,"clean":{"name":"clean","accuracy":1,"interval":[0,1]},"attacks":"""
        + """null,"worstCase":{"name":"w","accuracy":1,"interval":[0,1]},"flags":[]}""")]
    public void A_file_that_is_no_report_is_refused_by_its_name(string json)
    {
        File.WriteAllText(In("report.json"), json);
        Assert.StartsWith($"{In("report.json")}: expected the report of an evaluation", Assert.Throws<FormatException>(() =>
            EvaluationSummary.Read(In("report.json"))).Message);
    }
}
