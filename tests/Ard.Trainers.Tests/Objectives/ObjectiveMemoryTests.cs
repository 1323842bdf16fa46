namespace Ard.Trainers.Tests.Objectives;

public sealed class ObjectiveMemoryTests
{
    [Fact]
    public void What_is_remembered_is_a_copy_that_outlives_scopes_and_frees_the_one_before()
    {
        using var memory = new ObjectiveMemory();
        using (NewDisposeScope())
        {
            var values = ones(3);
            memory.Set("sum", values);
            values.add_(1);
        }
        var first = memory["sum"]!;
        Assert.Equal([1f, 1, 1], first.data<float>().ToArray());
        using (NewDisposeScope()) memory.Set("sum", zeros(2));
        Assert.True(first.IsInvalid);
        Assert.Equal([2L], memory["sum"]!.shape);
        Assert.Null(memory["other"]);
    }

    [Fact]
    public void Replays_and_memory_reach_the_objective_and_survive_a_stop()
    {
        using var data = Glyphs.Generate(40, seed: 1);
        var folder = Directory.CreateTempSubdirectory("ard-memory-").FullName;
        try
        {
            var options = new TrainingOptions
            {
                Epochs = 2,
                BatchSize = 16,
                ValidationFraction = 0,
                Threads = 1,
                CheckpointFolder = folder,
            };
            using var whole = Student();
            var uninterrupted = new Counting();
            Trainer.Fit(whole, uninterrupted, data, options);
            // 3 batches an epoch, 2 epochs, 2 replays.
            Assert.Equal(12, uninterrupted.LastCount);
            Assert.Equal(12, uninterrupted.BackwardCalls);

            using var stopped = Student();
            using var stop = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(
                () => Trainer.Fit(stopped, new Counting(() => stop.Cancel(), at: 7), data, options, cancellation: stop.Token));
            using var resumed = Student();
            var rest = new Counting();
            Trainer.Fit(resumed, rest, data, options with { Resume = true });
            Assert.Equal(12, rest.LastCount);
            foreach (var (name, value) in resumed.state_dict()) Assert.True(value.Equals(whole.state_dict()[name]), name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Module<Tensor, Tensor> Student() =>
        (NetworkSpec.Parse("tinycnn-2") with { InputChannels = 1, ImageSize = 16 }).Build(3);

    /// <summary>Cross-entropy whose weight grows with every call, by a count in the memory.</summary>
    private sealed class Counting(Action? stop = null, int at = int.MaxValue) : Objective
    {
        public override string Name => "counting";

        public override int Replays => 2;

        public int LastCount { get; private set; }

        public int BackwardCalls { get; private set; }

        public override Tensor Loss(TrainingBatch batch)
        {
            batch.Memory.Set("count", (batch.Memory["count"] ?? zeros(1)) + 1);
            LastCount = (int)batch.Memory["count"]!.item<float>();
            if (LastCount == at) stop?.Invoke();
            return functional.cross_entropy(batch.Student.call(batch.Images), batch.Labels) * batch.Memory["count"]!.sum();
        }

        public override void AfterBackward(TrainingBatch batch)
        {
            BackwardCalls++;
            Assert.NotNull(batch.Student.parameters().First().grad);
        }
    }
}
