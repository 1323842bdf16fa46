using Ard.Trainers.Tests.Distributed;

namespace Ard.MLNet.Tests.Evaluation;

/// <summary>What else the catalog measures of a pipeline is what the library measures of its network on the same images.</summary>
public sealed class FurtherEvaluationTests
{
    private readonly MLContext ml = new MLContext(1);

    private ITransformer Chain() => Tiny.Keys(ml).Fit(ml.Data.LoadGlyphs(10, 7)).Append(Tiny.Classifier);

    [Fact]
    public void Several_adversaries_and_their_union()
    {
        ThreatModel[] threats = [ThreatModel.Linf(0.02), ThreatModel.L2(0.3), ThreatModel.L1(1)];
        var state = Path.Combine(Tiny.Folder(), "state");
        AdversarialEvaluatorOptions options = new() { Evaluation = new() { StateFile = state } };
        var found = ml.MulticlassClassification.EvaluateRobustnessUnion(Chain(), ml.Data.LoadGlyphs(40, seed: 7), threats, options);
        using var glyphs = Trainers.Data.Glyphs.Generate(40, 7);
        RobustnessReport[] expected =
        [
            .. threats.Select(threat => new RobustnessEvaluator(new() { Threat = threat })
                .Evaluate(Tiny.Classifier.Model, glyphs.Images, glyphs.Labels)),
        ];
        Assert.Equal(["fgsm", "pgd-20"], found.Reports[1].Attacks.Select(attack => attack.Name));
        Assert.Equal(["apgd-ce"], found.Reports[2].Attacks.Select(attack => attack.Name));
        foreach (var (one, other) in expected.Zip(found.Reports)) Assert.Equal(one.WorstCase.Points, other.WorstCase.Points);
        Assert.Equal(RobustnessUnion.Combine(expected).WorstCase.Points, found.WorstCase.Points);
        Assert.True(File.Exists($"{state}-L2-0.3"));
        Assert.InRange(found.WorstCase.CorrectCount, 0, expected[0].Clean.CorrectCount - 1);

        // The attacks have to fit the adversaries that are asked about, not the one that is usual for the images.
        Assert.Single(ml.MulticlassClassification.EvaluateRobustnessUnion(
            Chain(), ml.Data.LoadGlyphs(4, seed: 7), [threats[1]], new() { Evaluation = new() { Attacks = ["cw-5"] } }).Reports);
        Assert.Contains("no file", Assert.Throws<ArgumentException>(() => ml.MulticlassClassification.EvaluateRobustnessUnion(
            Chain(), ml.Data.LoadGlyphs(4, seed: 7), threats, new() { Evaluation = new() { ExamplesFile = state } })).Message);
        Assert.Contains("no report", Assert.Throws<ArgumentException>(
            () => ml.MulticlassClassification.EvaluateRobustnessUnion(Chain(), ml.Data.LoadGlyphs(4, seed: 7), [])).Message);
    }

    [Fact]
    public void The_smallest_perturbations()
    {
        Attack[] attacks = [Attack.Fmn(10)];
        var found = ml.MulticlassClassification.EvaluateSmallestPerturbations(
            Chain(), ml.Data.LoadGlyphs(20, seed: 7), Norm.L2, attacks, new() { Evaluation = new() { BatchSize = 7 } });
        using var glyphs = Trainers.Data.Glyphs.Generate(20, 7);
        var expected = SmallestPerturbations.Evaluate(
            Tiny.Classifier.Model, glyphs.Images, glyphs.Labels, Norm.L2, attacks, new() { BatchSize = 7 });
        Assert.Equal(expected.Sizes, found.Sizes);
        Assert.Contains(found.Sizes, size => size > 0 && double.IsFinite(size));
    }

    [Fact]
    public void Repeated_judgements()
    {
        var file = Path.Combine(Tiny.Folder(), "points.safetensors");
        AdversarialEvaluatorOptions options = new() { Evaluation = new() { Attacks = ["pgd-5"] } };
        var found = ml.MulticlassClassification.EvaluateRepeatedly(Chain(), ml.Data.LoadGlyphs(20, seed: 7), passes: 3, options);
        var kept = ml.MulticlassClassification.EvaluateRepeatedly(
            Chain(), ml.Data.LoadGlyphs(20, seed: 7), passes: 3, new() { Evaluation = options.Evaluation with { ExamplesFile = file } });
        // Its network draws nothing, so that each pass says what the evaluation says.
        var expected = ml.MulticlassClassification.EvaluateRobustness(Chain(), ml.Data.LoadGlyphs(20, seed: 7), options).Report.WorstCase;
        Assert.Equal(3, found.Accuracies.Count);
        Assert.All(found.Accuracies, accuracy => Assert.Equal(expected.Accuracy, accuracy, 1e-9));
        Assert.Equal(expected.Correct, found.Shares.Select(share => share > 0.5));
        Assert.Equal(found.Shares, kept.Shares);
        Assert.True(File.Exists(file));
    }

    [Fact]
    public void Repeated_judgements_are_those_of_one_process_in_each_of_several_and_none_of_a_shard()
    {
        // Asked only, so that all threads may have the same.
        var model = Tiny.Keys(ml).Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(ml.Data.LoadGlyphs(100, seed: 3));
        EvaluationOptions evaluation = new() { Attacks = ["square-5"], Threat = ThreatModel.Linf(0.1), BatchSize = 5 };
        var alone = Judge(evaluation);
        var file = Path.Combine(Tiny.Folder(), "points.safetensors");
        foreach (var kept in new[] { null, file })
        {
            var each = ThreadGroup.Run(2, group => Judge(evaluation with { Group = group, ExamplesFile = kept }));
            Assert.All(each, found => Assert.Equal([.. alone.Shares, .. alone.Accuracies], [.. found.Shares, .. found.Accuracies]));
        }
        Assert.InRange(alone.Mean, 0.01, 0.99);
        Assert.True(File.Exists(file));

        var asked = 0;
        Assert.Contains("Shard is 1 of 2, expected none", Assert.Throws<ArgumentException>(
            () => Judge(evaluation with { Shard = new(1, 2) }, count: _ => asked++)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => Judge(evaluation, passes: 0, count: _ => asked++));
        Assert.Contains("Shard is 1 of 2, expected none", Assert.Throws<ArgumentException>(() =>
            ml.MulticlassClassification.EvaluateRobustness(model, ml.Data.LoadGlyphs(20, seed: 4), new()
            {
                Evaluation = evaluation with { Shard = new(1, 2), StateFile = file },
                Progress = new Told(_ => asked++),
            })).Message);
        Assert.Equal(0, asked);

        RepeatedJudgement Judge(EvaluationOptions evaluation, int passes = 2, Action<EvaluationProgress>? count = null) =>
            ml.MulticlassClassification.EvaluateRepeatedly(
                model, ml.Data.LoadGlyphs(20, seed: 4), passes,
                new() { Evaluation = evaluation, Progress = count is null ? null : new Told(count) });
    }

    [Fact]
    public void What_is_amiss_with_one_of_several_adversaries_is_found_before_any_begins()
    {
        var begun = 0;
        var fault = Assert.Throws<ArgumentException>(() => ml.MulticlassClassification.EvaluateRobustnessUnion(
            Chain(), ml.Data.LoadGlyphs(4, seed: 7), [ThreatModel.Linf(0.02), ThreatModel.L1(1)],
            new() { Evaluation = new() { Attacks = ["pgd-2"] }, Progress = new Told(_ => begun++) }));
        Assert.Contains("the attack 'pgd-2' cannot do L1", fault.Message);

        // Of bytes the budgets are rounded, and there is no norm but Linf.
        using var glyphs = Trainers.Data.Glyphs.Generate(20, 7);
        var pixels = glyphs.Images.data<byte>().ToArray().Chunk(256);
        var bytes = ml.Data.LoadFromEnumerable(
            pixels.Zip(glyphs.Labels.data<long>().ToArray(), (image, label) => new OfBytes { Bytes = image, Label = label }).ToArray());
        var model = Tiny.Keys(ml).Append(ml.Transforms.Conversion.ConvertType("Features", "Bytes"))
            .Append(ml.MulticlassClassification.Trainers.LbfgsMaximumEntropy()).Fit(bytes);
        foreach (var (second, message) in new[]
        {
            (ThreatModel.L2(1), "the norm is L2: expected Linf"), (ThreatModel.Linf(8.4 / 255), "Two evaluations are against Linf 0.03"),
        })
        {
            fault = Assert.Throws<ArgumentException>(() => ml.MulticlassClassification.EvaluateRobustnessUnion(
                model, bytes, [ThreatModel.Linf(8 / 255.0), second], new()
                {
                    Evaluation = new() { Attacks = ["square-2"] },
                    BlackBox = new() { FeatureColumnName = "Bytes" },
                    Progress = new Told(_ => begun++),
                }));
            Assert.Contains(message, fault.Message);
        }
        Assert.Equal(0, begun);

        // Nor are there smallest perturbations in another norm, and in Linf they are of whole 255ths.
        SmallestPerturbations Smallest(Norm norm) => ml.MulticlassClassification.EvaluateSmallestPerturbations(
            model, bytes, norm, [Attack.RayS(60)], new() { BlackBox = new() { FeatureColumnName = "Bytes" } });
        Assert.Contains("the norm is L2", Assert.Throws<ArgumentException>(() => Smallest(Norm.L2)).Message);
        var sizes = Smallest(Norm.Linf).Sizes;
        Assert.All(sizes.Where(double.IsFinite), size => Assert.Equal(Math.Round(255 * size) / 255, size));
        Assert.Contains(sizes, size => size is > 0 and < 0.6);
    }

    private sealed record OfBytes
    {
        [VectorType(16, 16)]
        public byte[] Bytes { get; set; } = [];

        public long Label { get; set; }
    }

    private sealed class Told(Action<EvaluationProgress> told) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => told(value);
    }
}
