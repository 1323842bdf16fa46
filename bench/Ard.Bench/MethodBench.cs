namespace Ard.Bench;

/// <summary>
/// <c>bench methods</c>: one training step of every method, beside the bare passes through the networks that it cannot do without (counted
/// as it makes them, and timed in the same run), and beside the floor of their operations.
/// </summary>
internal static class MethodBench
{
    private static readonly string[] All = [.. ObjectiveCatalog.Names, "ard+awp", "ard+igdm", "ard+fast", "rslad+fast", "adaad+fast"];

    private static readonly Option<int> Rounds = Options.Count("--rounds", 3), Batch = Options.Count("--batch", 64);
    private static readonly Option<string> Network = new("--network") { DefaultValueFactory = _ => "resnet-20" };
    private static readonly Argument<string[]> Methods = new("methods") { DefaultValueFactory = _ => All, Description = "Which of them." };

    public static Command Command()
    {
        Methods.AcceptOnlyFromAmong(All);
        return Options.Command(
            "methods", "A training step of every method beside the bare passes through its networks.",
            p => Run(p.GetValue(Rounds), p.GetValue(Batch), p.GetValue(Network)!, p.GetValue(Options.Threads), p.GetValue(Methods)!),
            Rounds, Batch, Network, Options.Threads, Methods);
    }

    private static void Run(int rounds, int batchSize, string network, int threads, string[] names)
    {
        set_num_threads(threads);
        var limits = MachineLimits.Measure(CPU);
        using var generator = new Generator(7);
        using var images = rand([batchSize, 3, 32, 32], generator: generator);
        using var labels = randint(0, 10, [batchSize], generator: generator);
        using var teacher = new PassCounter(NetworkSpec.Parse(network).Build(1));
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        teacher.eval();
        var flops = NetworkCost.Forward(teacher, images);
        Markdown.Title(
            $"A training step, {network}, batch {batchSize}, {threads} threads, {rounds} rounds; {limits}; libtorch {__version__}");
        Markdown.Header("method", "passes", "ours, s", "passes, s", "ratio", "floor/ours");
        foreach (var name in names)
        {
            using var student = new PassCounter(NetworkSpec.Parse(network).Build(2));
            using var peer = new PassCounter(NetworkSpec.Parse(network).Build(3));
            PassCounter[] networks = [student, teacher, peer];
            using var optimizer = optim.SGD(student.parameters().Concat(peer.parameters()), 0.1, momentum: 0.9, weight_decay: 2e-4);
            var objective = ObjectiveCatalog.ByName(name);
            using var memory = new ObjectiveMemory();
            void Step()
            {
                using var scope = NewDisposeScope();
                var batch = new TrainingBatch
                {
                    Student = student,
                    Teacher = teacher,
                    NaturalTeacher = teacher,
                    Peer = peer,
                    Images = images,
                    Labels = labels,
                    Generator = generator,
                    Memory = memory,
                    Epoch = 100,
                    Epochs = 200,
                };
                student.zero_grad();
                peer.zero_grad();
                objective.Loss(batch).backward();
                objective.AfterBackward(batch);
                optimizer.step();
            }

            student.train();
            Step(); // Some methods remember something from their first step on.
            var before = networks.SelectMany(each => each.Passes).ToArray();
            Step();
            var passes = networks.SelectMany(each => each.Passes).Zip(before, (now, then) => now - then).ToArray();
            var units = passes.Select((count, kind) => count * (kind % 3 + 1)).Sum();
            var turns = Turns.Measure(rounds, () => Turns.Seconds(Step), () => Passes(networks, images, passes));
            Markdown.Row(
                name, $"{units}", $"{turns.Ours:F3}", $"{turns.Theirs:F3}", turns.Range, $"{limits.Floor(units * flops) / turns.Ours:F2}");
        }
    }

    // Seconds of so many bare passes: of each network without a graph, with one to the images, with one to the parameters.
    private static double Passes(PassCounter[] networks, Tensor images, int[] counts)
    {
        double seconds = 0;
        for (var kind = 0; kind < counts.Length; kind++)
        {
            if (counts[kind] == 0) continue;
            seconds += counts[kind] * Turns.Seconds(() => Pass(networks[kind / 3], kind % 3, images));
        }
        return seconds;
    }

    private static void Pass(Module<Tensor, Tensor> network, int kind, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var graph = set_grad_enabled(kind > 0);
        var leaf = kind == 1 ? images.detach().requires_grad_() : images;
        var sum = network.call(leaf).sum();
        if (kind == 1) autograd.grad([sum], [leaf]);
        else if (kind == 2) sum.backward();
    }
}
