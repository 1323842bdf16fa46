using Ard.Trainers.Reports;

namespace Ard.MLNet.Tests.Saving;

/// <summary>A network in a file as a model of ML.NET.</summary>
public sealed class FileClassifierTests
{
    private readonly MLContext ml = new(1);
    private readonly string file = Path.Combine(Tiny.Folder(), "network.safetensors");

    private static NetworkSpec Spec => NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = 16 };

    [Fact]
    public void It_scores_as_the_network_and_is_saved_with_its_names()
    {
        using var network = Spec.Build(1);
        ModelFile.Write(file, network);
        network.eval();
        string[] names = [.. "abcdefghij".Select(letter => $"{letter}")];
        var told = new List<string>();
        ml.Log += (_, line) => told.Add(line.RawMessage);
        using var model = ml.Model.LoadImageClassifier(file, names);
        Assert.Contains($"{file}: no normalisation, as the file's metadata says.", told);
        var data = ml.Data.LoadGlyphs(30, seed: 7);
        using var glyphs = Glyphs.Generate(30, seed: 7);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var expected = network.call(glyphs.Batch(0, 30).Images).softmax(1).data<float>().ToArray().Chunk(10).ToArray();
        var scores = Tiny.Vectors(model.Transform(data), "Score");
        foreach (var (mine, its) in expected.Zip(scores)) Assert.All(mine.Zip(its), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        ml.Model.Save(model, data.Schema, file + ".zip");
        using var loaded = ImageClassifierTransformer.From(ml.Model.Load(file + ".zip", out _));
        Assert.Equal(names, loaded.ClassNames);
        Assert.Equal(scores, Tiny.Vectors(loaded.Transform(data), "Score"));
        Assert.Equal(30, ml.MulticlassClassification.EvaluateRobustness(
            ml.Model.LoadImageClassifier(file), data, new() { Evaluation = new() { Attacks = ["fgsm"] } }).Report.Clean.Points.Count);
    }

    [Fact]
    public void Its_card_names_the_classes_and_other_numbers_of_names_are_refused()
    {
        using var network = (Spec with { Classes = 2 }).Build(1);
        var card = ModelCard.Create(network) with { ClassNames = ["cracked", "sound"] };
        ModelFile.Write(file, network, new Dictionary<string, string> { [ModelCard.MetadataName] = card.ToJson() });
        using var model = ml.Model.LoadImageClassifier(file);
        Assert.Equal(["cracked", "sound"], model.ClassNames);
        Assert.Contains("has 2 outputs, expected as many class names, found 3", Assert.Throws<ArgumentException>(
            () => ml.Model.LoadImageClassifier(file, ["a", "b", "c"])).Message);
        Assert.Throws<FileNotFoundException>(() => ml.Model.LoadImageClassifier(file + ".none"));
    }
}
