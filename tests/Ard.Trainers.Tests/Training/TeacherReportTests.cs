namespace Ard.Trainers.Tests.Training;

[Collection("global random state")]
public sealed class TeacherReportTests
{
    private static Module<Tensor, Tensor> Shuffled(Module<Tensor, Tensor> network) => new FunctionNetwork(
        images => network.call(images).index_select(1, tensor(new long[] { 7, 8, 1, 5, 3, 4, 2, 0, 9, 6 })));

    // Logits that do not depend on the image.
    private static Module<Tensor, Tensor> Saying(params float[] logits) => new FunctionNetwork(
        images => tensor(logits).expand(images.shape[0], logits.Length) + 0 * images.sum([1, 2, 3]).unsqueeze(1));

    [Fact]
    public void A_robust_a_natural_and_a_robust_teacher_of_shuffled_classes_are_told_apart_before_any_training()
    {
        using var data = Glyphs.Generate(4000, seed: 1);
        using var robust = ModelFile.Import(Shared.InRepository("examples/notebooks/glyph-teacher.pt")).Network;
        using var natural = (NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = Glyphs.ImageSize }).Build(seed: 1);
        using (var some = data.Take(500))
        {
            Trainer.Fit(natural, Objective.Natural(), some, new()
            {
                Epochs = 5,
                BatchSize = 25,
                Optimizer = new SgdOptimizer { LearningRate = 0.1 },
                Schedule = Schedule.OneCycle(),
                Augmentation = Augmentation.None,
                ValidationFraction = 0,
                Device = "cpu",
            });
        }

        var good = TeacherReport.Measure(robust, data, student: natural);
        Assert.Null(good.Warning);
        Assert.InRange(good.RobustAccuracy!.Value, 0.5, good.CleanAccuracy);
        var frail = TeacherReport.Measure(natural, data, student: robust);
        Assert.InRange(frail.CleanAccuracy, 0.5, 1);
        Assert.Contains("it has no robustness that a student could learn from it", frail.Warning);
        var shuffled = TeacherReport.Measure(Shuffled(robust), data);
        Assert.Contains("its classes are in another order than the labels' (disk, ring, square, frame, …)", shuffled.Warning);
        Assert.Equal(good.CleanEntropy, shuffled.CleanEntropy, 1e-5);
        // What deceives the robust network deceives the other one too, and hardly the other way round.
        Assert.InRange(good.TransferShare!.Value, 0, 0.5);
        Assert.InRange(frail.TransferShare!.Value, 0.5, 1);
        Assert.Matches(@"^200 training images: \d+\.\d % right, \d+\.\d % under PGD-10 \(Linf 0\.1\); entropy \d\.\d\d, under attack "
            + @"\d\.\d\d, at most 2\.30; calibration error \d+\.\d %; \d+\.\d % of the student's adversarial examples deceive it too; "
            + @"entropy \d\.\d\d where the student fails$", $"{good}");
        using var json = JsonDocument.Parse(good.ToJson());
        Assert.Equal(good.RobustAccuracy, json.RootElement.GetProperty("robustAccuracy").GetDouble());
        Assert.Equal("Linf", json.RootElement.GetProperty("threat").GetProperty("norm").GetString());
    }

    [Fact]
    public void A_network_as_its_own_student_is_deceived_by_all_of_its_adversarial_examples()
    {
        using var data = TrainerTests.Data(60);
        using var network = TrainerTests.Spec.Build(99);
        Trainer.Fit(network, Objective.Natural(), data, TrainerTests.Options with { ValidationFraction = 0 });
        var report = TeacherReport.Measure(network, data, ThreatModel.Linf(0.3), network);
        Assert.InRange(report.RobustAccuracy!.Value, 0, 0.7);
        Assert.Equal(1, report.TransferShare);
        // Nothing may be done to the images: what it gets right, it gets right.
        var idle = TeacherReport.Measure(network, data, ThreatModel.Linf(0), network);
        Assert.Equal((idle.CleanAccuracy, idle.CleanEntropy), (idle.RobustAccuracy!.Value, idle.RobustEntropy!.Value));
        Assert.Null(idle.TransferShare);
    }

    [Fact]
    public void What_carries_over_is_counted_of_all_points_that_deceive_the_student()
    {
        // Images of one value, bright ones of class 1. The student moves them by 0.1 towards and over its threshold of 0.5.
        (double Value, long Label)[] images =
        [
            (0.2, 0), (0.9, 1),     // out of the adversary's reach: no adversarial examples
            (0.45, 0), (0.42, 0),   // at 0.55 and 0.52 the student is wrong, and the teacher at the first only
            (0.56, 1),              // at 0.46 both are wrong; the teacher, whose threshold is 0.54, got it right
            (0.53, 1),              // the teacher is wrong anyway, and stays so
            (0.3, 1), (0.7, 0),     // labels that both get wrong, the first at 0.2, the second at 0.8
        ];
        using var scope = NewDisposeScope();
        var values = tensor(images.Select(image => image.Value).ToArray(), ScalarType.Float32);
        using var data = new ImageDataset(
            values.view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous(), tensor(images.Select(image => image.Label).ToArray()),
            ["dark", "light"]);
        var report = TeacherReport.Measure(Threshold(0.54), data, ThreatModel.Linf(0.1), Threshold(0.5));
        Assert.Equal(5 / 6.0, report.TransferShare!.Value, 1e-12);
        // Logits 0 and 2 (v - 0.54) of each point.
        Assert.Equal(
            new[] { 0.55, 0.52, 0.46, 0.43, 0.2, 0.8 }.Average(value => Binary(1 / (1 + Math.Exp(-2 * (value - 0.54))))),
            report.UnlearnedEntropy!.Value, 1e-6);
        Assert.Null(TeacherReport.Measure(Threshold(0.54), data, ThreatModel.Linf(0), Threshold(0.5)).TransferShare);

        static double Binary(double p) => -p * Math.Log(p) - (1 - p) * Math.Log(1 - p);

        static Module<Tensor, Tensor> Threshold(double at) => new FunctionNetwork(images =>
        {
            var bright = 2 * (images.mean([1, 2, 3]) - at);
            return stack([0 * bright, bright], 1);
        });
    }

    [Fact]
    public void A_network_of_more_or_fewer_outputs_than_classes_is_refused()
    {
        using var data = TrainerTests.Data(60);
        using var teacher = TrainerTests.Teacher();
        foreach (var odd in new[] { Saying(4, 0, 0, 0), Saying(4, 0) })
        {
            Assert.Contains("outputs", Assert.Throws<ArgumentException>(() => TeacherReport.Measure(odd, data)).Message);
            Assert.Contains("outputs", Assert.Throws<ArgumentException>(() => TeacherReport.Measure(teacher, data, student: odd)).Message);
        }
    }

    [Fact]
    public void The_entropy_is_that_of_the_answers()
    {
        using var data = TrainerTests.Data(60);
        var sure = TeacherReport.Measure(Saying(40, 0, 0), data);
        Assert.Equal((0, Math.Log(3)), (Math.Round(sure.CleanEntropy, 12), sure.LargestEntropy));
        // One half, a quarter, a quarter; a third of the images is of the first class.
        var half = TeacherReport.Measure(Saying(MathF.Log(2), 0, 0), data);
        Assert.Equal(1.5 * Math.Log(2), half.CleanEntropy, 1e-6);
        Assert.Equal(half.CleanEntropy, half.RobustEntropy!.Value, 1e-6);
        Assert.Equal(1.0 / 2 - 1.0 / 3, half.CalibrationError, 1e-6);
    }

    [Fact]
    public void A_teacher_whose_answers_are_nearly_uniform_is_warned_of()
    {
        using var data = TrainerTests.Data(60);
        Assert.Null(TeacherReport.Measure(Corners(4), data, ThreatModel.Linf(0.01)).Warning);
        Assert.Contains(
            "they are nearly the same for every class", TeacherReport.Measure(Corners(0.1), data, ThreatModel.Linf(0.01)).Warning);

        static Module<Tensor, Tensor> Corners(double scale) => new FunctionNetwork(images => scale * stack(
            [images[.., 0, ..4, ..4], images[.., 0, ..4, 4..], images[.., 0, 4.., ..4]], 1).mean([2, 3]));
    }

    [Fact]
    public void The_calibration_error_of_a_case_worked_out_by_hand()
    {
        // Confidences 0.9, 0.92 (one bin of 15: (13/15, 14/15]), 0.6 = 9/15, which ends its bin, and 0.65 in the next one.
        double[] confidences = [0.9, 0.92, 0.6, 0.65];
        bool[] right = [true, false, false, true];
        using var scope = NewDisposeScope();
        var logits = tensor(confidences.SelectMany(p => new[] { Math.Log(p), Math.Log(1 - p) }).ToArray(), ScalarType.Float64).view(4, 2);
        var labels = tensor(right.Select(each => each ? 0L : 1L).ToArray());
        var expected = (Math.Abs(1 - 0.9 - 0.92) + 0.6 + (1 - 0.65)) / 4;
        Assert.Equal(expected, TeacherReport.ExpectedCalibrationError(logits, labels), 1e-6);
    }

    [Fact]
    public void The_images_that_are_looked_at_do_not_follow_the_order_of_the_classes()
    {
        // Class i mod 10: every twentieth is of the first class.
        using var data = Glyphs.Generate(4000, seed: 1);
        var report = TeacherReport.Measure(Saying(1, 0, 0, 0, 0, 0, 0, 0, 0, 0), data);
        Assert.InRange(report.CleanAccuracy, 0.02, 0.2);
        Assert.Equal(report.CleanAccuracy, TeacherReport.Measure(Saying(1, 0, 0, 0, 0, 0, 0, 0, 0, 0), data).CleanAccuracy);
        Assert.Equal(3, TeacherReport.Measure(Saying(1, 0, 0, 0, 0, 0, 0, 0, 0, 0), data, images: 3).Images);
        Assert.Throws<ArgumentException>(() => TeacherReport.Measure(Saying(1, 0), data, images: 0));
    }

    [Fact]
    public void A_teacher_that_can_only_be_asked_is_not_attacked()
    {
        using var data = TrainerTests.Data(60);
        using var network = TrainerTests.Teacher();
        using var asked = BlackBox.FromScores("teacher", network.call);
        var report = TeacherReport.Measure(asked, data, student: network);
        Assert.Null(report.Threat);
        Assert.Null(report.RobustAccuracy ?? report.RobustEntropy ?? report.TransferShare);
        Assert.DoesNotContain("PGD", $"{report}");
    }

    [Fact]
    public void A_training_tells_what_it_found_of_its_teacher_once_and_keeps_it_with_what_carried_over()
    {
        var told = new List<TeacherReport?>();
        TrainerTests.Trained(TrainerTests.Options, out var result, see: progress => told.Add(progress.Teacher));
        Assert.NotNull(told[0]);
        Assert.All(told[1..], Assert.Null);
        Assert.Null(told[0]!.TransferShare ?? told[0]!.UnlearnedEntropy);
        // The student has something left to learn, so that there is an entropy of it.
        Assert.Equal(told[0], result.Teacher! with { TransferShare = null, UnlearnedEntropy = null });
        Assert.NotNull(result.Teacher!.UnlearnedEntropy);

        using var student = TrainerTests.Spec.Build(3);
        var card = ModelCard.Create(student, result);
        Assert.Contains($"The teacher, on {result.Teacher}.", card.ToMarkdown());
        var page = new HtmlReport("page") { Models = [new("student") { Training = result }] }.ToHtml();
        Assert.Contains($"The teacher, on {result.Teacher}.".Replace("'", "&#39;"), page);

        TrainerTests.Trained(TrainerTests.Options, out var alone, objective: Objective.Natural());
        Assert.Null(alone.Teacher);
    }
}
