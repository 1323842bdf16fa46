using System.Runtime.CompilerServices;
using Ard.Trainers.Tests.Distributed;
using static Ard.Trainers.Tests.Training.TrainerTests;

namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class AuxiliaryDataTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-auxiliary-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static string Fixture(string name, [CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Data", "Fixtures", name);

    // Every value of the image of this number is the number; the training images have more than one value.
    private static ImageDataset Numbered(int count, Func<int, long> label)
    {
        using var scope = NewDisposeScope();
        var images = arange(count, ScalarType.Byte).view(count, 1, 1, 1).expand(count, 1, 8, 8).contiguous();
        return new ImageDataset(images, tensor([.. Enumerable.Range(0, count).Select(label)], dtype: ScalarType.Int64), ["a", "b", "c"]);
    }

    private sealed class Watching : Objective
    {
        public List<(float[] Images, long[] Labels)> Batches { get; } = [];

        public override string Name => "watching";

        public override Tensor Loss(TrainingBatch batch)
        {
            // The number of an image, and -1 - its sum for one of the training set.
            var flat = batch.Images.flatten(1);
            var number = (flat[.., 0] * 255).round();
            var same = flat.eq(flat[.., 0..1]).all(1);
            Batches.Add((where(same, number, -1 - flat.sum(1)).data<float>().ToArray(), batch.Labels.data<long>().ToArray()));
            return batch.CrossEntropy(batch.Student.call(batch.Images));
        }
    }

    private static Watching Watch(TrainingOptions options, out TrainingResult result, Module<Tensor, Tensor>? teacher = null)
    {
        using var data = TrainerTests.Data(42);
        using var student = Spec.Build(seed: 3);
        var watching = new Watching();
        result = Trainer.Fit(new(student, teacher), watching, data, options);
        return watching;
    }

    private static TrainingOptions Plain => Options with { Epochs = 2, Augmentation = Augmentation.None, ValidationFraction = 0 };

    [Fact]
    public void Labels_that_take_turns_are_compared_with_the_teachers_as_they_are()
    {
        using var scope = NewDisposeScope();
        using var extra = new ImageDataset(
            zeros([20_000, 1, 8, 8], ScalarType.Byte), arange(20_000, ScalarType.Int64).remainder(2), ["a", "b", "c"]);
        using var student = Spec.Build(3);
        using var data = TrainerTests.Data();
        var teacher = new FunctionNetwork(x => x.mean([1L, 2L, 3L]).unsqueeze(1) * 0 + tensor(new[] { 1f, 0f, 0f }));
        var result = Trainer.Fit(new(student, teacher), TrainerTests.Ard, data, Options with { Epochs = 1, Auxiliary = new(extra) });
        Assert.Equal(10_000, result.AuxiliaryLabels!.Images);
        Assert.InRange(result.AuxiliaryLabels.Disagreement!.Value, 0.48, 0.52);
    }

    [Fact]
    public void A_share_of_nothing_is_no_auxiliary_set_bit_for_bit()
    {
        using var extra = Numbered(20, n => n % 3);
        var without = Trained(Options, out var expected);
        var with = Trained(Options with { Auxiliary = new(extra) { Share = 0, TeacherLabels = true } }, out var found);
        Assert.True(without.AsSpan().SequenceEqual(with), "the weights differ");
        Assert.Equal(expected.History.Select(e => e with { Seconds = 0 }), found.History.Select(e => e with { Seconds = 0 }));
        Assert.Null(found.AuxiliaryLabels);
        // Nor is a teacher missing.
        using var data = TrainerTests.Data();
        using var student = Spec.Build(3);
        Trainer.Fit(student, new Natural(), data, Plain with { Epochs = 1, Auxiliary = new(extra) { Share = 0, TeacherLabels = true } });
    }

    [Fact]
    public void Each_batch_has_its_share_of_them_with_their_labels_and_an_epoch_keeps_its_steps()
    {
        using var extra = Numbered(200, n => n % 3);
        var batches = Watch(Plain with { Auxiliary = new(extra) { Share = 0.6 } }, out _).Batches;
        // 42 images in batches of 8; three fifths of 8 and of 2, rounded.
        Assert.Equal([8, 8, 8, 8, 8, 2, 8, 8, 8, 8, 8, 2], batches.Select(batch => batch.Images.Length));
        Assert.Equal([5, 5, 5, 5, 5, 1, 5, 5, 5, 5, 5, 1], batches.Select(batch => batch.Images.Count(number => number >= 0)));
        foreach (var (images, labels) in batches)
        {
            for (var i = 0; i < images.Length; i++)
                if (images[i] >= 0) Assert.Equal((long)images[i] % 3, labels[i]);
        }
        // Training images come once an epoch, others in the next; auxiliary ones come from all of the set.
        foreach (var epoch in batches.Chunk(6))
            Assert.Equal(16, epoch.SelectMany(batch => batch.Images).Where(number => number < 0).Distinct().Count());
        Assert.InRange(batches.SelectMany(batch => batch.Images).Where(number => number >= 0).Distinct().Count(), 35, 52);
        Assert.InRange(batches.SelectMany(batch => batch.Images).Max(), 100, 199);
    }

    [Fact]
    public void The_teacher_labels_them_once_and_the_noise_of_their_own_labels_is_reported()
    {
        using var scope = NewDisposeScope();
        using var extra = Numbered(200, _ => 1);
        // Dark images are of class 2, bright ones of class 1.
        using var teacher = new FunctionNetwork(x =>
        {
            var bright = x.mean([1, 2, 3]);
            return stack([bright * 0 + 0.3, bright, 0.9 - 2 * bright], 1);
        });
        teacher.eval();
        var answers = teacher.call(extra.Batch(0, 200).Images).softmax(1);
        var (top, classes) = answers.max(1);
        var expected = classes.data<long>().ToArray();
        Assert.InRange(expected.Distinct().Count(), 2, 3);
        var disagreement = expected.Count(label => label != 1) / 200.0;

        var batches = Watch(Plain with { Auxiliary = new(extra) { TeacherLabels = true } }, out var result, teacher).Batches;
        foreach (var (images, labels) in batches)
        {
            for (var i = 0; i < images.Length; i++)
                if (images[i] >= 0) Assert.Equal(expected[(int)images[i]], labels[i]);
        }
        Assert.Equal((200, disagreement), (result.AuxiliaryLabels!.Images, result.AuxiliaryLabels.Disagreement));
        Assert.Equal(top.mean().item<float>(), result.AuxiliaryLabels.Confidence, 1e-6);

        // Their own labels, and a teacher that the method does not need: it is not asked.
        Assert.All(Watch(Plain with { Auxiliary = new(extra) }, out result, teacher).Batches.SelectMany(batch =>
            batch.Images.Zip(batch.Labels)).Where(image => image.First >= 0), image => Assert.Equal(1, image.Second));
        Assert.Null(result.AuxiliaryLabels);
        using var data = TrainerTests.Data();
        using var student = Spec.Build(3);
        result = Trainer.Fit(new(student, teacher), TrainerTests.Ard, data, Options with { Epochs = 1, Auxiliary = new(extra) });
        Assert.Equal(disagreement, result.AuxiliaryLabels!.Disagreement);
        Assert.Contains($"Auxiliary labels: {result.AuxiliaryLabels}.", ModelCard.Create(student, result).ToMarkdown());
        Assert.Contains($"of 200 auxiliary images the teacher sees {100 * disagreement:F1} %", $"{result.AuxiliaryLabels}");
    }

    // Says nothing of any image, and tells of batches with auxiliary images, which are of one value each.
    private static FunctionNetwork Telling(Action seen)
    {
        var teacher = new FunctionNetwork(images =>
        {
            if (images.flatten(1).eq(images[.., 0, 0, 0..1]).all(1).any().item<bool>()) seen();
            return images.flatten(1)[.., 0..3] * 0;
        });
        teacher.eval();
        return teacher;
    }

    private static byte[] Label(
        Module<Tensor, Tensor> teacher, TrainingOptions options, CancellationToken cancellation = default,
        Action<TrainingProgress>? see = null)
    {
        using var scope = NewDisposeScope();
        using var extra = Numbered(200, n => n % 3);
        using var data = TrainerTests.Data(60);
        using var student = Spec.Build(seed: 3);
        Trainer.Fit(
            new(student, teacher), new Natural(), data, options with { Auxiliary = new(extra) { TeacherLabels = true } },
            progress: see is null ? null : new Observer(see), cancellation: cancellation);
        return Bytes(student);
    }

    [Fact]
    public void A_teacher_that_is_refused_is_asked_for_no_labels()
    {
        var asked = 0;
        using var teacher = Telling(() => asked++);
        Assert.Contains("the teacher gets 20 of 60 training images right", Assert.Throws<ArgumentException>(
            () => Label(teacher, Plain with { AcceptTeacherNearChance = false })).Message);
        Assert.Equal(0, asked);
    }

    [Fact]
    public void Cancelled_while_the_teacher_labels_the_training_stops_at_the_next_batch_and_keeps_its_checkpoint()
    {
        var asked = 0;
        var source = new CancellationTokenSource();
        using var teacher = Telling(() => asked++);
        using var cancelling = Telling(() =>
        {
            asked++;
            source.Cancel();
        });
        var whole = Label(teacher, Plain);
        Assert.Equal(25, asked);
        var options = Plain with { CheckpointFolder = folder, Resume = true };
        Assert.Throws<OperationCanceledException>(() => Label(teacher, options, source.Token, progress =>
        {
            if (progress is { Epoch: 2, Step: 3, EpochEnded: false }) source.Cancel();
        }));
        (asked, source) = (0, new());
        Assert.Throws<OperationCanceledException>(() => Label(cancelling, options, source.Token));
        Assert.Equal(1, asked);
        var epochs = 0;
        Assert.Equal(whole, Label(teacher, options, see: progress => epochs += progress.EpochEnded ? 1 : 0));
        Assert.Equal(1, epochs);
    }

    [Fact]
    public void What_fails_in_a_rank_or_is_cancelled_in_it_while_the_teacher_labels_ends_all_alike()
    {
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(3, group =>
        {
            using var teacher = Telling(() =>
            {
                if (group.Rank == 1) throw new InvalidOperationException("no memory");
            });
            return Label(teacher, Plain with { Group = group });
        }));
        Assert.Equal(["In the process of rank 1: no memory", "In the process of rank 1: no memory", "no memory"],
            failure.InnerExceptions.Select(each => each.Message).Order(StringComparer.Ordinal));

        failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(3, group =>
        {
            using var source = new CancellationTokenSource();
            using var teacher = Telling(() =>
            {
                if (group.Rank == 1) source.Cancel();
            });
            return Label(teacher, Plain with { Group = group }, source.Token);
        }));
        Assert.Equal(3, failure.InnerExceptions.OfType<OperationCanceledException>().Count());
    }

    [Fact]
    public void Labels_with_which_the_teacher_agrees_as_chance_does_are_warned_of()
    {
        using var scope = NewDisposeScope();
        using var teacher = Teacher();
        using var images = Numbered(200, _ => 0);
        var classes = teacher.call(images.Batch(0, 200).Images).argmax(1).data<long>().ToArray();
        using var shifted = Numbered(200, n => (classes[n] + 1) % 3);
        using var right = Numbered(200, n => classes[n]);
        Trained(Options with { Epochs = 1, Auxiliary = new(shifted) }, out var result);
        Assert.Contains(result.Warnings, warning => warning.Contains("are the classes in another order?"));
        Trained(Options with { Epochs = 1, Auxiliary = new(right) }, out result);
        Assert.Equal(0, result.AuxiliaryLabels!.Disagreement);
        Assert.DoesNotContain(result.Warnings, warning => warning.Contains("in another order?"));
    }

    [Fact]
    public void From_a_mapped_file_the_training_is_the_same_bit_for_bit()
    {
        using var extra = TrainerTests.Data(30, seed: 8);
        var path = Path.Combine(folder, "extra");
        extra.Save(path);
        var mapped = AuxiliaryData.Load(path, extra.ClassNames);
        using (mapped.Images)
        {
            Assert.NotNull(mapped.Images!.MappedFrom);
            var expected = Trained(Options with { Auxiliary = new(extra) { TeacherLabels = true } }, out _);
            Assert.Equal(expected, Trained(Options with { Auxiliary = mapped with { TeacherLabels = true } }, out _));
        }
    }

    [Fact]
    public void Labels_go_by_the_names_of_the_classes_where_these_are_the_same()
    {
        using var scope = NewDisposeScope();
        using var extra = TrainerTests.Data(30, seed: 8);
        // 0, 1, 2 of a, b, c are 1, 2, 0 of c, a, b.
        using var turned = new ImageDataset(extra.Images.clone(), (extra.Labels + 1).remainder(3), ["c", "a", "b"]);
        using var unnamed = new ImageDataset(extra.Images.clone(), extra.Labels.clone(), ["0", "1", "2"]);
        var expected = Trained(Options with { Auxiliary = new(extra) }, out var result);
        Assert.Equal(expected, Trained(Options with { Auxiliary = new(turned) }, out var again));
        Assert.Equal(expected, Trained(Options with { Auxiliary = new(unnamed) }, out _));
        Assert.Equal(result.AuxiliaryLabels, again.AuxiliaryLabels);

        // Some of the classes alone: 0 and 1 of c, a are 2 and 0.
        var some = extra.Labels.ne(1).nonzero().flatten();
        using var part = extra.Subset(some);
        using var fewer = new ImageDataset(part.Images.clone(), part.Labels.eq(0).to(ScalarType.Int64), ["c", "a"]);
        Assert.Equal(Trained(Options with { Auxiliary = new(part) }, out _), Trained(Options with { Auxiliary = new(fewer) }, out _));
    }

    [Fact]
    public void A_checkpoint_goes_on_with_the_same_set_only()
    {
        using var extra = TrainerTests.Data(30, seed: 8);
        using var other = TrainerTests.Data(30, seed: 9);
        var options = Options with { CheckpointFolder = folder, Resume = true, Auxiliary = new(extra) { TeacherLabels = true } };
        Trained(options, out _);
        var fault = Assert.ThrowsAny<Exception>(() => Trained(options with { Auxiliary = new(other) { Share = 0.5 } }, out _));
        Assert.Contains("auxiliary pixels: ", fault.Message);
        Assert.Contains("Auxiliary.Share: 0.7 in the file, 0.5 given", fault.Message);
        Assert.Contains("Auxiliary.TeacherLabels: True in the file, False given", fault.Message);
    }

    [Fact]
    public void Kept_teacher_logits_are_those_of_auxiliary_images_too()
    {
        using var extra = TrainerTests.Data(30, seed: 8);
        var options = Plain with { Epochs = 3, Augmentation = new Augmentation(0, true), Auxiliary = new(extra) };
        Assert.InRange(TrainingExtrasTests.Ask(options with { CacheTeacherLogits = true }).Difference, 0, 1e-5);
        // 20 training images a pass: all 50 in two variants are more than three epochs see, and fewer than six.
        Assert.Equal(60, TrainingExtrasTests.Ask(options).Images);
        Assert.Equal(100, TrainingExtrasTests.Ask(options with { Epochs = 6 }).Images);
    }

    [Fact]
    public void What_does_not_fit_is_one_error_before_anything_is_computed()
    {
        using var data = TrainerTests.Data();
        using var student = Spec.Build(3);
        var large = new ImageDataset(zeros(5, 3, 8, 9), zeros(5, ScalarType.Int64), ["a", "d"]);
        using (large)
        {
            var options = Options with { Auxiliary = new(large) { TeacherLabels = true } };
            var fault = Assert.Throws<ArgumentException>(() => Trainer.Fit(student, new Natural(), data, options));
            Assert.Contains("Auxiliary.Images are [3,8,9], expected [1,8,8] as the training images", fault.Message);
            Assert.Contains("Auxiliary.Images have 2 classes, expected 3", fault.Message);
            Assert.Contains("TeacherLabels is set and Teacher is missing", fault.Message);
        }
        Assert.Contains("Auxiliary.Share is 1, expected a number from 0 and below 1", Assert.Throws<ArgumentException>(
            (Options with { Auxiliary = new(data) { Share = 1 } }).Validate).Message);
    }

    [Fact]
    public void Generated_images_are_read_as_they_are_published_with_labels_or_without()
    {
        var all = AuxiliaryData.Load(Fixture("packed.npz"), ["a", "b", "c"]);
        using (all.Images)
        {
            Assert.Equal([4L, 3, 4, 5], all.Images!.Shape);
            Assert.True(all.Images.IsLabelled);
        }
        // The split for training, where names tell.
        using (var train = AuxiliaryData.Load(Fixture("mnist-like.npz"), ["a", "b", "c", "d"]).Images!)
            Assert.Equal([3, 0, 1, 2], train.Labels.data<long>().ToArray());

        File.Copy(Fixture("channels_last.npy"), Path.Combine(folder, "image.npy"));
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        AuxiliaryData.Load(folder, ["a", "b", "c"]).Images!.Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
        var bare = AuxiliaryData.Load(folder, ["a", "b", "c"]);
        using (bare.Images)
        {
            Assert.False(bare.Images!.IsLabelled);
            Assert.Contains("Auxiliary: Images have no labels", Assert.Throws<ArgumentException>(
                (Options with { Auxiliary = bare }).Validate).Message);
            (Options with { Auxiliary = bare with { TeacherLabels = true } }).Validate();
            // Kept as a file.
            var path = Path.Combine(folder, "kept");
            bare.Images.Save(path);
            using var mapped = AuxiliaryData.Load(path, ["a", "b", "c"]).Images!;
            Assert.False(mapped.IsLabelled);
            Assert.NotNull(mapped.MappedFrom);
            Assert.True(bare.Images.Images.eq(mapped.Images).all().item<bool>());
        }
        Assert.Throws<DataFileException>(() => AuxiliaryData.Load(Path.Combine(folder, "nothing"), ["a", "b"]));
    }
}
