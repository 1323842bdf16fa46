using System.Diagnostics;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Bench;

/// <summary>
/// <c>bench step</c>: one attack of PGD-10 (pgd-) and one training step of ARD, as in its released code (ard-), beside the same computation
/// in PyTorch from the same weights, images and noise, on the same number of threads; main- is the same step of ours beside one that
/// computes what the main.py of that code computes, needed or not.
/// </summary>
internal static class StepBench
{
    private const double Epsilon = 8.0 / 255, StepSize = 2.0 / 255;
    private const int Steps = 10;

    private static readonly string[] Networks = ["resnet18", "mobilenetv2"];

    // The second is the default of the released main.py, whose default student is MobileNetV2, in batches of 128.
    private static readonly string[] Teachers = ["resnet18", "wideresnet-34-10"];

    // Forward passes that the operations of a step are worth: an attack step 2; the student on adversarial images 3, on clean ones 1, the
    // teacher 1.
    private static readonly (string Name, int Passes)[] Methods = [("pgd", 2 * Steps), ("ard", 2 * Steps + 5), ("main", 2 * Steps + 5)];

    public static int Run(string[] args)
    {
        int rounds = 5, batch = 64, threads = CpuThreads.Default;
        // main- last: the memory of the two sides is compared before.
        var all = Methods.OrderBy(method => method.Name == "main").GroupBy(method => method.Name == "main")
            .SelectMany(group => Networks.SelectMany(network => group.Select(method => $"{method.Name}-{network}"))).ToArray();
        var only = new List<string>();
        var (compare, mixed, where, teacherName) = (false, false, "cpu", Teachers[0]);
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--compare") compare = true;
            else if (args[i] == "--mixed") mixed = true;
            else if (args[i] == "--rounds") rounds = Arguments.Number(args, ref i);
            else if (args[i] == "--batch") batch = Arguments.Number(args, ref i);
            else if (args[i] == "--threads") threads = Arguments.Number(args, ref i);
            else if (args[i] == "--device" && i + 1 < args.Length) where = args[++i];
            else if (args[i] == "--teacher" && i + 1 < args.Length && Teachers.Contains(args[i + 1])) teacherName = args[++i];
            else if (all.Contains(args[i])) only.Add(args[i]);
            else
                throw new ArgumentException($"'{args[i]}' is not an option of step: expected --rounds, --batch, --threads, --device, "
                    + $"--mixed, --compare, --teacher {string.Join('|', Teachers)} or some of {string.Join(", ", all)}.");
        }
        if (only.Count == 0) only.AddRange(all);

        set_num_threads(threads);
        var device = TrainingDevice.Find(where);
        var limits = MachineLimits.Measure(device);
        using var generator = new Generator(7);
        var images = rand([batch, 3, 32, 32], generator: generator).to(device);
        var labels = randint(0, 10, [batch], generator: generator).to(device);
        var noise = empty(batch, 3, 32, 32).uniform_(-Epsilon, Epsilon, generator).to(device);
        var teacher = NetworkSpec.Parse(teacherName).Build(1).to(device);
        var students = Networks.ToDictionary(name => name, name => new Student(NetworkSpec.Parse(name).Build(2).to(device), device));
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        teacher.eval();

        var python = PyTorchPeer.FindPython();
        if (python is null && compare)
            throw new InvalidOperationException("--compare needs a Python with PyTorch: set ARD_PYTHON, or install python3-torch.");
        using var peer = python is null ? null : StartPeer(python, threads, where, images, labels, noise, teacherName, teacher, students);
        Console.WriteLine($"Steps, batch {batch}, teacher {teacherName}, {where}, {threads} threads, {rounds} rounds"
            + $"{(mixed ? ", ours in mixed precision" : "")}; {limits}; ours on libtorch {__version__}, "
            + (peer is null ? "no PyTorch found to compare with (ARD_PYTHON names a Python that has it)" : $"PyTorch {peer.Version}"));
        Console.WriteLine($"{"step",-18}{Turns.Header("PyTorch s")}{"floor/ours",12}   same first loss");

        foreach (var step in only)
        {
            var (name, passes) = Methods.Single(method => step.StartsWith(method.Name, StringComparison.Ordinal));
            if (name == "main" && step != only[0] && step == only.First(one => one.StartsWith("main", StringComparison.Ordinal)))
                PrintMemory(peer);
            var network = step[(name.Length + 1)..];
            var student = students[network];
            StepResult Ours()
            {
                using var precision = MixedPrecision.Use(mixed);
                return RunStep(name != "pgd", student, teacher, images, labels, noise);
            }
            student.Reset();
            peer?.Reset();
            // The first turn warms up both sides, and shows that both compute the same thing.
            var (first, theirFirst) = (Ours(), peer?.Run<StepResult>(step));
            var same = theirFirst is null ? "-"
                : Math.Abs(first.AttackFirst / theirFirst.AttackFirst - 1) < (mixed ? 1e-2 : 1e-4) ? "yes"
                : $"NO: {first.AttackFirst} against {theirFirst.AttackFirst}";
            var turns = Turns.Of([.. Enumerable.Range(0, rounds)
                .Select(_ => (Ours().Seconds, peer?.Run<StepResult>(step).Seconds ?? double.NaN))]);
            var flops = NetworkCost.Forward(student.Network, images);
            var teachers = name == "pgd" ? 0 : NetworkCost.Forward(teacher, images) - flops;
            var floor = limits.Floor(passes * flops + teachers);
            Console.WriteLine($"{step,-18}{turns}{floor / turns.Ours,12:F3}   {same}");
        }
        return 0;
    }

    private static void PrintMemory(PyTorchPeer? peer)
    {
        // The most that the process ever had in memory; of this process also what .NET and the measured limits took.
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var theirs = peer is null ? "-" : $"{peer.Memory() >> 20} MB";
        Console.WriteLine($"{"peak memory",-18}ours {process.PeakWorkingSet64 >> 20} MB, PyTorch {theirs}");
    }

    private static StepResult RunStep(bool ard, Student student, Module<Tensor, Tensor> teacher, Tensor images, Tensor labels, Tensor noise)
    {
        using var scope = NewDisposeScope();
        Tensor? attackFirst = null;
        Tensor First(Tensor points)
        {
            var loss = functional.cross_entropy(student.Network.call(points), labels, reduction: Reduction.Sum);
            attackFirst ??= loss.detach().MoveToOtherDisposeScope(scope);
            return loss;
        }

        Devices.Finish(images.device);
        var watch = Stopwatch.StartNew();
        Tensor? distillation = null;
        if (ard)
        {
            student.Network.train();
            var batch = new TrainingBatch
            {
                Student = student.Network,
                Teacher = teacher,
                Images = images,
                Labels = labels,
                Generator = student.Generator,
                StartNoise = noise,
            };
            var inner = ArdOptions.Official.Inner with { Loss = new Watched(First) };
            var objective = new AdversariallyRobustDistillation(ArdOptions.Official with { Inner = inner });
            student.Network.zero_grad();
            distillation = objective.Loss(batch);
            distillation.backward();
            objective.AfterBackward(batch);
            student.Optimizer.step();
        }
        else
        {
            using var state = ModelState.Borrow(student.Network);
            Pgd.Maximise(First, images, images + noise, ThreatModel.Linf(Epsilon), StepSize, Steps);
        }
        Devices.Finish(images.device);
        return new StepResult(watch.Elapsed.TotalSeconds, attackFirst!.item<float>(), distillation?.item<float>());
    }

    /// <summary>Cross-entropy with the labels, whose first value is kept.</summary>
    private sealed class Watched(Func<Tensor, Tensor> loss) : InnerLoss
    {
        public override Func<Tensor, Tensor> On(TrainingBatch batch) => loss;
    }

    /// <summary>A network with the optimizer of the released code of ARD, and the state to go back to.</summary>
    private sealed class Student
    {
        private readonly Dictionary<string, Tensor> initial;

        public Student(Module<Tensor, Tensor> network, Device device)
        {
            Network = network;
            Generator = new Generator(3, device);
            initial = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
            Optimizer = NewOptimizer();
        }

        public Module<Tensor, Tensor> Network { get; }
        public Generator Generator { get; }
        public optim.Optimizer Optimizer { get; private set; }

        public void Reset()
        {
            Network.load_state_dict(initial);
            Optimizer.Dispose();
            Optimizer = NewOptimizer();
        }

        private optim.Optimizer NewOptimizer() => optim.SGD(Network.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
    }

    private static PyTorchPeer StartPeer(
        string python, int threads, string device, Tensor images, Tensor labels, Tensor noise, string teacherName,
        Module<Tensor, Tensor> teacher, Dictionary<string, Student> students)
    {
        var state = new Dictionary<string, Tensor> { ["images"] = images, ["labels"] = labels, ["noise"] = noise };
        foreach (var (name, value) in teacher.state_dict()) state[$"teacher.{name}"] = value;
        foreach (var (network, student) in students)
            foreach (var (name, value) in student.Network.state_dict()) state[$"{network}.{name}"] = value;
        var file = Path.Combine(Path.GetTempPath(), $"ard-bench-{Environment.ProcessId}.safetensors");
        try
        {
            Safetensors.Write(file, state);
            var script = Path.Combine(AppContext.BaseDirectory, "pytorch", "step.py");
            return PyTorchPeer.Start(python, script, file, threads, "--device", device, "--teacher", teacherName);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
