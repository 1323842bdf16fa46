namespace Ard.Trainers.Tests.Objectives;

public sealed class LabelSmoothingTests
{
    private static TrainingBatch Batch(Module<Tensor, Tensor> student, Generator generator, double smoothing)
    {
        var teacher = LinearNetwork.Random(12, 4, seed: 8, ScalarType.Float64);
        teacher.eval();
        return new TrainingBatch
        {
            Student = student,
            Teacher = teacher,
            Images = empty([6, 3, 2, 2], dtype: ScalarType.Float64).uniform_(0, 1, generator),
            Labels = tensor(new long[] { 0, 1, 2, 3, 1, 2 }),
            Generator = generator,
            LabelSmoothing = smoothing,
        };
    }

    private static (double Loss, Tensor? Adversarial) Loss(string method, double smoothing)
    {
        using var generator = new Generator(3);
        var settings = method is "ard" or "kd" ? new ObjectiveSettings { Alpha = 0.5 } : null;
        var batch = Batch(LinearNetwork.Random(12, 4, seed: 9, ScalarType.Float64), generator, smoothing);
        return (ObjectiveCatalog.ByName(method, settings).Loss(batch).item<double>(), batch.Adversarial);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [InlineData(0.7)]
    public void The_target_is_the_label_mixed_with_the_uniform_distribution(double smoothing)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var batch = Batch(new FunctionNetwork(x => x), generator, smoothing);
        var logits = empty([6, 4], dtype: ScalarType.Float64).normal_(0, 2, generator);
        var targets = functional.one_hot(batch.Labels, 4).to(ScalarType.Float64) * (1 - smoothing) + smoothing / 4;
        var losses = -(targets * logits.log_softmax(1)).sum(1);
        Compare.Close(losses.mean(), batch.CrossEntropy(logits), 1e-12, "mean");
        Compare.Close(losses, batch.CrossEntropy(logits, Reduction.None), 1e-12, "each");
    }

    [Theory]
    [InlineData("natural")]
    [InlineData("at")]
    [InlineData("trades")]
    [InlineData("kd")]
    [InlineData("ard")]
    public void Every_outer_loss_with_labels_is_smoothed_and_the_attack_is_not(string method)
    {
        using var scope = NewDisposeScope();
        var (hard, adversarial) = Loss(method, 0);
        var (once, same) = Loss(method, 0.1);
        var (twice, _) = Loss(method, 0.2);
        // The loss is linear in the share.
        Assert.NotEqual(hard, once, 4);
        Assert.Equal(2 * (once - hard), twice - hard, 10);
        if (adversarial is not null) Compare.Same(adversarial, same!, "adversarial");
    }
}
