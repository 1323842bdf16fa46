namespace Ard.Trainers.Tests.Evaluation;

/// <summary>Labels and images that do not fit the network: every evaluation says so before an attack is run.</summary>
public sealed class UnfitDataTests
{
    [Theory]
    [InlineData(1, "labels go up to 5, the network has 5 outputs (classes 0 to 4)")]
    [InlineData(-1, "labels have the value -1, expected 0 or more")]
    public void Labels_that_are_no_classes_of_the_network_are_refused(int shift, string expected)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        labels = labels.clone();
        // Not in the first batch.
        labels[49].fill_(shift > 0 ? 5 : -1);
        var attacked = new GivenAttack("never", (_, _) => throw new InvalidOperationException("an attack was run"));
        var options = new EvaluationOptions { Threat = EvaluationProblem.Threat, Attacks = [], MoreAttacks = [attacked], BatchSize = 10 };
        var example = EvaluationProblem.File("examples");
        new RobustnessEvaluator(options with { MoreAttacks = [], ExamplesFile = example }).Evaluate(network, images, labels * 0);
        foreach (var evaluation in new Action[]
        {
            () => new RobustnessEvaluator(options).Evaluate(network, images, labels),
            () => RobustnessCurve.Evaluate(network, images, labels, [0.1], options),
            () => TransferMatrix.Evaluate([("one", network)], images, labels, attacked, options.Threat!, batchSize: 10),
            () => AdversarialExamplesFile.Verify(example, network, images, labels, options.Threat!, batchSize: 10),
        })
            Assert.Contains(expected, Assert.Throws<ArgumentException>(evaluation).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_of_one_output_is_refused()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var one = new FunctionNetwork(x => network.call(x).narrow(1, 0, 1).sigmoid());
        const string expected = "the network has 1 output, expected one for each of two classes or more";
        foreach (var evaluation in new Action[]
        {
            () => new RobustnessEvaluator().Evaluate(one, images, labels * 0),
            () => RobustnessCurve.Evaluate(one, images, labels * 0, [0.1]),
            () => TransferMatrix.Evaluate([("one", one)], images, labels * 0, new Fgsm(), ThreatModel.Cifar10),
        })
            Assert.Contains(expected, Assert.Throws<ArgumentException>(evaluation).Message, StringComparison.Ordinal);
        var fault = Assert.Throws<InvalidOperationException>(() => new Fgsm().Perturb(one, images, labels * 0, ThreatModel.Cifar10));
        Assert.Contains("the network has 1 output", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(double.NaN, "image 43 has the value NaN, expected [0,1]")]
    [InlineData(1.0000001, "image 43 has the value 1.0000001, expected [0,1]")]
    [InlineData(-0.5, "image 43 has the value -0.5, expected [0,1]")]
    [InlineData(double.PositiveInfinity, "image 43 has the value Infinity, expected [0,1]")]
    public void A_value_outside_of_the_range_is_the_images_fault(double value, string expected)
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        images = images.clone();
        var example = EvaluationProblem.File("examples");
        new RobustnessEvaluator(new EvaluationOptions { Attacks = [], ExamplesFile = example }).Evaluate(network, images, labels);
        images[43, 1, 1, 1].fill_(value);
        foreach (var evaluation in new Action[]
        {
            () => new RobustnessEvaluator().Evaluate(network, images, labels),
            () => RobustnessCurve.Evaluate(network, images, labels, [0.1]),
            () => TransferMatrix.Evaluate([("one", network)], images, labels, new Fgsm(), ThreatModel.Cifar10),
            () => AdversarialExamplesFile.Verify(example, network, images, labels, ThreatModel.Cifar10),
            () => new Fgsm().Perturb(network, images, labels, ThreatModel.Cifar10),
        })
            Assert.Contains(expected, Assert.Throws<ArgumentException>(evaluation).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Points_just_beyond_what_is_allowed_are_told_in_full()
    {
        using var scope = NewDisposeScope();
        var (_, images, _) = EvaluationProblem.Smooth();
        var message = Assert.Throws<InvalidOperationException>(
            () => ThreatModel.Linf(0.5).Verify(images.clamp_min(1.0000001f), images, "mine")).Message;
        Assert.Contains("1.0000001", message, StringComparison.Ordinal);
        message = Assert.Throws<InvalidOperationException>(
            () => ThreatModel.Linf(0.1).Verify(images * 0 + 0.500003f, images * 0 + 0.4f, "mine")).Message;
        Assert.Contains("0.10000", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Outputs_that_depend_on_the_rest_of_the_batch_are_seen()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        // What batch normalisation without running statistics does, and a place in the batch.
        var normalised = new FunctionNetwork(x => network.call(x - x.mean([0L], keepdim: true) + 0.5));
        var placed = new FunctionNetwork(x => network.call(x) * (arange(x.shape[0]).unsqueeze(1) % 2 * 0.1 + 1));
        foreach (var odd in new[] { normalised, placed })
        {
            using (no_grad()) labels = odd.call(images).argmax(1);
            var report = new RobustnessEvaluator(new() { Threat = EvaluationProblem.Threat, BatchSize = 50 }).Evaluate(odd, images, labels);
            var flag = Assert.Single(report.Flags, flag => flag.Code == RobustnessFlagCode.BatchDependentOutputs);
            Assert.Contains("shares its batch", flag.Seen, StringComparison.Ordinal);
            Assert.Contains("batches of 50", flag.Advice, StringComparison.Ordinal);
        }
        // Sound ones are compared in the other tests; one image has no company.
        Assert.Empty(new RobustnessEvaluator(new() { Threat = EvaluationProblem.Threat, BatchSize = 1, Attacks = ["pgd-2"] })
            .Evaluate(network, images, network.call(images).argmax(1)).Flags);
    }
}
