namespace Ard.Trainers.Tests.Training;

/// <summary>Batch normalisation of one value in train mode is not a number.</summary>
public sealed class SingleImageTests
{
    internal static Module<Tensor, Tensor> Student() => Initialisation.Seeded<Module<Tensor, Tensor>>(4, () =>
        Sequential(Flatten(), Linear(64, 8), BatchNorm1d(8), ReLU(), Linear(8, 3)));

    private static TrainingOptions Options(int batchSize) =>
        TrainerTests.Options with { BatchSize = batchSize, ValidationFraction = 0, Epochs = 2 };

    [Theory]
    [InlineData(17, 8, 2)]
    [InlineData(9, 8, 1)]
    [InlineData(18, 8, 3)]
    [InlineData(3, 2, 1)]
    public void The_image_that_a_last_batch_would_have_alone_is_in_the_batch_before(int images, int batchSize, int steps)
    {
        using var data = TrainerTests.Data(images);
        using var student = Student();
        var sizes = new List<long>();
        var seen = new List<TrainingProgress>();
        var result = Trainer.Fit(
            student, new Counting(sizes), data, Options(batchSize), progress: new TrainerTests.Observer(seen.Add));
        Assert.True(double.IsFinite(result.History[^1].Loss));
        Assert.All(seen, progress => Assert.Equal(steps, progress.Steps));
        Assert.Equal(2 * images, sizes.Sum());
        Assert.DoesNotContain(1L, sizes);
    }

    [Fact]
    public void The_statistics_of_averaged_weights_are_not_taken_of_one_image_either()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(3);
        using var student = Student();
        Trainer.Fit(student, new Natural(), data, Options(2) with { Averaging = new StochasticWeightAveraging { FromEpoch = 1 } });
        Assert.All(student.buffers(), buffer => Assert.True(buffer.isfinite().all().item<bool>()));
    }

    [Fact]
    public void Where_every_batch_is_one_image_the_error_says_so()
    {
        using var data = TrainerTests.Data(6);
        using var student = Student();
        var fault = Assert.Throws<TrainingDivergedException>(() => Trainer.Fit(student, new Natural(), data, Options(1)));
        Assert.Contains("a batch of one image, of which batch normalisation has no variance: expected BatchSize 2 or more", fault.Message,
            StringComparison.Ordinal);
    }

    private sealed class Counting(List<long> sizes) : Objective
    {
        public override string Name => "counting";

        public override Tensor Loss(TrainingBatch batch)
        {
            sizes.Add(batch.Images.shape[0]);
            return new Natural().Loss(batch);
        }
    }
}
