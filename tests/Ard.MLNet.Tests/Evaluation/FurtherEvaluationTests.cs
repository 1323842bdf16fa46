using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Microsoft.ML;

namespace Ard.MLNet.Tests.Evaluation;

/// <summary>What else the catalog measures of a pipeline is what the library measures of its network on the same images.</summary>
public sealed class FurtherEvaluationTests
{
    private readonly MLContext ml = new MLContext(1).RegisterArd();

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
        Assert.Equal(RobustnessUnion.Of(expected).WorstCase.Points, found.WorstCase.Points);
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
        Attack[] attacks = [Attack.Fmn(new() { Steps = 10 })];
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
}
