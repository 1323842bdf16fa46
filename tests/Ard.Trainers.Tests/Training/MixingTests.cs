using Ard.Trainers.Tests.Objectives;
using static Ard.Trainers.Tests.Training.TrainerTests;

namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class MixingTests
{
    [Theory]
    // A quarter of 4x6 is 2x3, whose halves are 1 and 1: two rows and two columns around the pixel, cut off at the border.
    [InlineData(2, 3, 1, 2, 2, 2)]
    [InlineData(0, 0, 0, 0, 1, 1)]
    [InlineData(3, 5, 2, 4, 2, 2)]
    [InlineData(0, 4, 0, 3, 1, 2)]
    public void A_box_of_CutMix_and_its_labels_are_as_worked_out_by_hand(
        int row, int column, int top, int left, int rows, int columns)
    {
        using var scope = NewDisposeScope();
        var (mixed, share) = CutMixing.Paste(zeros(2, 3, 4, 6), ones(2, 3, 4, 6), 0.75, row, column);
        var expected = zeros(2, 3, 4, 6);
        expected[.., .., top..(top + rows), left..(left + columns)] = tensor(1f);
        Compare.Same(expected, mixed, "pixels");
        Assert.Equal(1 - rows * columns / 24.0, share, 1e-15);
    }

    [Fact]
    public void Nothing_and_everything_may_be_pasted()
    {
        using var scope = NewDisposeScope();
        Assert.Equal(1, CutMixing.Paste(zeros(1, 1, 8, 8), ones(1, 1, 8, 8), 1, 3, 3).Share);
        Assert.Equal(0, CutMixing.Paste(zeros(1, 1, 8, 8), ones(1, 1, 8, 8), 0, 4, 4).Share);
    }

    [Fact]
    public void MixUp_is_as_worked_out_by_hand()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var images = tensor([0.0, 0.4, 0.8, 1.0]).view(2, 1, 1, 2);
        var (mixed, share) = new MixUpMixing().Mix(images, images.flip(0), 0.25, generator);
        Compare.Close(tensor([0.6, 0.85, 0.2, 0.55]).view(2, 1, 1, 2), mixed, 1e-15, "pixels");
        Assert.Equal(0.25, share);
    }

    public static TheoryData<Mixing> Both => [Mixing.CutMix(), Mixing.MixUp(), Mixing.CutMix(0.3), Mixing.MixUp(4)];

    [Theory]
    [MemberData(nameof(Both))]
    public void The_labels_are_mixed_as_the_images_are(Mixing mixing)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        // Every pixel of an image says of which class it is: a channel a class.
        var labels = tensor(new long[] { 0, 1, 2, 3, 3, 1 });
        var images = functional.one_hot(labels, 4).to(ScalarType.Float64).view(6, 4, 1, 1).expand(6, 4, 10, 7).contiguous();
        var shares = new HashSet<double>();
        for (var round = 0; round < 20; round++)
        {
            var (mixed, soft) = mixing.Apply(images, labels, 4, generator);
            Compare.Close(mixed.mean([2, 3]), soft, 1e-12, "shares of the classes");
            Compare.Close(ones(6, ScalarType.Float64), soft.sum(1), 1e-12, "sums");
            shares.Add(soft.square().sum().item<double>());
            if (mixing is CutMixing) Assert.True(mixed.eq(0).logical_or(mixed.eq(1)).all().item<bool>(), "a pixel of both");
        }
        Assert.InRange(shares.Count, 8, 20);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.2)]
    [InlineData(5)]
    public void The_share_is_of_the_beta_distribution_and_the_generator_alone_decides_it(double alpha)
    {
        using var generator = new Generator(3);
        double[] Draw() => [.. Enumerable.Range(0, 4000).Select(_ => Mixing.MixUp(alpha).Share(generator))];
        var shares = Draw();
        var variance = 1 / (4 * (2 * alpha + 1));
        // Five deviations.
        Assert.InRange(shares.Average(), 0.5 - 5 * Math.Sqrt(variance / 4000), 0.5 + 5 * Math.Sqrt(variance / 4000));
        Assert.Equal(variance, shares.Select(x => (x - 0.5) * (x - 0.5)).Average(), 0.1 * variance);
        generator.manual_seed(3);
        random.manual_seed(12345);
        Assert.Equal(shares, Draw());
    }

    public static TheoryData<string> Methods => [.. ObjectiveCatalog.Names, "adaad+igdm", "trades+awp", "mart+awp"];

    private static Objective Method(string name) => ObjectiveCatalog.ByName(
        name, ObjectiveCatalog.Applicable(name, new() { Threat = ThreatModel.Linf(0.1), Steps = 2, Alpha = 0.7, Replays = 2 }));

    [Theory]
    [MemberData(nameof(Methods))]
    public void Each_method_trains_on_mixed_images_or_refuses_by_name(string method)
    {
        var options = Small.Options with { Mixing = Mixing.CutMix() };
        if (method.StartsWith("mart", StringComparison.Ordinal))
        {
            var fault = Assert.Throws<ArgumentException>(() => Small.Train(Method(method), options));
            Assert.Contains($"Mixing is set, and the objective {method} needs a class for each image", fault.Message);
            return;
        }
        var (result, weights) = Small.Train(Method(method), options);
        Assert.All(result.History, epoch => Assert.True(double.IsFinite(epoch.Loss)));
        var (_, plain) = Small.Train(Method(method), Small.Options);
        Assert.Contains(weights, pair => !pair.Value.Equals(plain[pair.Key]));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void With_the_shares_of_one_class_alone_each_loss_is_that_of_the_class(string method)
    {
        if (method.StartsWith("mart", StringComparison.Ordinal)) return;
        using var scope = NewDisposeScope();
        Assert.Equal(Loss(soft: false), Loss(soft: true), 1e-10);

        double Loss(bool soft)
        {
            var images = Small.Images(6, 1);
            var labels = Small.Labels(6);
            using var generator = new Generator(1);
            var batch = new TrainingBatch
            {
                Student = Small.Network(2),
                Teacher = Small.Network(3, teacher: true),
                NaturalTeacher = Small.Network(4, teacher: true),
                Peer = Small.Network(5),
                Images = images,
                Labels = labels,
                SoftLabels = soft ? functional.one_hot(labels, 4).to(ScalarType.Float64) : null,
                Generator = generator,
                LabelSmoothing = 0.1,
                Epoch = 7,
                Epochs = 10,
            };
            return Method(method).Loss(batch).item<double>();
        }
    }

    [Fact]
    public void Cross_entropy_trust_and_linearised_teacher_take_the_shares()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var soft = tensor([0.3, 0, 0.7, 0, 0, 0.5, 0, 0.5]).view(2, 4);
        var batch = new TrainingBatch
        {
            Student = Small.Network(2),
            Images = Small.Images(2, 1),
            Labels = Small.Labels(2),
            SoftLabels = soft,
            Generator = generator,
        };
        var logits = empty([2, 4], dtype: ScalarType.Float64).normal_(0, 2, generator);
        Compare.Close(-(soft * logits.log_softmax(1)).sum(1).mean(), batch.CrossEntropy(logits), 1e-12, "cross-entropy");
        Compare.Close(
            (soft * logits.softmax(1)).sum(1).sqrt(), new TeacherTrust { Exponent = 0.5 }.Weights(logits, batch), 1e-12, "trust");
        batch.Report(logits);
        Assert.Equal(logits.argmax(1).eq(soft.argmax(1)).sum().item<long>(), batch.RightAnswers!.item<long>());
        Assert.Contains("has to be trained without Mixing",
            Assert.Throws<InvalidOperationException>(() => batch.Labels).Message);
    }

    [Fact]
    public void Kept_teacher_logits_and_mixing_are_refused_together() =>
        Assert.Contains("CacheTeacherLogits is set with Mixing", Assert.Throws<ArgumentException>((Options with
        {
            Mixing = Mixing.MixUp(-1),
            CacheTeacherLogits = true,
            Augmentation = Augmentation.None,
        }).Validate).Message);
}
