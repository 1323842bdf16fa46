using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Tests.Fixtures;
using static TorchSharp.torch;

namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessEvaluatorTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = ThreatModel.Linf(0.02),
        Attacks = ["fgsm", "pgd-5", "pgd-2x2"],
        BatchSize = 16,
    };

    [Fact]
    public void The_worst_case_is_at_most_each_attack_and_each_attack_at_most_clean_point_by_point()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var report = new RobustnessEvaluator(Options).Evaluate(network, images, labels);
        Assert.Equal(["fgsm", "pgd-5", "pgd-2x2"], report.Attacks.Select(attack => attack.Name));
        foreach (var attack in report.Attacks)
        {
            for (var i = 0; i < 50; i++)
            {
                Assert.True(report.WorstCase.Correct[i] ? attack.Correct[i] : true);
                Assert.True(attack.Correct[i] ? report.Clean.Correct[i] : true);
            }
        }
        for (var i = 0; i < 50; i++) Assert.Equal(report.WorstCase.Correct[i], report.Attacks.All(attack => attack.Correct[i]));
        Assert.Equal(network.call(images).argmax(1).eq(labels).sum().item<long>(), report.Clean.CorrectCount);
        Assert.Equal(report.Clean.CorrectCount / 50.0, report["clean"].Accuracy);
        Assert.InRange(report.Clean.CorrectCount, 30, 49);
        Assert.InRange(report.WorstCase.CorrectCount, 1, report.Clean.CorrectCount - 5);
        Assert.Contains("found fgsm, pgd-5", Assert.Throws<KeyNotFoundException>(() => report["apgd"]).Message);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void The_batch_size_does_not_matter(int batchSize)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var expected = new RobustnessEvaluator(Options).Evaluate(network, images, labels);
        var report = new RobustnessEvaluator(Options with { BatchSize = batchSize }).Evaluate(network, images, labels);
        Assert.Equal(expected.Clean.Correct, report.Clean.Correct);
        foreach (var (before, now) in expected.Attacks.Zip(report.Attacks)) Assert.Equal(before.Correct, now.Correct);
    }

    [Fact]
    public void At_epsilon_0_robust_accuracy_is_clean_accuracy()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var report = new RobustnessEvaluator(Options with { Threat = ThreatModel.L2(0) }).Evaluate(network, images, labels);
        Assert.Equal(report.Clean.Correct, report.WorstCase.Correct);
    }

    [Fact]
    public void No_points_one_point_and_only_misclassified_points_give_the_right_figures()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var evaluator = new RobustnessEvaluator(Options);
        var none = evaluator.Evaluate(network, images.narrow(0, 0, 0), labels.narrow(0, 0, 0));
        Assert.Equal((0, double.NaN), (none.WorstCase.CorrectCount, none.Clean.Accuracy));
        var right = network.call(images).argmax(1);
        Assert.Equal(1, evaluator.Evaluate(network, images.narrow(0, 0, 1), right.narrow(0, 0, 1)).Clean.Accuracy);
        var wrong = evaluator.Evaluate(network, images, (right + 1) % 3);
        Assert.Equal((0, 0, 50), (wrong.Clean.Accuracy, wrong["fgsm"].Accuracy, wrong.WorstCase.Correct.Count));
    }

    [Fact]
    public void Bytes_are_divided_by_255_and_float64_networks_get_float64()
    {
        using var scope = NewDisposeScope();
        var (_, images, labels) = Problem();
        var bytes = (images * 255).round().to(ScalarType.Byte);
        var network = LinearNetwork.Random(12, 3, seed: 2, ScalarType.Float64);
        var fromBytes = new RobustnessEvaluator(Options).Evaluate(network, bytes, labels);
        var fromDoubles = new RobustnessEvaluator(Options).Evaluate(network, bytes.to(ScalarType.Float64) / 255, labels);
        Assert.Equal(fromDoubles.WorstCase.Correct, fromBytes.WorstCase.Correct);
        Assert.Equal(ScalarType.Byte, bytes.dtype);
    }

    [Fact]
    public void Progress_comes_after_each_attack_on_each_batch_and_ends_at_the_total()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        var seen = new List<EvaluationProgress>();
        var report = new RobustnessEvaluator(Options).Evaluate(network, images, labels, new Immediate(seen.Add));
        Assert.Equal(4 * 4, seen.Count);
        Assert.Equal(("clean", 0, 50), (seen[0].Attack, seen[0].Done, seen[0].Total));
        Assert.Equal(new EvaluationProgress("pgd-2x2", 50, 50, report.WorstCase.CorrectCount), seen[^1]);
        Assert.Equal(report.Clean.Correct.Take(16).Count(correct => correct), seen[0].Robust);
        Assert.Equal(seen.Select(progress => progress.Done).Order(), seen.Select(progress => progress.Done));
    }

    [Fact]
    public void Cancelling_stops_before_the_next_attack_and_leaves_the_network_as_it_was()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem();
        network.train();
        using var cancellation = new CancellationTokenSource();
        var seen = 0;
        var progress = new Immediate(_ =>
        {
            if (++seen == 3) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(
            () => new RobustnessEvaluator(Options).Evaluate(network, images, labels, progress, cancellation.Token));
        Assert.Equal(3, seen);
        Assert.True(network.training);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Wrong_input_and_options_are_refused_with_every_fault()
    {
        var (network, images, labels) = Problem();
        var (wrongImages, wrongLabels) = (images.to(ScalarType.Int32), labels.narrow(0, 0, 3).to(ScalarType.Int32));
        var message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator().Evaluate(network, wrongImages, wrongLabels)).Message;
        Assert.Contains("images are Int32", message);
        Assert.Contains("labels are Int32", message);
        Assert.Contains("labels have shape [3]", message);
        var options = new EvaluationOptions { BatchSize = 0, Attacks = ["pgd-3", "PGD-3", "nonsense"] };
        message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(options)).Message;
        Assert.Contains("BatchSize is 0", message);
        Assert.Contains("'pgd-3' is named twice", message);
        Assert.Contains("no attack 'nonsense'", message);
        Assert.Contains("not finite", Assert.Throws<InvalidOperationException>(
            () => new RobustnessEvaluator().Evaluate(new FunctionNetwork(x => x.flatten(1) * double.NaN), images, labels)).Message);
    }

    // A network that gets about 40 of the 50 points right.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Problem()
    {
        using var generator = new Generator(2);
        var network = LinearNetwork.Random(12, 3, seed: 2);
        var images = empty([50, 3, 2, 2]).uniform_(0, 1, generator);
        using var noGrad = no_grad();
        var labels = network.call(images).argmax(1);
        labels.narrow(0, 40, 10).fill_(1);
        return (network, images, labels);
    }

    private sealed class Immediate(Action<EvaluationProgress> seen) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => seen(value);
    }
}
