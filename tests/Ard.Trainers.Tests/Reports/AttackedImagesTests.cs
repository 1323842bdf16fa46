namespace Ard.Trainers.Tests.Reports;

public class AttackedImagesTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.03);

    // Class 1 where the first pixel is lighter than half.
    private static (LinearNetwork Network, Tensor Images, Tensor Labels) Problem(params float[] pixels)
    {
        var weight = zeros([4, 2]);
        weight[0, 1] = tensor(1f);
        weight[0, 0] = tensor(-1f);
        var images = full([pixels.Length, 1, 2, 2], 0.25f);
        for (var row = 0; row < pixels.Length; row++) images[row, 0, 0, 0] = tensor(pixels[row]);
        return (new LinearNetwork(weight, tensor([0.5f, -0.5f])), images, tensor([.. pixels.Select(pixel => pixel > 0.5f ? 1L : 0L)]));
    }

    [Fact]
    public void The_first_right_images_of_every_class_come_before_the_second_of_any()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(0.1f, 0.2f, 0.3f, 0.9f, 0.8f, 0.49f);
        labels[0] = tensor(1L); // wrong: it is not shown
        Assert.Equal([1, 3], Rows(2));
        Assert.Equal([1, 2, 3], Rows(3));
        Assert.Equal([1, 2, 3, 4, 5], Rows(9));

        long[] Rows(int count) =>
            [.. AttackedImages.Find(network, images, labels, new Fgsm(), Threat, count).Each.Select(image => image.Row)];
    }

    [Fact]
    public void Each_image_has_its_pixels_before_and_after_and_both_predictions()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(0.49f, 0.9f);
        var found = AttackedImages.Find(network, images, labels, new Fgsm(), Threat);
        Assert.Equal(("fgsm", Threat, 1, 2, 2), (found.Attack, found.Threat, found.Channels, found.Height, found.Width));
        Assert.Equal(
            (0, 0, 0, 1), (found.Each[0].Row, found.Each[0].Label, found.Each[0].CleanPrediction, found.Each[0].AttackedPrediction));
        Assert.Equal([0.49f, 0.25f, 0.25f, 0.25f], found.Each[0].Clean);
        Assert.Equal(0.52f, found.Each[0].Attacked[0], 6);
        Assert.Equal((1, 1, 1), (found.Each[1].Label, found.Each[1].CleanPrediction, found.Each[1].AttackedPrediction));
    }

    [Fact]
    public void They_are_the_points_of_the_evaluation_of_the_same_seed()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Evaluation.EvaluationProblem.Smooth();
        var attack = AttackCatalog.ByName("pgd-3");
        var report = new RobustnessEvaluator(new() { Threat = Threat, Attacks = ["pgd-3"], Seed = 7 }).Evaluate(network, images, labels);
        var found = AttackedImages.Find(network, images, labels, attack, Threat, count: 50, seed: 7);
        Assert.Equal(report.Clean.CorrectCount, found.Each.Count);
        Assert.Contains(found.Each, image => image.AttackedPrediction != image.Label);
        Assert.All(found.Each, image => Assert.Equal(report["pgd-3"].Predictions[(int)image.Row], image.AttackedPrediction));
    }

    [Fact]
    public void The_network_and_the_number_of_tensors_are_as_before_and_bad_images_are_refused()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Problem(0.4f, 0.9f);
        network.train();
        AttackedImages.Find(network, images, labels, new Fgsm(), Threat);
        var before = scope.DisposablesCount;
        AttackedImages.Find(network, images, labels, new Fgsm(), Threat);
        Assert.Equal(before, scope.DisposablesCount);
        Assert.True(network.training);
        Assert.Contains("expected [N,C,H,W]", Assert.Throws<ArgumentException>(
            () => AttackedImages.Find(network, images.flatten(1), labels, new Fgsm(), Threat)).Message);
        Assert.Contains("labels are", Assert.Throws<ArgumentException>(
            () => AttackedImages.Find(network, images, labels.to(ScalarType.Float32), new Fgsm(), Threat)).Message);
    }

    [Theory]
    [InlineData(0.1f, 5)]
    [InlineData(8 / 255f, 15)]
    [InlineData(0.9f, 1)]
    [InlineData(0f, 100)]
    public void Perturbations_are_amplified_by_the_largest_round_factor_that_fits(float size, int expected)
    {
        var image = new AttackedImage(0, [0.1f, 0.1f], [0.1f + size, 0.1f], 0, 0, 0);
        Assert.Equal(expected, ImageGrid.Amplification(new AttackedImages("a", Threat, 1, 1, 2, [image])));
    }
}
