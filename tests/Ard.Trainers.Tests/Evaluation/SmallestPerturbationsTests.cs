namespace Ard.Trainers.Tests.Evaluation;

public sealed class SmallestPerturbationsTests
{
    [Fact]
    public void Sizes_median_and_curve_of_a_linear_network_are_those_of_its_margins()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Class 1 where the mean is above a half: in Linf an image is as far from the boundary as its mean is from a half.
        var network = new FunctionNetwork(x => stack([x.mean([1]) * 0 + 0.5, x.mean([1])], 1));
        var images = (linspace(0.3, 0.7, 21, dtype: ScalarType.Float64).unsqueeze(1) + zeros([1, 4], dtype: ScalarType.Float64)).add(0.001);
        var labels = network.call(images).argmax(1);
        labels[0] = 1;
        var distances = (images.mean([1]) - 0.5).abs().data<double>().ToArray();
        distances[0] = 0;

        var found = SmallestPerturbations.Evaluate(network, images, labels, Norm.Linf, [AttackCatalog.ByName("fab"), Attack.DeepFool()]);
        Assert.Empty(found.Report.Flags);
        for (var row = 0; row < 21; row++)
            Assert.InRange(found.Sizes[row], distances[row] - 1e-6, distances[row] * 1.02 + 1e-6);
        Assert.Equal(distances.Order().ElementAt(10), found.Median, 0.02 * found.Median);
        Assert.Equal((0, found.Sizes.Max()), (found.Quantile(0), found.Quantile(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => found.Quantile(1.5));

        // As an evaluation of the same attacks at each of the budgets finds it.
        double[] budgets = [0, 0.0515, 0.1005, 0.3];
        var curve = found.Curve([.. budgets.Reverse()]);
        var options = new EvaluationOptions { Attacks = ["fab", "deepfool"], Threat = ThreatModel.Linf(1) };
        var evaluated = RobustnessCurve.Evaluate(network, images, labels, budgets, options);
        Assert.Equal(evaluated.Points.Select(point => point.Accuracy), curve.Points.Select(point => point.Accuracy));
        Assert.Equal(budgets, curve.Points.Select(point => point.Epsilon));
        Assert.Equal(["fab", "deepfool"], curve.Attacks);
        Assert.Equal(20.0 / 21, curve.Points[0].Accuracy);
        Assert.InRange(curve.Points[1].Accuracy, 0.6, 0.8);
    }

    [Fact]
    public void Every_attack_gets_every_image_and_goes_on_to_the_closest_point()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        Attack[] attacks = [Attack.RayS(400), Attack.Fmn(30)];
        var each = attacks.Select(attack => Sizes(new(), attack)).ToArray();
        var smallest = each[0].Zip(each[1], Math.Min).ToArray();
        Assert.Equal(smallest, Sizes(new(), attacks));
        Assert.Equal(smallest, Sizes(new() { Sequential = true }, attacks));
        // Each of the two is closer somewhere, RayS less often, and it is not left at black or white.
        Assert.All(each, sizes => Assert.NotEqual(smallest, sizes));
        Assert.All(each[0].Zip(each[1]), pair => Assert.InRange(pair.First, 0, 3 * pair.Second + 0.02));

        Assert.NotEqual(Attack.RayS(400).Description, Attack.RayS(400).WithoutEarlyStop.Description);

        // On a surrogate too.
        Assert.Equal(
            Sizes(new(), Attack.Fab(new() { Targeted = true })),
            Sizes(new(), Attack.Transfer(Attack.Fab(new() { Targeted = true }), network)));

        var fault = Assert.Throws<ArgumentException>(() => Sizes(new() { QueryBudget = 100 }, attacks));
        Assert.Contains("QueryBudget is 100, and there are 2 attacks, expected one", fault.Message);

        // What is found within a budget of queries, of which the last is for the judgement, is the closest point too.
        var asked = BlackBox.FromLabels("asked", 5, points => network.call(points).argmax(1));
        var (within, shorter) = (
            SmallestPerturbations.Evaluate(asked, images, labels, Norm.Linf, [Attack.RayS(10_000)], new() { QueryBudget = 200 }),
            SmallestPerturbations.Evaluate(asked, images, labels, Norm.Linf, [Attack.RayS(150)]));
        Assert.All(within.Sizes.Zip(shorter.Sizes), pair => Assert.True(pair.First <= pair.Second, $"{pair}"));
        Assert.InRange(within.Median, 0, 0.2);

        double[] Sizes(EvaluationOptions options, params Attack[] some) =>
            [.. SmallestPerturbations.Evaluate(network, images, labels, Norm.Linf, some, options).Sizes];
    }

    [Fact]
    public void Where_no_attack_finds_a_perturbation_the_size_is_infinite_and_of_no_images_the_median_is_no_number()
    {
        using var scope = NewDisposeScope();
        var network = new FunctionNetwork(x => stack([x.mean([1]) * 0.001, x.mean([1]) * 0 - 1], 1));
        var (images, labels) = (full([3, 4], 0.5), zeros([3], dtype: ScalarType.Int64));
        foreach (var norm in Enum.GetValues<Norm>())
        {
            var found = SmallestPerturbations.Evaluate(network, images, labels, norm);
            Assert.All(found.Sizes, size => Assert.Equal(double.PositiveInfinity, size));
            Assert.Equal(double.PositiveInfinity, found.Median);
            Assert.Equal(1, found.Curve([1000]).Points[0].Accuracy);
            Assert.Equal(double.NaN, SmallestPerturbations.Evaluate(network, images[..0], labels[..0], norm).Median);
        }
    }

    [Fact]
    public void A_union_is_right_only_where_every_report_is()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        ThreatModel[] threats = [ThreatModel.Linf(0.02), ThreatModel.L2(0.055), ThreatModel.L1(0.115)];
        RobustnessReport[] reports =
        [
            .. threats.Select(threat => new RobustnessEvaluator(new() { Attacks = ["apgd-ce-20"], Threat = threat })
                .Evaluate(network, images, labels)),
        ];
        var union = RobustnessUnion.Combine(reports).WorstCase;
        Assert.Equal("union", union.Name);
        for (var row = 0; row < 50; row++)
        {
            Assert.Equal(reports.All(report => report.WorstCase.Correct[row]), union.Correct[row]);
            var breaker = reports.FirstOrDefault(report => !report.WorstCase.Correct[row]);
            if (breaker is null) continue;
            Assert.Equal(breaker.WorstCase.Points[row].Size, union.Points[row].Size);
            Assert.Equal(breaker.WorstCase.Predictions[row], union.Predictions[row]);
        }
        // Some are broken in one norm only.
        Assert.True(union.CorrectCount < reports.Min(report => report.WorstCase.CorrectCount));
        Assert.InRange(union.CorrectCount, 1, 39);
        Assert.Equal(
            reports.Sum(report => report.WorstCase.Points.Sum(point => point.ForwardPasses)),
            union.Points.Sum(point => point.ForwardPasses));

        // What is not known of one attack is not known of all.
        var (known, unknown) = (reports[1].WorstCase, (long?)null);
        AttackedPoint[] points = [.. known.Points.Select(point => point with { ForwardPasses = unknown, BackwardPasses = unknown })];
        var silent = new AttackResult("worst-case", points) { Predictions = known.Predictions };
        Assert.All(RobustnessUnion.Combine(reports[0], reports[1] with { WorstCase = silent }).WorstCase.Points, point =>
            Assert.Equal((unknown, unknown), (point.ForwardPasses, point.BackwardPasses)));

        var others = new RobustnessEvaluator(new() { Attacks = ["fgsm"] }).Evaluate(network, images, (labels + 1) % 5);
        Assert.Contains("other labels", Assert.Throws<ArgumentException>(() => RobustnessUnion.Combine([reports[0], others])).Message);
        var twice = Assert.Throws<ArgumentException>(() => RobustnessUnion.Combine(reports[0], reports[0])).Message;
        Assert.Contains("Two evaluations are against Linf 0.02", twice);
        Assert.Contains("no report", Assert.Throws<ArgumentException>(() => RobustnessUnion.Combine([])).Message);
    }
}
