using System.Security.Cryptography;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ard.Trainers.Tests.Distributed;
using Ard.Trainers.Tests.Training;

namespace Ard.Trainers.Tests.Evaluation;

/// <summary>Evaluations in parts equal the whole one point for point.</summary>
[Collection("global random state")]
public sealed class EvaluationShardTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("ard-shards-").FullName;
    private readonly ImageDataset data = TrainerTests.Data(61);
    private readonly Module<Tensor, Tensor> network = TrainerTests.Spec.Build(seed: 1);

    public EvaluationShardTests() => network.eval();

    public void Dispose()
    {
        data.Dispose();
        network.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static EvaluationOptions Options => new()
    {
        Threat = ThreatModel.Linf(0.03),
        Attacks = ["fgsm", "apgd-ce-5", "square-20"],
        BatchSize = 8,
        Seed = 4,
        KeepLogits = true,
    };

    private string State(int number, int count = 3) => Path.Combine(folder, $"state.{number}-of-{count}");

    private RobustnessReport Evaluate(EvaluationOptions options, CancellationToken cancellation = default, Progress? progress = null) =>
        new RobustnessEvaluator(options).Evaluate(network, data.Images, data.Labels, progress, cancellation);

    private RobustnessReport EvaluateShard(int number, int count = 3, EvaluationOptions? options = null, int stopAfter = int.MaxValue)
    {
        using var stop = new CancellationTokenSource();
        return Evaluate(
            (options ?? Options) with { Shard = new(number, count), StateFile = State(number, count) }, stop.Token,
            new Progress(steps => { if (steps == stopAfter) stop.Cancel(); }));
    }

    private string Merged(params string[] files)
    {
        var target = Path.Combine(folder, "state");
        EvaluationShard.Merge(files.Length > 0 ? files : Directory.GetFiles(folder, "state.*-of-*"), target);
        return target;
    }

    // Everything that a report says, in figures and texts.
    private static string Text(RobustnessReport report) => JsonSerializer.Serialize(
        report, new JsonSerializerOptions { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(11)]
    public void Merged_shards_make_the_report_of_one_process_and_compute_nothing(int count)
    {
        var whole = Evaluate(Options);
        for (var number = 1; number <= count; number++) EvaluateShard(number, count);
        var merged = EvaluationShard.Merge(Directory.GetFiles(folder, "state.*-of-*"), Path.Combine(folder, "state"))!;
        Assert.Equal(Text(whole), Text(merged));
        // By which compare knows images and network.
        Assert.Equal(EvaluationSummary.Create(whole, network).ToJson(), (EvaluationSummary.Create(merged) with
        {
            Parameters = Weights.Count(network),
        }).ToJson());
        Assert.NotNull(merged.Images);
        var options = Options with { StateFile = Path.Combine(folder, "state") };
        var steps = 0;
        Assert.Equal(Text(whole), Text(Evaluate(options, progress: new Progress(_ => steps++))));
        Assert.Equal(0, steps);
    }

    [Fact]
    public void Shards_of_another_version_or_without_the_labels_of_all_images_are_refused()
    {
        EvaluateShard(1, 2);
        var (file, target) = (Directory.GetFiles(folder, "state.*-of-*").Single(), Path.Combine(folder, "state"));
        foreach (var change in new Action<JsonObject>[]
        {
            header => header["version"] = 4, header => header["version"] = 6, header => header.Remove("labels"),
            header => header["labels"]!.AsArray().RemoveAt(0), header => header["labels"]![0] = -1,
        })
        {
            var damaged = Path.Combine(folder, "damaged");
            File.Copy(file, damaged, overwrite: true);
            ChangeHeader(damaged, change);
            Assert.Contains("another file", Assert.Throws<DataFileException>(() => EvaluationShard.Merge([damaged], target)).Message);
        }
    }

    // A record is its length, its SHA-256, and JSON.
    private static void ChangeHeader(string file, Action<JsonObject> change)
    {
        var bytes = File.ReadAllBytes(file);
        var end = 40 + (int)BitConverter.ToInt64(bytes);
        var header = JsonNode.Parse(bytes.AsSpan(40..end))!.AsObject();
        change(header);
        var json = Encoding.UTF8.GetBytes(header.ToJsonString());
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)json.Length), .. SHA256.HashData(json), .. json, .. bytes[end..]]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Shards_of_one_batch_that_were_stopped_in_it_are_not_finished(int stopped)
    {
        var options = Options with { BatchSize = 31, Attacks = ["fgsm", "pgd-2"], CheckNetwork = false };
        if (stopped == 1) EvaluateShard(1, 2, options);
        else Assert.Throws<OperationCanceledException>(() => EvaluateShard(1, 2, options, stopAfter: 2));
        Assert.Throws<OperationCanceledException>(() => EvaluateShard(2, 2, options, stopAfter: 2));
        // Of shards that were all stopped alike the first is named.
        Assert.Contains(
            $"shard {(stopped == 1 ? 2 : 1)}, which is not: start it again", Assert.Throws<DataFileException>(() => Merged()).Message);
        Assert.False(File.Exists(Path.Combine(folder, "state")));
    }

    [Fact]
    public void Settings_of_a_shard_that_are_none_are_named_with_the_file()
    {
        foreach (var (name, value) in new[]
        {
            ("shard", "x of y"), ("shard", "3 of 2"), ("BatchSize", "0"), ("BatchSize", null), ("Threat", "L7 0.5"), ("Seed", "?"),
        })
        {
            EvaluateShard(1, 1, Options with { Attacks = ["fgsm"] });
            ChangeHeader(State(1, 1), header => header["settings"]![name] = value);
            Assert.Throws<DataFileException>(() => Merged());
            File.Delete(State(1, 1));
        }
    }

    [Fact]
    public void The_merged_report_is_of_attacks_in_sequence_where_they_were()
    {
        var options = Options with { Sequential = true, CheckNetwork = false };
        for (var number = 1; number <= 2; number++) EvaluateShard(number, 2, options);
        var whole = Evaluate(options);
        var merged = EvaluationShard.Merge(Directory.GetFiles(folder, "state.*-of-*"), Path.Combine(folder, "state"))!;
        Assert.Equal(Text(whole), Text(merged));
    }

    [Fact]
    public void Of_an_attack_of_ones_own_the_evaluation_makes_the_report()
    {
        var own = Attack.Pgd(new PgdOptions { Steps = 3, Loss = (logits, labels) => logits.sum(1) });
        var options = Options with { Attacks = [], MoreAttacks = [own] };
        for (var number = 1; number <= 2; number++) EvaluateShard(number, 2, options);
        Assert.Null(EvaluationShard.Merge(Directory.GetFiles(folder, "state.*-of-*"), Path.Combine(folder, "state")));
        Assert.Equal(Text(Evaluate(options)), Text(Evaluate(options with { StateFile = Path.Combine(folder, "state") })));
    }

    [Fact]
    public void A_shard_reports_its_own_images()
    {
        var (whole, shard) = (Evaluate(Options), EvaluateShard(2));
        var own = new EvaluationShard(2, 3).Rows(61, 8).Select(row => (int)row).ToArray();
        Assert.Equal([.. Enumerable.Range(8, 8), .. Enumerable.Range(32, 8), .. Enumerable.Range(56, 5)], own);
        Assert.Equal(own.Select(row => whole.WorstCase.Correct[row]), shard.WorstCase.Correct);
        Assert.Equal(own.Select(row => whole["fgsm"].Predictions[row]), shard["fgsm"].Predictions);
    }

    [Fact]
    public void Shards_that_were_stopped_go_on_to_the_same_report()
    {
        var whole = Evaluate(Options);
        foreach (var (number, after) in new[] { (1, 3), (2, 5), (3, 1) })
        {
            Assert.Throws<OperationCanceledException>(() => EvaluateShard(number, stopAfter: after));
            EvaluateShard(number);
        }
        Assert.Equal(Text(whole), Text(Evaluate(Options with { StateFile = Merged() })));
    }

    [Fact]
    public void Examples_come_with_the_merged_shards()
    {
        var (one, merged) = (Path.Combine(folder, "one.safetensors"), Path.Combine(folder, "merged.safetensors"));
        Evaluate(Options with { ExamplesFile = one });
        for (var number = 1; number <= 3; number++) EvaluateShard(number, options: Options with { ExamplesFile = merged });
        Assert.False(File.Exists(merged));
        Evaluate(Options with { ExamplesFile = merged, StateFile = Merged() });
        Assert.Equal(File.ReadAllBytes(one), File.ReadAllBytes(merged));
    }

    [Fact]
    public void What_does_not_fit_together_is_refused_by_name()
    {
        EvaluateShard(1);
        EvaluateShard(3);
        Assert.Contains("none of shard 2", Assert.Throws<DataFileException>(() => Merged()).Message);

        Assert.Throws<OperationCanceledException>(() => EvaluateShard(2, stopAfter: 2));
        Assert.Contains("shard 2, which is not: start it again", Assert.Throws<DataFileException>(() => Merged()).Message);

        File.Delete(State(2));
        EvaluateShard(2, options: Options with { Seed = 5 });
        Assert.Contains("Seed: 5 here, 4 there", Assert.Throws<DataFileException>(() => Merged(State(1), State(2), State(3))).Message);

        File.Delete(State(2));
        using (no_grad()) network.parameters().First().mul_(1.1f);
        EvaluateShard(2);
        Assert.Contains("network: ", Assert.Throws<DataFileException>(() => Merged(State(1), State(2), State(3))).Message);
        Assert.Contains("shard 1 of 3 again", Assert.Throws<DataFileException>(() => Merged(State(1), State(1))).Message);

        Evaluate(Options with { StateFile = Path.Combine(folder, "whole") });
        Assert.Contains(
            "that of a whole evaluation", Assert.Throws<DataFileException>(() => Merged(Path.Combine(folder, "whole"))).Message);
        Assert.Contains("none", Assert.Throws<DataFileException>(() => EvaluationShard.Merge([], State(1))).Message);
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, true)]
    public void Processes_of_a_group_get_the_report_of_all(int size, bool keeps)
    {
        var examples = Path.Combine(folder, "one.safetensors");
        var whole = Evaluate(Options with { ExamplesFile = keeps ? examples : null });
        var options = Options with
        {
            StateFile = keeps ? Path.Combine(folder, "state") : null,
            ExamplesFile = keeps ? Path.Combine(folder, "many.safetensors") : null,
        };
        var reports = ThreadGroup.Run(size, group =>
        {
            using var own = TrainerTests.Spec.Build(seed: 1);
            own.eval();
            return new RobustnessEvaluator(options with { Group = group }).Evaluate(own, data.Images, data.Labels);
        });
        Assert.All(reports, report => Assert.Equal(Text(whole), Text(report)));
        if (!keeps) return;
        Assert.Equal(File.ReadAllBytes(examples), File.ReadAllBytes(options.ExamplesFile!));
        Assert.Equal(Text(whole), Text(Evaluate(options with { StateFile = Merged() })));
    }

    [Fact]
    public void Processes_of_a_group_share_a_curve()
    {
        // Random noise shows whose numbers an image has.
        double[] budgets = [0, 0.2, 0.4, 0.6, 0.9];
        var options = new EvaluationOptions { Attacks = [], MoreAttacks = [new NoiseAttack()], BatchSize = 4 };
        var alone = Curve(options);
        var state = Path.Combine(folder, "curve");
        var shared = ThreadGroup.Run(3, group =>
            (Curve(options with { Group = group, StateFile = state }), File.Exists($"{state}-0.2.{group.Rank + 1}-of-3")));
        foreach (var (curve, hasState) in shared)
        {
            Assert.True(hasState);
            foreach (var (here, there) in curve.Points.Zip(alone.Points)) Assert.Equal(there.Correct, here.Correct);
        }
        Assert.False(File.Exists($"{state}-0.2"));
        Assert.InRange(alone.Points.Select(point => point.Accuracy).Distinct().Count(), 4, budgets.Length);

        RobustnessCurve Curve(EvaluationOptions options)
        {
            using var scope = NewDisposeScope();
            var (network, images, labels) = EvaluationProblem.Smooth();
            return RobustnessCurve.Evaluate(network, images, labels, budgets, options);
        }
    }

    [Fact]
    public void Processes_with_other_weights_are_refused()
    {
        var failure = Assert.Throws<AggregateException>(() => ThreadGroup.Run(2, group =>
        {
            using var own = TrainerTests.Spec.Build(seed: group.Rank);
            return new RobustnessEvaluator(Options with { Group = group }).Evaluate(own, data.Images, data.Labels);
        }));
        Assert.All(failure.InnerExceptions, each => Assert.Contains("network is ", each.Message));
    }

    [Theory]
    [InlineData("3/8", "", 3, 8)]
    [InlineData("/8", "SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=0", 3, 8)]
    [InlineData("/8", "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1", 3, 8)]
    [InlineData("/8", "JOB_COMPLETION_INDEX=2", 3, 8)]
    [InlineData("/8", "", 0, 0)]
    [InlineData("/8", "JOB_COMPLETION_INDEX=8", 0, 0)]
    [InlineData("0/8", "", 0, 0)]
    [InlineData("9/8", "", 0, 0)]
    [InlineData("3", "", 0, 0)]
    [InlineData("a/b", "", 0, 0)]
    public void Reads_a_shard_and_the_number_of_a_task(string text, string environment, int number, int count)
    {
        var variables = environment.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        if (count > 0) Assert.Equal(new(number, count), EvaluationShard.Parse(text, variables.GetValueOrDefault));
        else Assert.Throws<ArgumentException>(() => EvaluationShard.Parse(text, variables.GetValueOrDefault));
    }

    private sealed class Progress(Action<int> see) : IProgress<EvaluationProgress>
    {
        private int steps;

        public void Report(EvaluationProgress value) => see(++steps);
    }
}
