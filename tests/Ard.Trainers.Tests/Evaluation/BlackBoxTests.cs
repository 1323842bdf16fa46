namespace Ard.Trainers.Tests.Evaluation;

/// <summary>Models that can only be asked.</summary>
public sealed class BlackBoxTests
{
    private static readonly EvaluationOptions Square = new() { Threat = ThreatModel.Linf(0.05), Attacks = ["square-40"], BatchSize = 20 };

    [Fact]
    public void Attacks_that_need_gradients_are_one_error_before_the_model_is_asked()
    {
        var asked = 0;
        var (_, images, labels) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromScores("service", x =>
        {
            asked++;
            return zeros([x.shape[0], 5]);
        });
        var message = Assert.Throws<ArgumentException>(() => new RobustnessEvaluator(
            new() { Attacks = ["fgsm", "square-5", "pgd-3", "autoattack"] }).Evaluate(model, images, labels)).Message;
        Assert.Contains("no gradient for fgsm, pgd-3, apgd-ce, apgd-t, fab-t; expected attacks without gradients", message);
        message = Assert.Throws<ArgumentException>(() => Attack.Pgd().Perturb(model, images, labels, ThreatModel.Cifar10)).Message;
        Assert.Contains("no gradient for pgd-20", message);
        Assert.Equal(0, asked);
        // A transfer takes another network's.
        var (network, _, _) = EvaluationProblem.Smooth();
        new RobustnessEvaluator(new() { Attacks = [], MoreAttacks = [Attack.Transfer(Attack.Fgsm(), network)] })
            .Evaluate(model, images, labels);
        Assert.True(asked > 0);
    }

    [Fact]
    public void Whether_scores_are_probabilities_is_decided_for_all_images_alike()
    {
        using var scope = NewDisposeScope();
        // Margins of two classes: that of the second image happens to be 1.
        using var margins = BlackBox.FromScores("service", x => stack([x.sum([1]) * 0, x.sum([1])], 1));
        var images = tensor(new float[,] { { 0.5f }, { 1 }, { 0.75f } });
        Assert.Equal([0, 0.5f, 0, 1, 0, 0.75f], margins.call(images).data<float>().ToArray());
        Assert.Equal([0, 1f], margins.call(images[1..2]).data<float>().ToArray());
        // Answers that are no numbers decide nothing.
        var failed = true;
        using var late = BlackBox.FromScores(
            "service", x => failed ? full([x.shape[0], 2], float.NaN) : stack([1 - x.sum([1]), x.sum([1])], 1));
        late.call(images);
        failed = false;
        Assert.Equal([MathF.Log(1f / 3), 0], late.call(images[2..]).data<float>().ToArray());
        using var shares = BlackBox.FromScores("service", x => stack([1 - x.sum([1]), x.sum([1])], 1));
        Assert.Equal([0, 0f], shares.call(images[..1]).data<float>().ToArray());
        Assert.Equal([MathF.Log(1f / 3), 0], shares.call(images[2..]).data<float>().ToArray());
    }

    [Fact]
    public void It_is_attacked_as_the_network_behind_it_is_and_the_report_says_what_that_means()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromScores("service", network.call);
        var (open, asked) = (Evaluate(network), Evaluate(model));
        Assert.Equal(
            open.WorstCase.Points.Select(point => point with { Queries = null }),
            asked.WorstCase.Points.Select(point => point with { Queries = null }));
        Assert.InRange(asked.WorstCase.CorrectCount, 1, asked.Clean.CorrectCount - 5);
        Assert.Null(open.BlackBox);
        Assert.All(open.WorstCase.Points, point => Assert.Null(point.Queries));
        var most = asked.WorstCase.Points.Max(point => point.ForwardPasses);
        Assert.StartsWith($"The model was only queried, at most {most} times an image", asked.BlackBox);
        Assert.Contains("upper bounds", asked.BlackBox);
        Assert.Empty(asked.Flags);

        // The same in the report for people and in that for programs.
        var page = new HtmlReport("page") { Models = [new("service") { Robustness = asked }] }.ToHtml();
        Assert.Contains("times an image: the accuracies", page);
        Assert.Contains("Accuracy over the queries", page);
        Assert.DoesNotContain("gradients that are zero", page);
        Assert.Contains($"\"medianQueries\": {asked["square-40"].MedianQueries}", EvaluationSummary.Create(asked).ToJson());
        page = new HtmlReport("page") { Models = [new("open") { Robustness = open }] }.ToHtml();
        Assert.DoesNotContain("Accuracy over the queries", page);

        RobustnessReport Evaluate(Module<Tensor, Tensor> one) => new RobustnessEvaluator(Square).Evaluate(one, images, labels);
    }

    [Fact]
    public void Where_an_attack_does_not_say_whose_points_it_sends_the_report_says_no_number_of_queries()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        var report = new RobustnessEvaluator(new() { Attacks = [], MoreAttacks = [new Silent()] })
            .Evaluate(BlackBox.FromScores("service", network.call), images, labels);
        Assert.StartsWith("The model was only queried, and an attack does not say how often: the accuracies", report.BlackBox);
    }

    private sealed class Silent : Attack
    {
        public override string Name => "silent";

        public override AttackKind Kind => AttackKind.GradientFree;

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            target.Logits(images[..1]);
            return images.clone();
        }
    }

    [Fact]
    public void Queries_are_those_until_an_allowed_point_is_wrong_and_the_curve_and_the_median_are_of_them()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = EvaluationProblem.Smooth();
        foreach (var name in new[] { "square-40", "rays-60" })
        {
            var options = Square with { Attacks = [name], CheckNetwork = false };
            var report = new RobustnessEvaluator(options).Evaluate(BlackBox.FromScores("service", network.call), images, labels);
            var each = report[name].Points;
            for (var row = 0; row < 50; row++)
            {
                // By itself, so that what is sent is this image's.
                var calls = new RecordingNetwork(network);
                var (image, label) = (images.narrow(0, row, 1), labels.narrow(0, row, 1));
                AttackCatalog.ByName(name).Run(calls, image, label, options.Threat!, new PointNoise(0, [row]));
                var first = calls.Calls.Skip(1).Index().FirstOrDefault(call => call.Item.Logits.argmax(1).ne(label).item<bool>()
                    && options.Threat!.Size(call.Item.Input, image).item<double>() <= 0.05 + 1e-6);
                Assert.Equal(each[row].BrokenBy is null ? (long?)null : first.Index + 1, each[row].Queries);
            }
            long[] broken = [.. each.Select(point => point.Queries).OfType<long>().Order()];
            Assert.Equal(report.Clean.CorrectCount - report[name].CorrectCount, broken.Length);
            Assert.InRange(broken.Distinct().Count(), 3, 60);
            Assert.Equal((broken[(broken.Length - 1) / 2] + broken[broken.Length / 2]) / 2.0, report[name].MedianQueries);
            Assert.Equal(report.Clean.Accuracy, report[name].AccuracyAfter(0));
            Assert.Equal(report[name].Accuracy, report[name].AccuracyAfter(broken[^1]));
            Assert.Equal(report[name].Accuracy + 1 / 50.0 * broken.Count(its => its == broken[^1]),
                report[name].AccuracyAfter(broken[^1] - 1), 1e-9);
        }
    }

    [Fact]
    public void A_budget_of_queries_is_of_all_attacks_together_and_each_ends_where_it_is_used_up()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        var asked = 0L;
        using var model = BlackBox.FromScores("service", x =>
        {
            asked += x.shape[0];
            return network.call(x);
        });
        var options = Square with { CheckNetwork = false };
        // Of 20 one is for the point that was found; the search asks for the image, for the start, and for 17 changes.
        var cut = Evaluate(options with { Attacks = ["square-40", "rays-60"], QueryBudget = 20 });
        Assert.Equal(asked, cut.WorstCase.Points.Sum(point => point.ForwardPasses));
        var shorter = Evaluate(options with { Attacks = ["square-17"] });
        Assert.Equal(shorter["square-17"].Correct, cut["square-40"].Correct);
        Assert.Equal(shorter["square-17"].Points.Select(point => point.Queries), cut["square-40"].Points.Select(point => point.Queries));
        Assert.InRange(cut["square-40"].CorrectCount, 1, cut.Clean.CorrectCount - 1);
        Assert.All(cut.WorstCase.Points, point => Assert.InRange(point.ForwardPasses!.Value - 1, 0, 20));
        Assert.Contains(cut.WorstCase.Points, point => point.ForwardPasses == 21);
        Assert.StartsWith("The model was only queried, at most 21 times an image, ", cut.BlackBox);
        Assert.Contains(" on average, with a budget of 20 for the attacks: ", cut.BlackBox);
        // What is left of images that are broken already is the other attack's: of those that are not, nothing.
        Assert.Equal($"the budget of queries was used up before it at {cut["square-40"].CorrectCount} images", cut["rays-60"].Details);
        // With one more for Square's start they have one left: RayS gets no further by it, and says of the others nothing of its own.
        var onOneMore = Evaluate(options with { Attacks = ["square-17", "rays-60"], QueryBudget = 21 });
        Assert.Equal(cut["square-40"].Correct, onOneMore["rays-60"].Correct);

        // Square needs 13 for an image that stays right: RayS has 47, for the image, 45 points, and the one that was found.
        var two = options with { Attacks = ["square-10", "rays-200"], QueryBudget = 60, Sequential = true };
        var both = Evaluate(two);
        var alone = Evaluate(two with { Attacks = ["square-10", "rays-45"], QueryBudget = null });
        Assert.Equal(alone.WorstCase.Correct, both.WorstCase.Correct);
        Assert.True(both.WorstCase.CorrectCount < both["square-10"].CorrectCount);
        Assert.Equal(61, both.WorstCase.Points.Max(point => point.ForwardPasses));

        // The state of an evaluation knows it.
        var file = Path.Combine(Directory.CreateTempSubdirectory("ard-budget-").FullName, "state");
        Assert.Equal(both.WorstCase.Points, Evaluate(two with { StateFile = file }).WorstCase.Points);
        Assert.Equal(both.BlackBox, Evaluate(two with { StateFile = file }).BlackBox);
        Assert.Contains("QueryBudget", Assert.Throws<DataFileException>(
            () => Evaluate(two with { StateFile = file, QueryBudget = 61 })).Message);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        Assert.Contains("QueryBudget is set, and the network can be looked into", Assert.Throws<ArgumentException>(
            () => new RobustnessEvaluator(two).Evaluate(network, images, labels)).Message);
        Assert.Contains("QueryBudget is 0, expected 1 or more", Assert.Throws<ArgumentException>(
            () => new RobustnessEvaluator(two with { QueryBudget = 0 })).Message);

        RobustnessReport Evaluate(EvaluationOptions options)
        {
            asked = 0;
            return new RobustnessEvaluator(options).Evaluate(model, images, labels);
        }
    }

    /// <summary>Random points, two of each image at a time, until nothing more is answered.</summary>
    private sealed class Twins(bool says) : Attack
    {
        public override string Name => says ? "twins" : "silent-twins";

        public override AttackKind Kind => AttackKind.GradientFree;

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            var rows = arange(images.shape[0], ScalarType.Int64);
            while (true)
            {
                var points = cat([Random(), Random()]);
                target.Logits(points, says ? cat([rows, rows]) : null);
            }

            Tensor Random() => threat.Project(images + threat.RandomPerturbation(images, noise).sign() * threat.Epsilon, images);
        }
    }

    [Fact]
    public void What_an_attack_finds_counts_though_it_does_not_say_whose_points_it_sends()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromScores("service", network.call);
        var said = Evaluate(true);
        var silent = Evaluate(false);
        Assert.InRange(said.CorrectCount, 1, labels.shape[0] - 10);
        Assert.Equal(said.Points.Select(point => (point.WasRight, point.IsRight, point.Size)),
            silent.Points.Select(point => (point.WasRight, point.IsRight, point.Size)));
        Assert.All(silent.Points, point => Assert.Null(point.Queries));

        AttackResult Evaluate(bool says) => new RobustnessEvaluator(
            Square with { Attacks = [], MoreAttacks = [new Twins(says)], QueryBudget = 41, CheckNetwork = false })
            .Evaluate(model, images, labels).WorstCase;
    }

    [Fact]
    public void Of_several_attacks_the_worst_case_counts_the_queries_of_all_up_to_the_one_that_won()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromScores("service", network.call);
        foreach (var sequential in new[] { false, true })
        {
            var report = new RobustnessEvaluator(Square with { Attacks = ["square-3", "square-40"], Sequential = sequential })
                .Evaluate(model, images, labels);
            var (first, second, worst) = (report["square-3"].Points, report["square-40"].Points, report.WorstCase.Points);
            Assert.Contains(worst, point => point.BrokenBy == "square-40");
            for (var row = 0; row < 50; row++)
            {
                var expected = worst[row].BrokenBy switch
                {
                    null => null,
                    "square-3" => first[row].Queries,
                    // Five passes: the image, a start, three queries, of which the clean one of the evaluation is none, and the result.
                    _ => second[row].Queries + first[row].ForwardPasses - 1,
                };
                Assert.Equal(expected, worst[row].Queries);
            }
        }
    }

    [Fact]
    public void Probabilities_are_taken_by_their_logarithms_and_the_answer_stays_the_models()
    {
        using var scope = NewDisposeScope();
        var (network, images, _) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromScores("service", x => network.call(x).softmax(1));
        var logits = network.call(images);
        Compare.Close(logits - logits.amax([1], keepdim: true), model.call(images), 1e-5, "logits");
        // Two that differ in their last bit; their logarithms in float32 do not.
        var low = 0.09f;
        while (MathF.Log(low) != MathF.Log(MathF.BitIncrement(low))) low = MathF.BitIncrement(low);
        var (high, rest) = (MathF.BitIncrement(low), 1 - 11 * low);
        using var close = BlackBox.FromScores("close", x => tensor(new[] { rest, low, low, low, low, low, low, high, low, low, low, low })
            .unsqueeze(0).expand(x.shape[0], 12));
        Assert.Equal(7, close.call(images).argmax(1)[0].item<long>());
        // What are no probabilities stay as they are.
        using var raw = BlackBox.FromScores("raw", x => tensor(new[] { -1f, 3, 0.5f }).unsqueeze(0).expand(x.shape[0], 3));
        Assert.Equal([-1f, 3, 0.5f], raw.call(images)[0].data<float>());
    }

    [Fact]
    public void A_model_that_says_the_class_only_is_attacked_by_RayS()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var model = BlackBox.FromLabels("service", 5, x => network.call(x).argmax(1));
        var (some, theirs) = (images.narrow(0, 0, 8), labels.narrow(0, 0, 8));
        var report = new RobustnessEvaluator(new() { Threat = ThreatModel.Linf(0.05) }).Evaluate(model, some, theirs);
        Assert.Equal(["rays"], report.Attacks.Select(attack => attack.Name));
        Assert.InRange(report.WorstCase.CorrectCount, 0, report.Clean.CorrectCount - 2);
        using var scores = BlackBox.FromScores("service", network.call);
        report = new RobustnessEvaluator(new() { Threat = ThreatModel.Linf(0.4) }).Evaluate(scores, some, theirs);
        Assert.Equal(["square"], report.Attacks.Select(attack => attack.Name));

        // A number that is no class is a wrong answer, and counted as one.
        using var odd = BlackBox.FromLabels("service", 5, x => full([x.shape[0]], 7L, dtype: ScalarType.Int64));
        report = new RobustnessEvaluator(Square).Evaluate(odd, images, labels);
        Assert.Equal(0, report.Clean.CorrectCount);
        Assert.Contains(report.Flags, flag => flag.Code == RobustnessFlagCode.NotFinite);
        using var shape = BlackBox.FromLabels("service", 5, x => zeros([x.shape[0], 2]));
        Assert.Contains("service: the classes are Float32 [50,2], expected Int64 [50]", Assert.Throws<InvalidOperationException>(
            () => new RobustnessEvaluator(Square with { BatchSize = 50 }).Evaluate(shape, images, labels)).Message);
    }

    [Fact]
    public void One_that_answers_at_random_is_flagged_with_advice_that_needs_no_gradient()
    {
        var (_, images, labels) = EvaluationProblem.Smooth();
        var random = new Random(3);
        using var model = BlackBox.FromLabels("dice", 5, x => tensor(
            Enumerable.Range(0, (int)x.shape[0]).Select(_ => random.NextInt64(5)).ToArray()));
        var report = new RobustnessEvaluator(Square).Evaluate(model, images, labels);
        var flag = Assert.Single(report.Flags, flag => flag.Code == RobustnessFlagCode.RandomOutputs);
        Assert.DoesNotContain("gradient", flag.Advice);
        Assert.DoesNotContain(report.Flags, other => other.Code is RobustnessFlagCode.MissingGradients or RobustnessFlagCode.ZeroGradients);
    }

    [Fact]
    public void One_that_fails_now_and_then_is_named_and_the_evaluation_goes_on_from_its_state_file()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        var expected = new RobustnessEvaluator(Square).Evaluate(BlackBox.FromScores("service", network.call), images, labels);
        var options = Square with { StateFile = EvaluationProblem.File("state") };
        var (calls, failures) = (0, 0);
        using var model = BlackBox.FromScores("the service", x => ++calls % 60 == 0
            ? throw new InvalidOperationException("wrapped", new TimeoutException("no answer within 5 s"))
            : network.call(x));
        RobustnessReport? report = null;
        while (report is null)
        {
            try
            {
                report = new RobustnessEvaluator(options).Evaluate(model, images, labels);
            }
            catch (InvalidOperationException exception)
            {
                Assert.Matches(@"^the service failed after \d+ answers: TimeoutException: no answer within 5 s$", exception.Message);
                Assert.InRange(++failures, 1, 10);
            }
        }
        Assert.InRange(failures, 1, 10);
        Assert.Equal(EvaluationProblem.Text(expected), EvaluationProblem.Text(report));
        // Another model is told by what it answers.
        using var other = BlackBox.FromScores("the service", x => network.call(x) * 0.5);
        Assert.Contains("network: answers", Assert.Throws<DataFileException>(
            () => new RobustnessEvaluator(options).Evaluate(other, images, labels)).Message);
    }

    [Fact]
    public void A_surrogate_learns_from_one_answer_an_image_and_from_no_label()
    {
        using var glyphs = Glyphs.Generate(300, seed: 1);
        var asked = 0L;
        // Whether the left or the right half is brighter; of the brightest images it says nothing.
        using var model = BlackBox.FromLabels("service", 2, x =>
        {
            asked += x.shape[0];
            var (left, right) = (x.narrow(3, 0, 8).flatten(1).mean([1L]), x.narrow(3, 8, 8).flatten(1).mean([1L]));
            return where((left + right).gt(1.2), full_like(left, -1), left.gt(right).to(ScalarType.Float32)).to(ScalarType.Int64);
        });
        var spec = NetworkSpec.Parse("tinycnn-4-bn") with { InputChannels = 1, ImageSize = 16, Classes = 2 };
        using var network = spec.Build(seed: 1);
        var options = new TrainingOptions
        {
            Epochs = 40,
            BatchSize = 25,
            Optimizer = new AdamOptimizer { LearningRate = 0.01 },
            Augmentation = Augmentation.None,
            ValidationFraction = 0,
            Device = "cpu",
        };
        Surrogate.Fit(network, model, glyphs.Images, options);
        Assert.Equal(300, asked);
        using var other = Glyphs.Generate(200, seed: 2);
        network.eval();
        using var noGrad = no_grad();
        var (images, _) = other.Batch(0, 200);
        var agree = network.call(images).argmax(1).eq(model.call(images).argmax(1)).sum().item<long>();
        var most = model.call(images).argmax(1).data<long>().ToArray().CountBy(label => label).Max(count => count.Value);
        Assert.InRange(agree, most + 10, 200);

        using var one = BlackBox.FromLabels("one", 2, x => zeros([x.shape[0]], dtype: ScalarType.Int64));
        Assert.Contains("class 0 of all 300 images", Assert.Throws<ArgumentException>(
            () => Surrogate.Fit(network, one, glyphs.Images, options)).Message);
    }

    [Fact]
    public void A_surrogate_needs_two_classes_of_the_model_and_takes_images_in_float64()
    {
        using var images = Glyphs.Generate(40, seed: 1).Images;
        using var network = (NetworkSpec.Parse("tinycnn-4") with { InputChannels = 1, ImageSize = 16, Classes = 2 }).Build(1);
        var options = new TrainingOptions { Epochs = 1, ValidationFraction = 0, Device = "cpu" };
        // Where it gives no class there is nothing to learn; the others are all of one.
        using var unsure = BlackBox.FromLabels("unsure", 2, x => arange(x.shape[0], ScalarType.Int64).remainder(2).sub(1));
        Assert.Contains("names class 0 of all 20 images", Assert.Throws<ArgumentException>(
            () => Surrogate.Fit(network, unsure, images, options)).Message);
        using var none = BlackBox.FromLabels("none", 2, x => full(x.shape[0], -1, ScalarType.Int64));
        Assert.Contains("names no class", Assert.Throws<ArgumentException>(() => Surrogate.Fit(network, none, images, options)).Message);

        using var sure = BlackBox.FromLabels("sure", 2, x => arange(x.shape[0], ScalarType.Int64).remainder(2));
        Surrogate.Fit(network, sure, images.to(ScalarType.Float64) / 255, options);
    }

    [Fact]
    public void Two_are_compared_as_what_they_are_by_their_files_too()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        var attacks = new EvaluationOptions { Attacks = ["square-300", "rays-300"], Threat = EvaluationProblem.Threat, QueryBudget = 200 };
        RobustnessReport[] reports = [.. new[] { 1.0, 0.2 }.Select(slope => new RobustnessEvaluator(attacks).Evaluate(
            BlackBox.FromScores("asked", x => network.call(0.5 + slope * (x - 0.5))), images, labels))];
        // For how many images no query was left is not the same for both, and no difference between the evaluations.
        Assert.NotEqual(reports[0].Attacks[1].Details, reports[1].Attacks[1].Details);
        var read = reports.Select(report => EvaluationSummary.Create(report).ToReport()).ToArray();
        Assert.Empty(ComparisonSection.Differences(read[0], read[1]));
        var enough = read[0] with
        {
            Attacks = [.. read[0].Attacks.Select(attack => attack with { Details = attack.Details.Split("the budget of queries")[0] })],
        };
        Assert.NotEqual(enough.Attacks[1].Details, read[0].Attacks[1].Details);
        Assert.Empty(ComparisonSection.Differences(enough, read[0]));
        Assert.Equal(reports.Select(report => report.BlackBox), read.Select(report => report.BlackBox));
        Assert.Equal(
            reports[0].WorstCase.Points.Select(point => point.Queries), read[0].WorstCase.Points.Select(point => point.Queries));
        Assert.Contains(reports[0].WorstCase.Points, point => point.Queries is not null);

        // Of a file the worst case's queries are known, and none of the attacks'.
        var models = read.Select((report, i) => new ModelReport($"{i}") { Robustness = report }).ToArray();
        var page = new HtmlReport("Two") { Models = models }.ToHtml();
        Assert.DoesNotContain("broke none", page);
        Assert.Contains("worst case broke needed", page);
    }

    [Fact]
    public void Queries_of_a_union_are_those_of_the_adversaries_that_failed_before_too()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        RobustnessReport[] reports = [.. new[] { ThreatModel.Linf(0.001), ThreatModel.L2(0.3) }.Select(threat =>
            new RobustnessEvaluator(new() { Attacks = ["square-100"], Threat = threat })
                .Evaluate(BlackBox.FromScores("asked", x => network.call(x)), images, labels))];
        var union = RobustnessUnion.Combine(reports).WorstCase;
        var later = Enumerable.Range(0, 50).Where(row => reports[0].WorstCase.Correct[row] && !union.Correct[row]).ToArray();
        Assert.NotEmpty(later);
        Assert.All(later, row => Assert.Equal(
            reports[0].WorstCase.Points[row].ForwardPasses - 1 + reports[1].WorstCase.Points[row].Queries, union.Points[row].Queries));
    }

    [Fact]
    public void One_that_is_slow_can_be_cancelled_at_any_query()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        using var source = new CancellationTokenSource();
        var calls = 0;
        using var model = BlackBox.FromScores("slow", x =>
        {
            if (++calls == 25) source.Cancel();
            return network.call(x);
        });
        Assert.Throws<OperationCanceledException>(
            () => new RobustnessEvaluator(Square).Evaluate(model, images, labels, cancellation: source.Token));
        Assert.Equal(25, calls);
    }
}
