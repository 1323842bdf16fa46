namespace Ard.Trainers.Tests.Training;

public sealed class BestEpochTests
{
    // One pixel an image: class 1 above one half. A student that says class 1 above t gets an image right under attack where the image is
    // further than the budget from t.
    private static ImageDataset Data()
    {
        byte[] pixels = [77, 89, 102, 115, 122, 133, 140, 153, 166, 179];
        return new ImageDataset(
            tensor(pixels).view(10, 1, 1, 1), tensor(pixels.Select(pixel => pixel > 127 ? 1L : 0).ToArray()), ["dark", "bright"]);
    }

    private static TrainingResult Train(
        double[] thresholds, ThreatModel? threat, TrainingOptions? options = null, ImageDataset? validation = null)
    {
        using var data = Data();
        using var student = Sequential(Flatten(), Linear(1, 2));
        return Trainer.Fit(student, new Scripted(thresholds, threat), data, (options ?? new()) with
        {
            Epochs = thresholds.Length,
            BatchSize = 10,
            Augmentation = Augmentation.None,
            Optimizer = new SgdOptimizer { LearningRate = 1e-9, WeightDecay = 0, Momentum = 0 },
            Validation = (options ?? new()).Validation with { Attacks = ["fgsm"] },
            Device = "cpu",
        }, validation ?? data);
    }

    private static (double, double)[] Judged(TrainingResult result) => [.. result.History.Select(epoch =>
        (Math.Round(epoch.ValidationAccuracy!.Value, 3), Math.Round(epoch.RobustValidationAccuracy!.Value, 3)))];

    [Fact]
    public void Of_epochs_that_are_level_under_attack_a_more_accurate_one_is_kept_and_then_the_later()
    {
        var result = Train([0.42, 0.5, 0.5, 0.58], ThreatModel.Linf(0.3));
        Assert.Equal([(0.8, 0), (1, 0), (1, 0), (0.8, 0)], Judged(result));
        Assert.Equal((3, 3), (result.BestEpoch, result.KeptEpoch));
    }

    [Fact]
    public void The_last_epoch_is_kept_that_is_within_one_standard_error_of_the_best()
    {
        // 7 of 10 right under attack, then 6, then 1: a standard error is 1.45 of 10, and of the same images a hundred times 0.145.
        double[] thresholds = [0.43, 0.5, 0.3];
        var result = Train(thresholds, ThreatModel.Linf(0.06));
        Assert.Equal([0.7, 0.6], Judged(result).Select(epoch => epoch.Item2).Take(2));
        Assert.Equal(2, result.BestEpoch);
        using var data = Data();
        using var many = new ImageDataset(data.Images.repeat(100, 1, 1, 1), data.Labels.repeat(100), data.ClassNames);
        Assert.Equal(1, Train(thresholds, ThreatModel.Linf(0.06), validation: many).BestEpoch);
        // Nor may clean accuracy be lost, not little by little either: 0.8, 0.7, then 0.6.
        Assert.Equal(2, Train([0.42, 0.37, 0.33], ThreatModel.Linf(0.4)).BestEpoch);
        Assert.Equal(1, Train([0.5, 0.42], ThreatModel.Linf(0.3)).BestEpoch);
        // A higher one under attack that is level does not make up for what it loses on clean images, in whichever order they come.
        Assert.Equal(2, Train([0.43, 0.5], ThreatModel.Linf(0.06)).BestEpoch);
        Assert.Equal(1, Train([0.5, 0.43], ThreatModel.Linf(0.06)).BestEpoch);
    }

    [Fact]
    public void Validation_images_go_by_the_names_of_their_classes_and_those_of_other_classes_are_refused()
    {
        using var data = Data();
        using var turned = new ImageDataset(data.Images.clone(), 1 - data.Labels, ["bright", "dark"]);
        using var more = new ImageDataset(data.Images.clone(), data.Labels.clone(), ["a", "b", "c"]);
        Assert.Equal(Judged(Train([0.42, 0.5], ThreatModel.Linf(0.3))), Judged(Train([0.42, 0.5], ThreatModel.Linf(0.3), null, turned)));
        Assert.Contains("validation images have 3 classes, expected 2", Assert.Throws<ArgumentException>(
            () => Train([0.5], ThreatModel.Linf(0.3), null, more)).Message);
    }

    [Fact]
    public void Under_attack_comes_first()
    {
        var result = Train([0.2, 0.5], ThreatModel.Linf(0.25));
        Assert.Equal([(0.5, 0.5), (1, 0)], Judged(result));
        Assert.Equal(1, result.BestEpoch);
    }

    [Fact]
    public void A_method_that_meets_no_adversary_is_judged_by_clean_accuracy()
    {
        var against = new EvaluationOptions { Threat = ThreatModel.Linf(0.25) };
        var result = Train([0.2, 0.5, 0.5, 0.58], threat: null, new() { Validation = against });
        Assert.Equal([(0.5, 0.5), (1, 0), (1, 0), (0.8, 0.1)], Judged(result));
        Assert.Equal(3, result.BestEpoch);
    }

    [Theory]
    [InlineData(0.3, true)]      // nothing is left under attack
    [InlineData(0.01, false)]
    public void A_choice_that_rests_on_nothing_is_told_with_the_remedy(double epsilon, bool told)
    {
        var warnings = Train([0.5, 0.5], ThreatModel.Linf(epsilon)).Warnings;
        if (!told) Assert.Empty(warnings);
        else Assert.Contains("under attack none of 10 validation images is right", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void What_two_classes_leave_under_attack_is_no_chance()
    {
        // 4 of 10 are right under attack, fewer than chance gets.
        var result = Train([0.6, 0.5], ThreatModel.Linf(0.13));
        Assert.Equal([0.4, 0.4], Judged(result).Select(epoch => epoch.Item2));
        Assert.Empty(result.Warnings);
    }

    // Puts the student where the script says, epoch by epoch.
    private sealed class Scripted(double[] thresholds, ThreatModel? threat) : Objective
    {
        public override string Name => "scripted";

        public override ThreatModel? Threat => threat;

        public override Tensor Loss(TrainingBatch batch)
        {
            var linear = batch.Student.modules().OfType<Linear>().Single();
            var at = (float)thresholds[batch.Epoch];
            using (no_grad())
            {
                linear.weight.copy_(tensor(new[] { -10f, 10f }).view(2, 1));
                linear.bias!.copy_(tensor(new[] { 10 * at, -10 * at }));
            }
            return batch.Report(batch.Student.call(batch.Images)).sum() * 0;
        }
    }
}
