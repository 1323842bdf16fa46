namespace Ard.Trainers.Tests.Training;

public sealed class TeacherCheckTests
{
    private static readonly TrainingOptions Options =
        TrainerTests.Options with { Epochs = 1, ValidationFraction = 0, AcceptTeacherNearChance = false };

    // Knows the corners of the images, and nothing of small changes; says class c as class (c + shift) % 3.
    private static Module<Tensor, Tensor> Teacher(int shift, double scale = 1, double brightest = 1)
    {
        var teacher = new FunctionNetwork(images =>
        {
            var corners = stack([images[.., 0, ..4, ..4], images[.., 0, ..4, 4..], images[.., 0, 4.., ..4]], 1).mean([2, 3]);
            return corners.clamp(0, brightest).roll(shift, 1) * scale;
        });
        teacher.eval();
        return teacher;
    }

    private static TrainingResult Train(Module<Tensor, Tensor> teacher, TrainingOptions? options = null, ImageDataset? images = null)
    {
        using var data = images ?? TrainerTests.Data(60);
        using var student = TrainerTests.Spec.Build(3);
        return Trainer.Fit(new(student, teacher), TrainerTests.Ard, data, options ?? Options);
    }

    [Fact]
    public void A_teacher_whose_classes_are_in_another_order_is_refused_with_the_likely_causes()
    {
        var fault = Assert.Throws<ArgumentException>(() => Train(Teacher(shift: 1)));
        Assert.StartsWith(
            "the teacher gets 0 of 60 training images right, where chance gets 33.3 %", fault.Message, StringComparison.Ordinal);
        foreach (var cause in (string[])["another order than the labels' (a, b, c)", "normalises", "[0,1]", "AcceptTeacherNearChance"])
            Assert.Contains(cause, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_goes_on_with_it_and_warns() =>
        Assert.Contains(Train(Teacher(shift: 1), Options with { AcceptTeacherNearChance = true }).Warnings,
            warning => warning.Contains("the teacher gets 0 of 60", StringComparison.Ordinal));

    [Fact]
    public void A_collapsed_teacher_is_refused() =>
        Assert.Contains(
            "gets 20 of 60", Assert.Throws<ArgumentException>(() => Train(Teacher(0, brightest: 0))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_good_teacher_is_not_spoken_of() =>
        Assert.DoesNotContain(Train(Teacher(0, scale: 4)).Warnings, warning => warning.Contains("teacher", StringComparison.Ordinal));

    [Theory]
    [InlineData(0.95, true)]
    [InlineData(0.5, false)]
    public void A_teacher_that_gets_far_fewer_right_than_the_card_in_its_file_says_is_a_warning(double said, bool warns)
    {
        var file = Path.Combine(Path.GetTempPath(), $"ard-{Guid.NewGuid():N}.safetensors");
        try
        {
            using (var network = TrainerTests.Spec.Build(99))
            {
                ModelFile.Write(file, network, new Dictionary<string, string>
                {
                    [ModelCard.MetadataName] = string.Create(
                        CultureInfo.InvariantCulture, $"{{\"evaluation\":{{\"clean\":{{\"accuracy\":{said}}}}}}}"),
                });
            }
            using var teacher = ModelFile.Read(file);
            var warnings = Train(teacher, Options with { AcceptTeacherNearChance = true, Augmentation = Augmentation.None }).Warnings;
            Assert.Equal(warns, warnings.Any(warning => warning.Contains("its card says 95 %", StringComparison.Ordinal)));
            // Whatever else the metadata holds under that name, the network can be read.
            ModelFile.Write(file, teacher, new Dictionary<string, string> { [ModelCard.MetadataName] = "[1]" });
            ModelFile.Read(file).Dispose();
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_teacher_that_is_worse_than_chance_under_attack_is_a_warning()
    {
        // The budget is the contrast of the corners.
        var inner = TrainerTests.Inner with { Threat = Ard.Trainers.Attacks.ThreatModel.Linf(0.5) };
        using var data = TrainerTests.Data(60);
        using var student = TrainerTests.Spec.Build(3);
        var ard = new AdversariallyRobustDistillation(new ArdOptions { Inner = inner });
        var result = Trainer.Fit(new(student, Teacher(0)), ard, data, Options);
        Assert.Contains(result.Warnings, warning => warning.Contains(
            "the teacher gets 0 of 60 training images right under attack (PGD-10, Linf 0.5)", StringComparison.Ordinal));
    }

    [Fact]
    public void The_second_teacher_is_looked_at_too()
    {
        using var data = TrainerTests.Data(60);
        using var student = TrainerTests.Spec.Build(3);
        var mtard = new Mtard(new() { Inner = TrainerTests.Inner });
        Assert.Contains("the natural teacher gets 0 of 60", Assert.Throws<ArgumentException>(
            () => Trainer.Fit(new(student, Teacher(0), Teacher(1)), mtard, data, Options)).Message, StringComparison.Ordinal);
    }
}
