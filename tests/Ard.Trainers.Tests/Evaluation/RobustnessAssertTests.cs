namespace Ard.Trainers.Tests.Evaluation;

public sealed class RobustnessAssertTests
{
    /// <summary>A report of images of which the first so many are right.</summary>
    internal static RobustnessReport Report(int right, int images, params RobustnessFlagCode[] flags)
    {
        AttackResult Result(string name, int count) => new(
            name, [.. Enumerable.Range(0, images).Select(row => new AttackedPoint(true, row < count ? null : name, 0.1, 1, 1))])
        {
            Predictions = new long[images],
        };
        var pgd = Result("pgd-20", right);
        return new(ThreatModel.Linf(0.1), Result("clean", images), [Result("fgsm", images), pgd], pgd with { Name = "worst-case" })
        {
            Flags = [.. flags.Select(flag => new RobustnessFlag(flag, "seen", "advice"))],
        };
    }

    [Theory]
    // Wilson's interval of 191 of 500 ends at 42.53 %.
    [InlineData(191, 500, 0.425, true)]
    [InlineData(191, 500, 0.426, false)]
    // Of few images little can be said, of none nothing.
    [InlineData(0, 4, 0.45, true)]
    [InlineData(0, 5, 0.45, false)]
    [InlineData(5, 5, 1, true)]
    [InlineData(0, 0, 0, false)]
    public void It_holds_where_the_upper_end_of_the_interval_is_not_below(int right, int images, double accuracy, bool holds)
    {
        var fault = Record.Exception(() => RobustnessAssert.AtLeast(Report(right, images), accuracy));
        if (holds) Assert.Null(fault);
        else Assert.IsType<RobustnessException>(fault);
    }

    [Fact]
    public void Its_message_says_what_was_found_and_what_was_demanded() => Assert.Equal(
        "Against Linf 0.1: worst-case: 38.20 % of 500 images are right (95 % interval: 34.05 to 42.53), expected 45 % or more. "
            + "Flag: OneClass: seen. advice.",
        Assert.Throws<RobustnessException>(
            () => RobustnessAssert.AtLeast(Report(191, 500, RobustnessFlagCode.OneClass), 0.45)).Message);

    [Fact]
    public void It_fails_for_the_flags_by_which_the_figure_may_be_too_high_unless_they_are_accepted()
    {
        RobustnessFlagCode[] harmless = [RobustnessFlagCode.BudgetExceeded, RobustnessFlagCode.FewClasses, RobustnessFlagCode.NotFinite];
        foreach (var code in Enum.GetValues<RobustnessFlagCode>())
        {
            var report = Report(4, 5, code);
            var fault = Record.Exception(() => RobustnessAssert.AtLeast(report, 0.5));
            Assert.Equal(harmless.Contains(code), fault is null);
            if (fault is not null) Assert.Equal($"Against Linf 0.1: Flag: {code}: seen. advice.", fault.Message);
            RobustnessAssert.AtLeast(report, 0.5, RobustnessFlagCode.Probabilities, code);
        }
        Assert.Throws<RobustnessException>(() => RobustnessAssert.AtLeast(
            Report(4, 5, RobustnessFlagCode.ZeroGradients, RobustnessFlagCode.OneClass), 0.5, RobustnessFlagCode.ZeroGradients));
    }

    [Fact]
    public void Of_a_union_the_gate_is_what_is_right_against_all()
    {
        // Each alone is as good as demanded; of 500 images 200 are right against both.
        var first = Report(300, 500);
        var second = Report(400, 500, RobustnessFlagCode.OneClass) with { Threat = ThreatModel.L2(0.5) };
        var other = new AttackResult("worst-case", [.. Enumerable.Range(0, 500).Select(
            row => new AttackedPoint(true, row < 100 ? "pgd-20" : null, 0.4, 1, 1))])
        { Predictions = new long[500] };
        var union = RobustnessUnion.Combine(first, second with { WorstCase = other });
        Assert.Equal(200, union.WorstCase.CorrectCount);
        RobustnessAssert.AtLeast(first, 0.5);
        RobustnessAssert.AtLeast(union, 0.4, RobustnessFlagCode.OneClass);
        Assert.Equal(
            "Against Linf 0.1, L2 0.5: union: 40.00 % of 500 images are right (95 % interval: 35.80 to 44.35), expected 50 % or more. "
                + "Flag: OneClass: seen. advice.",
            Assert.Throws<RobustnessException>(() => RobustnessAssert.AtLeast(union, 0.5)).Message);
    }

    [Theory]
    [InlineData(45)]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    public void An_accuracy_that_is_no_share_is_refused(double accuracy) => Assert.Contains(
        "expected a share from 0 to 1, such as 0.45",
        Assert.Throws<ArgumentOutOfRangeException>(() => RobustnessAssert.AtLeast(Report(1, 1), accuracy)).Message);
}
