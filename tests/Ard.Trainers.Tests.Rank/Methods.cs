using System.Security.Cryptography;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Data;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Trainers.Tests.Rank;

/// <summary>Trainings of three epochs on 61 built-in images, whose last batch is smaller than the others.</summary>
internal static class Methods
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    private static TrainingOptions Options => new()
    {
        Epochs = 3,
        BatchSize = 8,
        Optimizer = new SgdOptimizer { LearningRate = 0.02 },
        Validation = new EvaluationOptions { Attacks = ["pgd-3"], Threat = Threat },
        ValidationFraction = 0.15,
        Device = "cpu",
        AcceptTeacherNearChance = true,
    };

    /// <summary>Trains by a method of the catalogue, and what stands behind a space: float32, ema, clip. In float64 otherwise.</summary>
    /// <returns>The digest of the weights, which are written to the folder by rank 0.</returns>
    public static string Train(string method, string folder)
    {
        var words = method.Split(' ');
        var settings = words[0] is "natural" ? new() : words[0] is "free"
            ? new ObjectiveSettings { Threat = Threat, Replays = 2 }
            : new ObjectiveSettings { Threat = Threat, Steps = 2 };
        var options = Options;
        if (words.Contains("ema")) options = options with { Averaging = new ExponentialAveraging { Decay = 0.9 } };
        if (words.Contains("clip")) options = options with { ClipGradientNorm = 0.1 };
        var type = words.Contains("float32") ? ScalarType.Float32 : ScalarType.Float64;
        using var data = Glyphs.Generate(61, seed: 1);
        using var student = Network(3, type);
        using var teacher = Network(4, type);
        teacher.eval();
        Trainer.Fit(new(student, teacher), ObjectiveCatalog.ByName(words[0], settings), data, options);
        if (ProcessGroup.Current.Rank == 0)
            Safetensors.Write(Path.Combine(folder, $"{method}.safetensors"), student.state_dict().Select(pair => (pair.Key, pair.Value)));
        using var scope = NewDisposeScope();
        return Convert.ToHexString(SHA256.HashData([.. student.state_dict().SelectMany(pair => pair.Value.contiguous().bytes.ToArray())]));
    }

    /// <summary>Trains for so many epochs, saying each step, and goes on from where an earlier process was.</summary>
    public static int Run(string folder, int epochs)
    {
        using var data = Glyphs.Generate(61, seed: 1);
        using var student = Network(3, ScalarType.Float64);
        var options = Options with
        {
            Epochs = epochs,
            CheckpointFolder = folder,
            CheckpointEverySteps = 2,
            Resume = true,
            ProgressInterval = TimeSpan.Zero,
            ValidationFraction = 0,
        };
        Console.WriteLine($"rank {ProcessGroup.Current.Rank} is process {Environment.ProcessId}");
        var objective = ObjectiveCatalog.ByName("free", new ObjectiveSettings { Threat = Threat, Replays = 2 });
        Trainer.Fit(student, objective, data, options, progress: new Lines());
        if (ProcessGroup.Current.Rank == 0)
            Safetensors.Write(Path.Combine(folder, "end.safetensors"), student.state_dict().Select(pair => (pair.Key, pair.Value)));
        return 0;
    }

    /// <summary>AutoAttack on 256 images in 8 batches, or a shard of it; the report as JSON, where it is of all.</summary>
    public static int Evaluate(string folder, EvaluationShard? shard)
    {
        using var scope = NewDisposeScope();
        using var training = Glyphs.Generate(600, seed: 1);
        using var data = Glyphs.Generate(256, seed: 2);
        using var network = Network(3, ScalarType.Float32);
        var options = Options with { Epochs = 4, BatchSize = 50, ValidationFraction = 0, Threads = 1, Group = ProcessGroup.Alone };
        Trainer.Fit(network, ObjectiveCatalog.ByName("natural"), training, options);
        var report = new RobustnessEvaluator(new EvaluationOptions
        {
            Threat = ThreatModel.Linf(0.04),
            Attacks = ["autoattack"],
            BatchSize = 32,
            Shard = shard,
            StateFile = Path.Combine(folder, shard is null ? "state" : $"state.{shard.Number}-of-{shard.Count}"),
        }).Evaluate(network, data.Images, data.Labels, new Steps());
        if (shard is null) File.WriteAllText(Path.Combine(folder, "report.json"), System.Text.Json.JsonSerializer.Serialize(report));
        return 0;
    }

    private static Module<Tensor, Tensor> Network(long seed, ScalarType type) =>
        (NetworkSpec.Parse("tinycnn-4") with { InputChannels = 1, ImageSize = 16, BatchNorm = false }).Build(seed).to(type);

    private sealed class Steps : IProgress<EvaluationProgress>
    {
        private int count;

        public void Report(EvaluationProgress value) => Console.WriteLine($"step {++count}");
    }

    private sealed class Lines : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => Console.WriteLine($"epoch {value.Epoch} step {value.Step}");
    }
}
