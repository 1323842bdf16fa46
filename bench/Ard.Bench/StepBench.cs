namespace Ard.Bench;

/// <summary>
/// <c>bench step</c>: one attack of PGD-10 (pgd-) and one training step of ARD (ard-, main-) in a process of ours, beside PyTorch and
/// beside the step of the released main.py written plainly in TorchSharp (Plain/), from the same weights, images and noise, on as many
/// threads. PyTorch computes nothing twice in ard-, and what main.py computes, needed or not, in main-. Each row has fresh processes.
/// </summary>
internal static class StepBench
{
    // Forward passes that the operations of a step are worth: an attack step 2; the student on adversarial images 3, on clean ones 1, the
    // teacher 1.
    private static readonly (string Name, int Passes)[] Methods = [("pgd", 20), ("ard", 25), ("main", 25)];

    private static readonly string[] All =
        [.. from network in new[] { "resnet18", "mobilenetv2" } from method in Methods select $"{method.Name}-{network}"];

    private static readonly Option<int> Rounds = Options.Count("--rounds", 5), Batch = Options.Count("--batch", 32);
    private static readonly Option<string> Where = new("--device") { DefaultValueFactory = _ => "cpu", Description = "cpu or cuda:N." };
    private static readonly Option<bool> Mixed = new("--mixed") { Description = "Ours in mixed precision." };
    private static readonly Argument<string[]> Steps = new("steps") { DefaultValueFactory = _ => All, Description = "Which of them." };

    public static Command Command()
    {
        Steps.AcceptOnlyFromAmong(All);
        return Options.Command(
            "step", "An attack and a training step beside PyTorch and beside plain TorchSharp.",
            p => Run(
                p.GetValue(Rounds), p.GetValue(Batch), p.GetValue(Options.Threads), p.GetValue(Where)!, p.GetValue(Mixed),
                p.GetValue(Steps)!),
            Rounds, Batch, Options.Threads, Where, Mixed, Steps);
    }

    /// <summary>One side in a process of its own: <c>bench side ours|plain NETWORK FOLDER</c>.</summary>
    public static Command Side()
    {
        Argument<string> side = new("side"), network = new("network"), folder = new("folder");
        var command = Options.Command("side", "", Run, side, network, folder, Options.Threads, Where, Mixed);
        command.Hidden = true;
        return command;

        void Run(ParseResult p)
        {
            set_num_threads(p.GetValue(Options.Threads));
            var (files, place) = (new StepFiles(p.GetValue(folder)!, p.GetValue(network)!), device(p.GetValue(Where)!));
            StepSide steps = p.GetValue(side) == "plain"
                ? new Plain.PlainStep(files, place)
                : new ArdStep(files, place, p.GetValue(Mixed));
            StepServer.Run(steps, place);
        }
    }

    private static void Run(int rounds, int batch, int threads, string where, bool mixed, string[] steps)
    {
        var hasPyTorch = Peer.HasPyTorch;
        set_num_threads(threads);
        var limits = MachineLimits.Measure(TrainingDevice.Find(where));
        Markdown.Title($"A step, batch {batch}, {where}, {threads} threads, {rounds} rounds{(mixed ? ", ours in mixed precision" : "")}; "
            + $"{limits}; libtorch {__version__}");
        Markdown.Header(
            "step", "ours, s", "PyTorch, s", "ratio", "plain TorchSharp, s", "ratio", "floor/ours", "peak MB: ours", "PyTorch", "plain");
        foreach (var step in steps)
        {
            var (method, network) = (step.Split('-')[0], step.Split('-')[1]);
            var files = new StepFiles(Directory.CreateTempSubdirectory("ard-bench-").FullName, network);
            try
            {
                var flops = Write(files, batch, Methods.Single(one => one.Name == method).Passes, method != "pgd");
                string[] more = ["--threads", $"{threads}", "--device", where];
                using var ours = Peer.Self(["side", "ours", network, files.Folder, .. more, .. mixed ? ["--mixed"] : (string[])[]]);
                using var plain = Peer.Self(["side", "plain", network, files.Folder, .. more]);
                using var pytorch = Peer.PyTorch("step.py", ["--state", files.State, "--student", network, .. more]);
                Measure(step, $"run {method}", rounds, limits.Floor(flops), mixed, ours, pytorch, plain);
            }
            finally
            {
                Directory.Delete(files.Folder, recursive: true);
            }
        }
    }

    private static void Measure(string step, string line, int rounds, double floor, bool mixed, Peer ours, Peer? pytorch, Peer plain)
    {
        // The first turn warms up all sides, and shows that they compute the same thing.
        var first = ours.Ask<StepResult>(line);
        foreach (var other in new[] { pytorch?.Ask<StepResult>(line), plain.Ask<StepResult>(line) })
        {
            if (other is not null && Math.Abs(first.AttackFirst / other.AttackFirst - 1) > (mixed ? 1e-2 : 1e-4))
                throw new InvalidOperationException($"{step}: the first loss is {first.AttackFirst} here and {other.AttackFirst} there.");
        }
        var turns = Enumerable.Range(0, rounds).Select(_ => (
            Ours: ours.Ask<StepResult>(line).Seconds,
            PyTorch: pytorch?.Ask<StepResult>(line).Seconds ?? double.NaN,
            Plain: plain.Ask<StepResult>(line).Seconds)).ToArray();
        var (beside, port) = (Turns.Of([.. turns.Select(t => (t.Ours, t.PyTorch))]), Turns.Of([.. turns.Select(t => (t.Ours, t.Plain))]));
        Markdown.Row(
            step, $"{beside.Ours:F2}", Markdown.Number(beside.Theirs, "F2"), beside.Range, $"{port.Theirs:F2}", port.Range,
            $"{floor / beside.Ours:F2}", Megabytes(ours), Megabytes(pytorch), Megabytes(plain));
    }

    private static string Megabytes(Peer? side) => side is null ? "-" : $"{side.Ask<Memory>("memory").Peak >> 20}";

    // Returns the floating-point operations of a step.
    private static double Write(StepFiles files, int batch, int passes, bool hasTeacher)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(7);
        using var teacher = NetworkSpec.Parse("resnet18").Build(1);
        using var student = NetworkSpec.Parse(files.Network).Build(2);
        var state = new Dictionary<string, Tensor>
        {
            ["images"] = rand([batch, 3, 32, 32], generator: generator),
            ["labels"] = randint(0, 10, [batch], generator: generator),
            ["noise"] = empty(batch, 3, 32, 32).uniform_(-8.0 / 255, 8.0 / 255, generator),
        };
        foreach (var (name, value) in state) value.save(Path.Combine(files.Folder, $"{name}.dat"));
        teacher.save(files.Teacher);
        student.save(files.Student);
        foreach (var (name, value) in teacher.state_dict()) state[$"teacher.{name}"] = value;
        foreach (var (name, value) in student.state_dict()) state[$"student.{name}"] = value;
        Safetensors.Write(files.State, state);
        var flops = NetworkCost.Forward(student, state["images"]);
        return passes * flops + (hasTeacher ? NetworkCost.Forward(teacher, state["images"]) - flops : 0);
    }
}
