using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Ard.Bench;

/// <summary>What one side of <c>bench step</c> computes.</summary>
internal interface IStepSide
{
    /// <summary>PGD-10 on the student in eval mode: the loss that its first step saw.</summary>
    (double AttackFirst, double? Loss) Attack();

    /// <summary>A training step of ARD: the same, and the distillation loss.</summary>
    (double AttackFirst, double? Loss) Train();

    /// <summary>Weights, statistics and optimizer as they were at the start.</summary>
    void Reset();
}

/// <summary>What all sides start from, in a folder: the student's weights, those of the teacher, a ResNet-18, and a batch.</summary>
internal sealed record StepFiles(string Folder, string Network)
{
    public string Student => Path.Combine(Folder, "student.dat");

    public string Teacher => Path.Combine(Folder, "teacher.dat");

    /// <summary>The same for PyTorch.</summary>
    public string State => Path.Combine(Folder, "state.safetensors");

    /// <summary>images [N,3,32,32] in [0,1], labels [N], or noise: the start of the attack minus the images.</summary>
    public Tensor Read(string name) => Tensor.load(Path.Combine(Folder, $"{name}.dat"));
}

/// <summary>One step on one side.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="AttackFirst">Summed cross-entropy that the first attack step saw: must agree between the sides right after a reset.</param>
/// <param name="Loss">The distillation loss; null where only an attack was run.</param>
internal sealed record StepResult(double Seconds, [property: JsonPropertyName("attack_first")] double AttackFirst, double? Loss);

/// <summary>The most bytes that a process ever had in memory.</summary>
internal sealed record Memory(long Peak);

/// <summary>A side as a process of its own: bench/pytorch/step.py describes the lines.</summary>
internal static class StepServer
{
    public static void Run(IStepSide side, Device device)
    {
        Console.WriteLine($"ready {JsonSerializer.Serialize(new { torch = __version__ })}");
        while (Console.ReadLine() is { } line)
        {
            object answer = line switch
            {
                "run pgd" => Timed(side.Attack),
                "run ard" or "run main" => Timed(side.Train),
                "reset" => new { reset = Reset() },
                "memory" => new Memory(Process.GetCurrentProcess().PeakWorkingSet64),
                _ => new { error = $"unknown line '{line}'" },
            };
            Console.WriteLine(JsonSerializer.Serialize(answer, JsonSerializerOptions.Web));
        }

        StepResult Timed(Func<(double AttackFirst, double? Loss)> step)
        {
            Devices.Finish(device);
            var watch = Stopwatch.StartNew();
            var (attackFirst, loss) = step();
            Devices.Finish(device);
            return new(watch.Elapsed.TotalSeconds, attackFirst, loss);
        }

        bool Reset()
        {
            side.Reset();
            return true;
        }
    }
}
