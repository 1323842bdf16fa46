using System.Diagnostics;
using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Bench;

/// <summary>
/// <c>bench step</c>: one attack of PGD-10 and one training step of ARD, as in its released code, beside the same computation in PyTorch from the same weights,
/// images and noise, on the same number of threads. The two sides take turns, so that the machine's changing speed meets both alike.
/// </summary>
internal static class StepBench
{
    private const double Epsilon = 8.0 / 255, StepSize = 2.0 / 255;
    private const int Steps = 10;

    private static readonly string[] Networks = ["resnet18", "mobilenetv2"];

    public static int Run(string[] args)
    {
        int rounds = 5, batch = 64, threads = Environment.ProcessorCount;
        var only = Networks.SelectMany(network => new[] { $"pgd-{network}", $"ard-{network}" }).ToArray();
        var compare = false;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--compare") compare = true;
            else if (args[i] == "--rounds") rounds = Arguments.Number(args, ref i);
            else if (args[i] == "--batch") batch = Arguments.Number(args, ref i);
            else if (args[i] == "--threads") threads = Arguments.Number(args, ref i);
            else if (only.Contains(args[i])) only = [args[i]];
            else throw new ArgumentException($"'{args[i]}' is not an option of step: expected --rounds, --batch, --threads, --compare or one of {string.Join(", ", only)}.");
        }

        set_num_threads(threads);
        using var generator = new Generator(7);
        var images = rand([batch, 3, 32, 32], generator: generator);
        var labels = randint(0, 10, [batch], generator: generator);
        var noise = empty(batch, 3, 32, 32).uniform_(-Epsilon, Epsilon, generator);
        var teacher = NetworkSpec.Parse("resnet18").Build(1);
        var students = Networks.ToDictionary(name => name, name => new Student(NetworkSpec.Parse(name).Build(2)));
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        teacher.eval();

        var python = PyTorchPeer.FindPython();
        if (python is null && compare) throw new InvalidOperationException("--compare needs a Python with PyTorch: set ARD_PYTHON, or install python3-torch.");
        using var peer = python is null ? null : StartPeer(python, threads, images, labels, noise, teacher, students);
        Console.WriteLine($"batch {batch}, {threads} threads, {rounds} rounds; ours on libtorch {__version__}, " +
            (peer is null ? "no PyTorch found to compare with (`./ard bench step --compare` installs it)" : $"PyTorch {peer.Version}"));
        Console.WriteLine($"{"step",-18}{"ours s",10}{"PyTorch s",12}{"ratio",8}{"lowest",9}{"highest",9}   same first loss");

        foreach (var step in only)
        {
            var student = students[step[4..]];
            StepResult Ours() => RunStep(step.StartsWith("ard", StringComparison.Ordinal), student, teacher, images, labels, noise);
            student.Reset();
            peer?.Reset();
            // The first turn warms up both sides, and shows that both compute the same thing.
            var (first, theirFirst) = (Ours(), peer?.Run<StepResult>(step));
            var same = theirFirst is null ? "-" : Math.Abs(first.AttackFirst / theirFirst.AttackFirst - 1) < 1e-4 ? "yes" : $"NO: {first.AttackFirst} against {theirFirst.AttackFirst}";
            var pairs = Enumerable.Range(0, rounds).Select(_ => (Ours: Ours().Seconds, Theirs: peer?.Run<StepResult>(step).Seconds ?? double.NaN)).ToArray();
            var ratios = pairs.Select(pair => pair.Ours / pair.Theirs).Order().ToArray();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{step,-18}{Arguments.Median(pairs.Select(p => p.Ours)),10:F3}{Arguments.Median(pairs.Select(p => p.Theirs)),12:F3}{Arguments.Median(ratios),8:F3}{ratios[0],9:F3}{ratios[^1],9:F3}   {same}"));
        }
        return 0;
    }

    private static StepResult RunStep(bool ard, Student student, Module<Tensor, Tensor> teacher, Tensor images, Tensor labels, Tensor noise)
    {
        using var scope = NewDisposeScope();
        double attackFirst = double.NaN;
        Tensor First(Tensor points)
        {
            var loss = functional.cross_entropy(student.Network.call(points), labels, reduction: Reduction.Sum);
            if (double.IsNaN(attackFirst)) attackFirst = loss.item<float>();
            return loss;
        }

        var watch = Stopwatch.StartNew();
        if (!ard)
        {
            student.Network.eval();
            Pgd.Maximise(First, images, images + noise, ThreatModel.Linf(Epsilon), StepSize, Steps);
            return new StepResult(watch.Elapsed.TotalSeconds, attackFirst, null);
        }

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
        var distillation = objective.Loss(batch);
        student.Optimizer.zero_grad();
        distillation.backward();
        student.Optimizer.step();
        return new StepResult(watch.Elapsed.TotalSeconds, attackFirst, distillation.item<float>());
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

        public Student(Module<Tensor, Tensor> network)
        {
            Network = network;
            initial = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
            Optimizer = NewOptimizer();
        }

        public Module<Tensor, Tensor> Network { get; }
        public Generator Generator { get; } = new(3);
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
        string python, int threads, Tensor images, Tensor labels, Tensor noise, Module<Tensor, Tensor> teacher, Dictionary<string, Student> students)
    {
        var state = new Dictionary<string, Tensor> { ["images"] = images, ["labels"] = labels, ["noise"] = noise };
        foreach (var (name, value) in teacher.state_dict()) state[$"teacher.{name}"] = value;
        foreach (var (network, student) in students)
            foreach (var (name, value) in student.Network.state_dict()) state[$"{network}.{name}"] = value;
        var file = Path.Combine(Path.GetTempPath(), $"ard-bench-{Environment.ProcessId}.safetensors");
        try
        {
            Safetensors.Write(file, state);
            return PyTorchPeer.Start(python, Path.Combine(AppContext.BaseDirectory, "pytorch", "step.py"), file, threads);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
