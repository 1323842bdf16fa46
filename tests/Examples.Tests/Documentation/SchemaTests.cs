using System.Text.Json.Nodes;
using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using Json.Schema;
using Microsoft.ML;

namespace Ard.Examples.Tests.Documentation;

/// <summary>Reports of evaluations are of the form that docs/evaluation.schema.json describes, and have nothing that it does not.</summary>
public sealed class SchemaTests
{
    private static readonly Lazy<JsonSchema> Schema = new(() =>
    {
        var schema = JsonNode.Parse(File.ReadAllText(Path.Combine(Page.Root, "docs", "evaluation.schema.json")))!;
        Close(schema);
        return JsonSchema.FromText(schema.ToJsonString());
    });

    private static readonly AdversarialEvaluatorOptions Options = new()
    {
        Evaluation = new()
        {
            Attacks = ["fgsm"],
            MoreAttacks =
            [
                Attack.Sequence("two", [Attack.Pgd(new PgdOptions { Steps = 2 }), Attack.Square(new SquareOptions { Queries = 5 })]),
            ],
        },
        Images = 0,
    };

    // What the schema lets be for readers of later reports is a fault here.
    private static void Close(JsonNode? node)
    {
        if (node is JsonArray array)
            foreach (var item in array) Close(item);
        if (node is not JsonObject schema) return;
        if (schema["properties"] is JsonObject && !schema.ContainsKey("additionalProperties")) schema["additionalProperties"] = false;
        foreach (var (_, value) in schema.ToArray()) Close(value);
    }

    private static string Faults(string json)
    {
        using var document = JsonDocument.Parse(json);
        var results = Schema.Value.Evaluate(document.RootElement, new() { OutputFormat = OutputFormat.List });
        return results.IsValid ? "" : string.Join('\n', (results.Details ?? []).SelectMany(detail =>
            (detail.Errors ?? new()).Select(error => $"{detail.InstanceLocation}: {error.Key}: {error.Value}")).Prepend("not valid"));
    }

    private static string Saved(Action<string> save)
    {
        var file = Path.GetTempFileName();
        save(file);
        var text = File.ReadAllText(file);
        File.Delete(file);
        return text;
    }

    private static readonly Lazy<string> Report = new(() =>
    {
        using var data = Glyphs.Generate(30, seed: 1);
        using var network = (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);
        var report = new RobustnessEvaluator(Options.Evaluation).Evaluate(network, data.Images, data.Labels);
        return Saved(path => report.SaveJson(path, network, "glyphs", data.ClassNames));
    });

    [Fact]
    public void A_report_of_the_library_is_as_described() => Assert.Equal("", Faults(Report.Value));

    [Fact]
    public void A_report_of_a_model_that_was_asked_only_is_as_described()
    {
        using var data = Glyphs.Generate(30, seed: 1);
        using var network = (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);
        using var model = BlackBox.FromScores("model", network.call);
        var report = new RobustnessEvaluator(new() { Attacks = ["square-10"], Threat = ThreatModel.Linf(0.5) })
            .Evaluate(model, data.Images, data.Labels);
        var json = Saved(path => report.SaveJson(path, model));
        Assert.Equal("", Faults(json));
        Assert.All(["blackBox", "medianQueries", "queries"], name => Assert.Contains($"\"{name}\":", json));
    }

    [Fact]
    public void A_report_of_several_adversaries_is_as_described_and_is_not_taken_for_one_of_one()
    {
        using var data = Glyphs.Generate(30, seed: 1);
        using var network = (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);
        var union = RobustnessUnion.Combine([.. new[] { ThreatModel.Linf(0.02), ThreatModel.L1(1) }.Select(threat =>
            new RobustnessEvaluator(new() { Threat = threat }).Evaluate(network, data.Images, data.Labels))]);
        var json = Saved(path => union.SaveJson(path, network, "glyphs", data.ClassNames));
        Assert.Equal("", Faults(json));
        var document = JsonNode.Parse(json)!;
        Assert.Equal(union.WorstCase.Accuracy, (double)document["union"]!["accuracy"]!);
        // Each norm with its own attacks.
        Assert.Equal(
            ["fgsm pgd-20", "apgd-ce"],
            document["evaluations"]!.AsArray().Select(each =>
                string.Join(' ', each!["attacks"]!.AsArray().Select(one => (string)one!["name"]!))));
        document["evaluations"]![1]!["rows"] = "30";
        Assert.Contains("/evaluations/1/rows: ", Faults(document.ToJsonString()));
        var file = Path.GetTempFileName();
        File.WriteAllText(file, json);
        Assert.Contains(
            "several threat models", Assert.Throws<FormatException>(() => HtmlReport.Compare(("a", file), ("b", file))).Message);
        File.Delete(file);
    }

    [Fact]
    public void A_report_of_no_images_is_as_described()
    {
        using var data = Glyphs.Generate(1, seed: 1);
        using var network = (NetworkSpec.Parse("tinycnn-2-bn") with { InputChannels = 1, ImageSize = 16 }).Build(seed: 1);
        var report = new RobustnessEvaluator().Evaluate(network, data.Images.narrow(0, 0, 0), data.Labels.narrow(0, 0, 0));
        Assert.Equal("", Faults(Saved(path => report.SaveJson(path))));
    }

    [Fact]
    public void A_report_of_MLNET_is_as_described()
    {
        var ml = new MLContext(1);
        var data = ml.Data.LoadGlyphs(60, seed: 1);
        var model = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-2-bn",
            Method = "natural",
            Training = new() { Epochs = 1, ValidationFraction = 0, Device = "cpu" },
        }).Fit(data);
        Assert.Equal("", Faults(Saved(ml.MulticlassClassification.EvaluateRobustness(model, data, Options).SaveJson)));
    }

    [Theory]
    [InlineData("/schemaVersion: ", "schemaVersion", "2")]
    [InlineData("/rows: ", "rows", "\"30\"")]
    [InlineData("/threat/norm: ", "threat", """{"norm":"L7","epsilon":0.1}""")]
    [InlineData("/worstCase: ", "worstCase", """{"name":"worst-case","accuracy":0.5}""")]
    [InlineData("/images: ", "images", "\"abc\"")]
    [InlineData("/points/right/fgsm: ", "points", """
        {"labels":[1],"predicted":[1],"attacked":[1],"brokenBy":[null],"size":[0],"forwardPasses":[1],"backwardPasses":[0],
        "right":{"fgsm":"x"}}
        """)]
    [InlineData("/colour: ", "colour", "1")]
    public void What_is_not_of_the_form_is_found(string expected, string name, string value)
    {
        var report = JsonNode.Parse(Report.Value)!.AsObject();
        report[name] = JsonNode.Parse(value);
        Assert.Contains(expected, Faults(report.ToJsonString()));
        report.Remove(name);
        if (name is "rows") Assert.NotEqual("", Faults(report.ToJsonString()));
    }
}
