namespace Ard.Trainers.Tests.Evaluation;

public sealed class AdversarialExamplesFileTests
{
    private static readonly ThreatModel Threat = EvaluationProblem.Threat;

    [Fact]
    public void The_file_has_the_first_misclassified_point_or_the_clean_image_and_holds_what_it_says()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, path, report) = Evaluated();
        var file = Safetensors.Read(path, requireDigest: true);
        Assert.Equal(labels.data<long>().ToArray(), file["labels"].data<long>().ToArray());
        Assert.Equal(Enumerable.Range(0, 50).Select(row => (long)row), file["rows"].data<long>().ToArray());
        // As the attacks find them, run by themselves.
        var expected = images.clone();
        foreach (var name in new[] { "pgd-5", "fgsm" })
        {
            var outcome = AttackCatalog.ByName(name).Run(network, images, labels, Threat);
            for (var row = 0; row < 50; row++)
                if (outcome.Each[row].BrokenBy is not null) expected[row].copy_(outcome.Points[row]);
        }
        Compare.Same(expected, file["points"], "points");
        using (no_grad()) Assert.Equal(network.call(expected).argmax(1).data<long>().ToArray(), file["predictions"].data<long>().ToArray());

        var verification = AdversarialExamplesFile.Verify(path, network, images, labels, Threat, batchSize: 7);
        Assert.Equal([], verification.Faults);
        Assert.Equal((50, 50 - report.WorstCase.CorrectCount), (verification.Points, verification.Misclassified));
        Assert.InRange(verification.Misclassified, 15, 49);
    }

    [Fact]
    public void A_smaller_budget_another_network_and_other_images_do_not_hold()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, path, report) = Evaluated();
        var broken = Enumerable.Range(0, 50).Count(row => report.WorstCase.Points[row].BrokenBy is not null);
        var smaller = AdversarialExamplesFile.Verify(path, network, images, labels, ThreatModel.Linf(0.02));
        Assert.Equal(broken, smaller.Faults.Count);
        Assert.Matches(@"row \d+: moved by 0\.0(3|299)\d* in Linf, expected at most 0\.02", smaller.Faults[0]);
        Assert.Equal(50 - report.Clean.CorrectCount, smaller.Misclassified);

        using (no_grad())
        {
            var always0 = new FunctionNetwork(x => functional.one_hot(zeros([x.shape[0]], dtype: ScalarType.Int64), 5));
            var other = AdversarialExamplesFile.Verify(path, always0, images, labels, Threat);
            Assert.All(other.Faults, fault => Assert.Contains("in the file, 0 by the network", fault));
            Assert.Equal(labels.ne(0).sum().item<long>(), other.Misclassified);
        }
        Assert.Contains("not the 49 images", AdversarialExamplesFile.Verify(
            path, network, images.narrow(0, 0, 49), labels.narrow(0, 0, 49), Threat).Faults.Single());
        Assert.Contains("the label is", AdversarialExamplesFile.Verify(path, network, images, labels.roll(1), Threat).Faults[0]);
    }

    [Fact]
    public void A_forged_point_is_found_and_a_foreign_file_is_refused()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels, path, _) = Evaluated();
        var file = Safetensors.Read(path);
        file["points"][3].sub_(2);
        file["points"][4].fill_(double.NaN);
        Safetensors.Write(path, file);
        var faults = AdversarialExamplesFile.Verify(path, network, images, labels, Threat).Faults;
        foreach (var row in new[] { 3, 4 })
        {
            Assert.Contains(faults, fault => fault.StartsWith($"row {row}: values outside"));
            Assert.Contains(faults, fault => fault.StartsWith($"row {row}: moved by"));
        }
        Assert.DoesNotContain(faults, fault => fault.StartsWith("row 5:"));
        Safetensors.Write(path, [("weights", images)]);
        Assert.Contains("points, rows, labels, predictions", Assert.Throws<DataFileException>(
            () => AdversarialExamplesFile.Verify(path, network, images, labels, Threat)).Message);
    }

    private static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels, string Path, RobustnessReport Report) Evaluated()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        var path = EvaluationProblem.File("examples");
        var options = new EvaluationOptions { Threat = Threat, Attacks = ["fgsm", "pgd-5"], BatchSize = 20, ExamplesFile = path };
        return (network, images, labels, path, new RobustnessEvaluator(options).Evaluate(network, images, labels));
    }
}
