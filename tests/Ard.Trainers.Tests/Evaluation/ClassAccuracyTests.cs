namespace Ard.Trainers.Tests.Evaluation;

public sealed class ClassAccuracyTests
{
    // Each image: its class, whether it is right, what broke it.
    private static RobustnessReport Report(params (long Label, bool Right, string? BrokenBy)[] images)
    {
        var clean = new AttackResult("clean", [.. images.Select(image => new AttackedPoint(image.Right, null, 0, 1, 0))])
        {
            Predictions = [.. images.Select(image => image.Right ? image.Label : -1)],
        };
        var worst = new AttackResult(
            "worst-case",
            [.. images.Select(image => new AttackedPoint(image.Right, image.BrokenBy, image.BrokenBy is null ? 0 : 0.1, 3, null))])
        {
            Predictions = [.. images.Select(image => image.BrokenBy is null ? image.Right ? image.Label : -1 : 7)],
        };
        return new RobustnessReport(ThreatModel.Linf(0.1), clean, [worst with { Name = "fgsm" }], worst)
        {
            Labels = [.. images.Select(image => image.Label)],
        };
    }

    [Fact]
    public void Each_class_is_counted_by_itself_and_classes_without_images_are_left_out()
    {
        var report = Report(
            (2, true, null), (0, true, "fgsm"), (2, false, null), (0, true, null), (2, true, "fgsm"), (5, true, null), (0, true, null));
        Assert.Equal(
            [(0L, 3, 3, 2), (2L, 3, 2, 1), (5L, 1, 1, 1)],
            report.Classes.Select(each => (each.Class, each.Images, each.CleanCount, each.RobustCount)));
        Assert.Equal([2 / 3.0, 1 / 3.0, 1], report.Classes.Select(each => each.Accuracy));
        Assert.Equal(ConfidenceInterval.Wilson(1, 3), report.Classes[1].Interval);
        Assert.Equal(2, report.WeakestClass!.Class);
        Assert.Equal(report.WorstCase.CorrectCount, report.Classes.Sum(each => each.RobustCount));
    }

    [Fact]
    public void Of_classes_that_are_as_weak_the_one_that_more_images_show_to_be_is_named_and_of_no_images_none()
    {
        Assert.Equal(1, Report((0, false, null), (1, true, "fgsm"), (1, false, null), (2, true, null)).WeakestClass!.Class);
        Assert.Empty(Report().Classes);
        Assert.Null(Report().WeakestClass);
    }

    [Fact]
    public void Every_image_is_a_line_of_JSON()
    {
        var file = EvaluationProblem.File("rows.jsonl");
        Report((2, true, null), (0, true, "fgsm"), (3, false, null)).SaveRows(file);
        Assert.Equal(
            [
                """{"row":0,"label":2,"predicted":2,"attacked":2,"brokenBy":null,"size":0,"forwardPasses":3,"backwardPasses":null}""",
                """{"row":1,"label":0,"predicted":0,"attacked":7,"brokenBy":"fgsm","size":0.1,"forwardPasses":3,"backwardPasses":null}""",
                """{"row":2,"label":3,"predicted":null,"attacked":null,"brokenBy":null,"size":0,"forwardPasses":3,"backwardPasses":null}""",
            ],
            File.ReadAllLines(file));
        Assert.All(File.ReadLines(file), line => JsonDocument.Parse(line).Dispose());
        RobustnessUnion.Combine(Report((2, true, null)), Report((2, true, "fgsm")) with { Threat = ThreatModel.L2(0.5) })
            .SaveRows(file + "u");
        Assert.Equal(
            [
                """{"row":0,"threat":"Linf 0.1","label":2,"predicted":2,"attacked":2,"brokenBy":null""",
                """{"row":0,"threat":"L2 0.5","label":2,"predicted":2,"attacked":7,"brokenBy":"fgsm" """.TrimEnd(),
            ],
            File.ReadLines(file + "u").Select(line => line[..line.IndexOf(",\"size", StringComparison.Ordinal)]));
    }
}
