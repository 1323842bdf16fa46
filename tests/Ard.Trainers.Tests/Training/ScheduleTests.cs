namespace Ard.Trainers.Tests.Training;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(99, 0.1)]
    [InlineData(100, 0.01)]
    [InlineData(149, 0.01)]
    [InlineData(150, 0.001)]
    [InlineData(199, 0.001)]
    public void Multi_step_drops_at_each_milestone(int epoch, double expected)
    {
        var schedule = new MultiStepSchedule([100, 150]);
        Assert.Equal(expected, schedule.LearningRate(0.1, epoch * 391L, 391, 200), 12);
        Assert.Equal(expected, schedule.LearningRate(0.1, epoch * 391L + 390, 391, 200), 12);
    }

    [Fact]
    public void Shares_are_the_papers_milestones_in_its_200_epochs_and_drop_in_every_other_training_too()
    {
        var (standard, paper) = (new RelativeMultiStepSchedule([0.5, 0.75]), new MultiStepSchedule([100, 150]));
        foreach (var steps in new[] { 1L, 7, 391 })
            for (var step = 0L; step < 200 * steps; step++)
                Assert.Equal(paper.LearningRate(0.1, step, steps, 200), standard.LearningRate(0.1, step, steps, 200));
        double At(int epochs, long step) => standard.LearningRate(0.1, step, 10, epochs);
        Assert.Equal([0.1, 0.1, 0.01, 0.01, 0.001, 0.001],
            new[] { 0L, 99, 100, 149, 150, 199 }.Select(step => Math.Round(At(20, step), 12)));
        Assert.Equal([0.1, 0.1, 0.01, 0.01, 0.001, 0.001], new[] { 0L, 4, 5, 7, 8, 9 }.Select(step => Math.Round(At(1, step), 12)));
    }

    [Fact]
    public void Shares_are_checked()
    {
        Assert.Contains("Shares are [75%, 50%]", Assert.Single(OptionsValidator.Faults(new RelativeMultiStepSchedule([0.75, 0.5]))));
        Assert.Equal(2, OptionsValidator.Faults(new RelativeMultiStepSchedule([1.5]) { Gamma = 0 }).Count());
        Assert.Single(OptionsValidator.Faults(new RelativeMultiStepSchedule([])));
        Assert.Single(OptionsValidator.Faults(new RelativeMultiStepSchedule([double.NaN])));
    }

    [Theory]
    [InlineData(99, 0.1)]
    [InlineData(100, 0.01)]
    [InlineData(150, 0.01)]
    [InlineData(199, 0.01)]
    public void In_the_released_code_the_second_drop_has_no_effect(int epoch, double expected) =>
        Assert.Equal(expected, Preset.ByName("ard-official").Options.Schedule!.LearningRate(0.1, epoch * 391L, 391, 200), 12);

    [Fact]
    public void Cosine_follows_the_closed_form_and_PyTorchs_CosineAnnealingLR()
    {
        var schedule = new CosineSchedule();
        for (var step = 0; step < 40; step++)
            Assert.Equal(0.05 * (1 + Math.Cos(Math.PI * step / 40)), schedule.LearningRate(0.1, step, 10, 4), 15);
        // PyTorch 1.13, T_max 40
        Assert.Equal(0.099845866686656404, schedule.LearningRate(0.1, 1, 10, 4), 15);
        Assert.Equal(0.00015413331334360181, schedule.LearningRate(0.1, 39, 10, 4), 15);
        Assert.Equal(0.02, (schedule with { Minimum = 0.02 }).LearningRate(0.1, 40, 10, 4), 15);
    }

    [Theory]
    // PyTorch 1.13, OneCycleLR(max_lr 0.1, total_steps 40)
    [InlineData(0, 0.0040000000000000036)]
    [InlineData(1, 0.0059443372665041183)]
    [InlineData(5, 0.045168887762882311)]
    [InlineData(11, 0.10000000000000001)]
    [InlineData(12, 0.099685611752220168)]
    [InlineData(20, 0.076601697419351536)]
    [InlineData(38, 0.00031478824777984849)]
    [InlineData(39, 3.9999999999999998e-07)]
    public void One_cycle_equals_PyTorchs_OneCycleLR(int step, double expected) =>
        Assert.Equal(expected, new OneCycleSchedule().LearningRate(0.1, step, 8, 5), 15);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void One_cycle_is_finite_and_at_most_the_base_rate_however_few_the_steps(int steps)
    {
        for (var step = 0; step < steps; step++) Assert.InRange(new OneCycleSchedule().LearningRate(0.1, step, steps, 1), 1e-9, 0.1);
    }

    [Fact]
    public void Constant_is_constant() => Assert.Equal(0.3, Schedule.Constant.LearningRate(0.3, 1234, 10, 200));

    [Theory]
    [InlineData("constant")]
    [InlineData("cosine")]
    [InlineData("onecycle")]
    [InlineData("multistep:3,5")]
    [InlineData("multistep:50%,75%")]
    [InlineData("multistep:12.5%")]
    public void The_usual_schedules_are_read_as_they_are_written(string text) => Assert.Equal(text, Schedule.Parse(text).ToString());

    [Fact]
    public void A_schedule_is_written_alike_in_any_culture_so_that_a_checkpoint_fits_on_another_machine()
    {
        Schedule[] schedules =
        [
            Schedule.MultiStep([2, 3], 0.2), Schedule.MultiStepByShare([0.5], 0.2), Schedule.Cosine(0.01), Schedule.OneCycle(0.25),
        ];
        string[] expected =
            ["multistep:2,3 gamma 0.2", "multistep:50% gamma 0.2", "cosine to 0.01", "onecycle rising 0.25 from 1/25 to 1/250000"];
        var before = CultureInfo.CurrentCulture;
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = culture;
        try
        {
            Assert.Equal(expected, schedules.Select(schedule => schedule.ToString()));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("multistep")]
    [InlineData("multistep:3,x")]
    [InlineData("multistep:")]
    [InlineData("multistep:3,50%")]
    [InlineData("multistep:-5%")]
    [InlineData("multistep:3.5")]
    [InlineData("multistep:99999999999")]
    public void Another_text_is_refused_with_those_that_there_are(string text)
    {
        var fault = Assert.Throws<FormatException>(() => Schedule.Parse(text));
        Assert.Contains($"'{text}'", fault.Message);
        Assert.Contains("onecycle", fault.Message);
    }
}
