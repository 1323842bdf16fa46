using System.Text.Json.Serialization;
using TorchSharp;

namespace Ard.Bench;

/// <summary>What one side of <c>bench step</c> computes, from what all sides start from.</summary>
internal abstract class StepSide
{
    protected StepSide(StepFiles files, Device device, Module<Tensor, Tensor> student, Module<Tensor, Tensor> teacher)
    {
        (Student, Teacher) = (student, teacher);
        student.load(files.Student);
        student.to(device);
        teacher.load(files.Teacher);
        teacher.to(device);
        teacher.eval();
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        (Images, Labels, Noise) = (files.Read("images").to(device), files.Read("labels").to(device), files.Read("noise").to(device));
        Optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
    }

    protected Module<Tensor, Tensor> Student { get; }

    protected Module<Tensor, Tensor> Teacher { get; }

    protected Tensor Images { get; }

    protected Tensor Labels { get; }

    /// <summary>The start of the attack minus the images.</summary>
    protected Tensor Noise { get; }

    protected optim.Optimizer Optimizer { get; }

    /// <summary>PGD-10 on the student in eval mode: the loss that its first step saw.</summary>
    public abstract (double AttackFirst, double? Loss) Attack();

    /// <summary>A training step of ARD: the same, and the distillation loss.</summary>
    public abstract (double AttackFirst, double? Loss) Train();

}

/// <summary>What all sides start from, in a folder: the student's weights, those of the teacher, a ResNet-18, and a batch.</summary>
internal sealed record StepFiles(string Folder, string Network)
{
    public string Student => Path.Combine(Folder, "student.dat");

    public string Teacher => Path.Combine(Folder, "teacher.dat");

    /// <summary>The same for PyTorch.</summary>
    public string State => Path.Combine(Folder, "state.safetensors");

    /// <summary>images [N,3,32,32] in [0,1], labels [N], or noise.</summary>
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
    public static void Run(StepSide side, Device device)
    {
        Console.WriteLine($"ready {JsonSerializer.Serialize(new { torch = __version__ })}");
        while (Console.ReadLine() is { } line)
        {
            object answer = line switch
            {
                "run pgd" => Timed(side.Attack),
                "run ard" or "run main" => Timed(side.Train),
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
    }
}
