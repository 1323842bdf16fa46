using Ard.Trainers.Tests.Attacks;

namespace Ard.Trainers.Tests.Evaluation;

/// <summary>What a network draws by itself: the seed decides it, and the process's own random state is as before.</summary>
[Collection(GlobalRandomStateCollection.Name)]
public sealed class RandomStateTests
{
    private static readonly EvaluationOptions Options = new()
    {
        Threat = EvaluationProblem.Threat,
        Attacks = ["pgd-3", "pgd-2+eot-3"],
        BatchSize = 20,
        KeepLogits = true,
        Seed = 5,
    };

    private static (Module<Tensor, Tensor> Network, Tensor Images, Tensor Labels) Dropping()
    {
        var (network, images, labels) = EvaluationProblem.Smooth();
        return (new FunctionNetwork(x => network.call(functional.dropout(x, 0.2, training: true))), images, labels);
    }

    [Fact]
    public void Evaluations_of_one_seed_are_the_same_and_another_seed_draws_otherwise()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Dropping();
        var first = Text(Options);
        Assert.Equal(first, Text(Options));
        Assert.NotEqual(first, Text(Options with { Seed = 6 }));

        // Stopped after each step in turn.
        var stopped = Options with { StateFile = EvaluationProblem.File("state") };
        string? whole = null;
        for (var stops = 0; whole is null; stops++)
        {
            Assert.InRange(stops, 0, 9);
            using var stop = new CancellationTokenSource();
            try
            {
                whole = Text(stopped, new Stopping(stop), stop.Token);
            }
            catch (OperationCanceledException)
            {
            }
        }
        Assert.Equal(first, whole);

        string Text(EvaluationOptions options, IProgress<EvaluationProgress>? progress = null, CancellationToken cancellation = default)
        {
            rand(7).Dispose();   // somebody draws in between
            var before = get_rng_state();
            try
            {
                return EvaluationProblem.Text(
                    new RobustnessEvaluator(options).Evaluate(network, images, labels, progress, cancellation));
            }
            finally
            {
                Compare.Same(before, get_rng_state(), "global random state");
            }
        }
    }

    [Fact]
    public void So_are_attacks_by_themselves()
    {
        using var scope = NewDisposeScope();
        var (network, images, labels) = Dropping();
        var attack = new Pgd(new PgdOptions { Steps = 3 });
        foreach (var points in new Func<long, Tensor>[]
        {
            seed => attack.Perturb(network, images, labels, EvaluationProblem.Threat, seed),
            seed => attack.Run(network, images, labels, EvaluationProblem.Threat, seed).Points,
        })
        {
            var before = get_rng_state();
            var first = points(1);
            Compare.Same(before, get_rng_state(), "global random state");
            rand(7).Dispose();
            Compare.Same(first, points(1), "points of the same seed");
        }
    }

    [Fact]
    public void And_reports_of_corrupted_images()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(200, seed: 3);
        using var network = (NetworkSpec.Parse("tinycnn-4") with { InputChannels = 1, ImageSize = data.Height }).Build(1);
        var dropping = new FunctionNetwork(x => network.call(functional.dropout(x, 0.5, training: true)));
        var before = get_rng_state();
        var first = Report(1);
        Compare.Same(before, get_rng_state(), "global random state");
        rand(7).Dispose();
        Assert.Equal(first, Report(1));
        Assert.NotEqual(first, Report(2));

        CorruptionResult[] Report(long seed) =>
            [.. CorruptionReport.Evaluate(dropping, data.Images, data.Labels, ["contrast", "brightness"], seed: seed).Results];
    }

    [Fact]
    public void And_transfers_pictures_and_what_is_told_of_a_teacher()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(60, seed: 3);
        using var network = (NetworkSpec.Parse("tinycnn-4") with { InputChannels = 1, ImageSize = data.Height }).Build(1);
        var dropping = new FunctionNetwork(x => network.call(functional.dropout(x, 0.5, training: true)));
        var (threat, attack) = (ThreatModel.Linf(0.1), new Pgd(new PgdOptions { Steps = 2 }));
        foreach (var found in new Func<string>[]
        {
            () => string.Join(",", TransferMatrix.Evaluate(
                [("a", dropping), ("b", network)], data.Images, data.Labels, attack, threat, seed: 1).Right.SelectMany(row => row)
                .SelectMany(each => each)),
            () => string.Join(",", AttackedImages.Find(dropping, data.Images, data.Labels, attack, threat, count: 3, seed: 1).Each
                .SelectMany(image => image.Attacked.Append(image.Row))),
            () => TeacherReport.Measure(dropping, data, threat, student: dropping).ToJson(),
        })
        {
            var before = get_rng_state();
            var first = found();
            Compare.Same(before, get_rng_state(), "global random state");
            rand(7).Dispose();
            Assert.Equal(first, found());
        }
    }

    private sealed class Stopping(CancellationTokenSource stop) : IProgress<EvaluationProgress>
    {
        public void Report(EvaluationProgress value) => stop.Cancel();
    }
}
