using System.Text.Json.Serialization;

namespace Ard.Bench;

/// <summary>
/// <c>bench attack</c>: AutoAttack standard, Linf, on a small adversarially trained network, beside the original in PyTorch on the same
/// weights, images and number of threads. The two sides take turns. The original is not part of this repository: ARD_AUTOATTACK names a
/// checkout of it.
/// </summary>
internal static class AttackBench
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.05);

    private static readonly Option<int> Rounds = Options.Count("--rounds", 3), Points = Options.Count("--points", 256);

    public static Command Command() => Options.Command(
        "attack", "AutoAttack beside the original, a checkout of which ARD_AUTOATTACK names.",
        p => Run(p.GetValue(Rounds), p.GetValue(Points), p.GetValue(Options.Threads)), Rounds, Points, Options.Threads);

    private static void Run(int rounds, int points, int threads)
    {
        var original = Environment.GetEnvironmentVariable("ARD_AUTOATTACK");
        var hasPeer = original is not null && Peer.HasPyTorch;
        set_num_threads(threads);
        var limits = MachineLimits.Measure(CPU);
        using var trained = TrainedNetwork();
        using var network = new PassCounter(trained);
        using var test = Glyphs.Generate(points, seed: 2);
        var images = test.Images.to(ScalarType.Float32).div_(255);
        using var peer = hasPeer ? StartPeer(original!, threads, trained, images, test.Labels) : null;
        Markdown.Title($"AutoAttack standard, {Threat}, {points} points, smallcnn-16, {threads} threads, {rounds} rounds; {limits}; "
            + $"libtorch {__version__}, " + (peer is null ? "nothing to compare with (set ARD_AUTOATTACK)" : $"PyTorch {peer.Version}"));

        _ = (RunOurs(network, images, test.Labels), peer?.Ask<AttackRun>("run standard")); // Warms up.
        network.ImagesTimesUnits = 0;
        var ours = new List<AttackRun>();
        var theirs = new List<AttackRun>();
        for (var round = 0; round < rounds; round++)
        {
            ours.Add(RunOurs(network, images, test.Labels));
            if (peer is not null) theirs.Add(peer.Ask<AttackRun>("run standard"));
        }
        var turns = Turns.Of([.. ours.Select((run, i) => (run.Seconds, peer is null ? double.NaN : theirs[i].Seconds))]);
        var flops = NetworkCost.Forward(network, images) / points * network.ImagesTimesUnits / rounds;
        Markdown.Header("points", "ours, s", "original, s", "ratio", "floor/ours", "robust: ours", "original");
        Markdown.Row(
            $"{points}", $"{turns.Ours:F2}", Markdown.Number(turns.Theirs, "F2"), turns.Range, $"{limits.Floor(flops) / turns.Ours:F2}",
            Robust(ours), Robust(theirs));
    }

    private static string Robust(IEnumerable<AttackRun> runs) =>
        string.Join("/", runs.Select(run => $"{run.Robust}").Distinct().DefaultIfEmpty("-"));

    private static AttackRun RunOurs(Module<Tensor, Tensor> network, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var watch = Stopwatch.StartNew();
        var found = AutoAttack.Standard.Perturb(network, images, labels, Threat);
        var seconds = watch.Elapsed.TotalSeconds;
        return new AttackRun(seconds, (int)network.call(found).argmax(1).eq(labels).sum().item<long>());
    }

    // Robust enough that every part of AutoAttack has points left to work on.
    private static Module<Tensor, Tensor> TrainedNetwork()
    {
        var network = (NetworkSpec.Parse("smallcnn-16") with { InputChannels = 1, ImageSize = Glyphs.ImageSize }).Build(1);
        using var data = Glyphs.Generate(1000, seed: 1);
        Trainer.Fit(
            network, new AdversarialTraining(new() { Inner = new() { Threat = ThreatModel.Linf(0.1), StepSize = 0.05, Steps = 5 } }), data,
            new TrainingOptions
            {
                Epochs = 10,
                Optimizer = new SgdOptimizer { LearningRate = 0.05 },
                Schedule = new OneCycleSchedule(),
                Augmentation = Augmentation.None,
                ValidationFraction = 0,
            });
        return network;
    }

    private static Peer? StartPeer(string original, int threads, Module<Tensor, Tensor> network, Tensor images, Tensor labels)
    {
        var state = network.state_dict().ToDictionary(entry => entry.Key, entry => entry.Value);
        (state["images"], state["labels"], state["epsilon"]) = (images, labels, tensor([(float)Threat.Epsilon]));
        var file = Path.Combine(Path.GetTempPath(), $"ard-bench-{Environment.ProcessId}.safetensors");
        try
        {
            Safetensors.Write(file, state);
            return Peer.PyTorch("attack.py", "--state", file, "--threads", $"{threads}", "--autoattack", original);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>One run of one side.</summary>
    private sealed record AttackRun(double Seconds, [property: JsonPropertyName("robust")] int Robust);
}
