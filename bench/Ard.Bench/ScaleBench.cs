using Ard.Trainers.Distributed;

namespace Ard.Bench;

/// <summary>
/// <c>mpirun -n 2 dotnet Ard.Bench.dll scale</c>: the time of a sum by its size, adversarial training (PGD-10) of all processes together
/// beside one of them alone, each on as many images, and what a model with these constants says of more processes on other networks of
/// cables: a step takes its computation, and a sum of the gradients, 2 (n-1)/n of their bytes over the bandwidth and 2 log2 n latencies.
/// One process and all take turns; the efficiency is the median over the rounds.
/// </summary>
internal static class ScaleBench
{
    private static readonly Option<int> Rounds = Options.Count("--rounds", 3), Seconds = Options.Count("--seconds", 5);
    private static readonly Option<int> Batch = Options.Count("--batch", 16);
    private static readonly Option<int> Latency = Options.Count("--latency", 30);
    private static readonly Option<double?> Rate =
        new("--images-per-second") { Description = "Of one process, for the model alone. Default: as measured." };
    private static readonly Argument<string[]> Networks =
        new("networks") { DefaultValueFactory = _ => ["resnet18", "mobilenetv2", "smallcnn"], Description = "Which." };

    public static Command Command() => Options.Command(
        "scale", "Training by several processes, under mpirun; and a model of many.",
        p => Run(
            p.GetValue(Rounds), p.GetValue(Seconds), p.GetValue(Batch), p.GetValue(Latency), p.GetValue(Rate), p.GetValue(Options.Threads),
            p.GetValue(Networks)!),
        Rounds, Seconds, Batch, Latency, Rate, Options.Threads, Networks);

    private static void Run(int rounds, int seconds, int batch, int latency, double? given, int threads, string[] networks)
    {
        var group = ProcessGroup.Current;
        // The first process speaks.
        if (group.Rank != 0) Console.SetOut(TextWriter.Null);
        if (group.Size > 1)
        {
            Markdown.Title($"A sum over {group.Size} processes, median of 11");
            Markdown.Header("float32", "ms", "GB/s");
            foreach (var count in new[] { 10_000, 100_000, 1_000_000, 11_170_000 })
            {
                var sum = SumSeconds(group, count);
                Markdown.Row($"{count:N0}", Markdown.Number(1000 * sum, "F2"), Markdown.Number(4e-9 * count / sum, "F2"));
            }
        }
        var rates = new Dictionary<string, (double Rate, long Parameters)>();
        Markdown.Title($"Adversarial training, {batch} images a process and step, {threads} threads each: images a second");
        Markdown.Header("network", "one process", $"{group.Size} processes", "efficiency");
        foreach (var name in networks)
        {
            using var network = NetworkSpec.Parse(name).Build(1);
            // As many steps as take a turn's seconds, by the first process's pace.
            var steps = 3;
            if (given is null) steps = (int)Told(group, () => Math.Max(3, Math.Ceiling(Alone(3) * seconds / batch)));
            var turns = (given is null ? Enumerable.Range(0, rounds) : []).Select(_ =>
            {
                var alone = Told(group, () => Alone(steps));
                return (Alone: alone, Together: group.Size > 1 ? ImagesPerSecond(group, name, batch, steps, threads) : double.NaN);
            }).ToArray();
            var rate = given ?? Turns.Median([.. turns.Select(turn => turn.Alone)]);
            rates[name] = (rate, Weights.Count(network));
            Markdown.Row(
                name, Markdown.Number(rate, "F2"), Median(turns.Select(turn => turn.Together)),
                Median(turns.Select(turn => turn.Together / turn.Alone / group.Size)));

            double Alone(int steps) => ImagesPerSecond(ProcessGroup.Alone, name, batch, steps, threads);
            static string Median(IEnumerable<double> values) =>
                Markdown.Number(Turns.Median([.. values.DefaultIfEmpty(double.NaN)]), "F2");
        }
        Markdown.Title($"Model: efficiency of n processes, {latency} microseconds of latency, n and Gbit/s in the heads");
        Markdown.Header(["network", "images a process", .. from speed in new[] { 10, 100 }
            from size in new[] { 8, 64, 1024 } select $"{size}, {speed}"]);
        foreach (var (name, (rate, parameters)) in rates)
        {
            foreach (var images in new[] { 16, 32, 64, 128 })
            {
                var efficiencies = from speed in new[] { 10, 100 }
                                   from size in new[] { 8, 64, 1024 }
                                   let compute = images / rate
                                   let sum = 2.0 * (size - 1) / size * 4 * parameters / (speed * 1e9 / 8)
                                       + 2 * Math.Log2(size) * latency * 1e-6
                                   select Markdown.Number(compute / (compute + sum), "F3");
                Markdown.Row([name, $"{images}", .. efficiencies]);
            }
        }
    }

    // What the first process finds; the others wait for it.
    private static double Told(ProcessGroup group, Func<double> find)
    {
        var found = new[] { group.Rank == 0 ? (float)find() : 0 };
        group.Sum(found);
        return found[0];
    }

    private static void Barrier(ProcessGroup group) => group.Sum(new float[1]);

    private static double SumSeconds(ProcessGroup group, int count)
    {
        var values = new float[count];
        return Turns.Median(Enumerable.Range(0, 11).Select(_ =>
        {
            Barrier(group);
            var watch = Stopwatch.StartNew();
            group.Sum(values);
            return watch.Elapsed.TotalSeconds;
        }).ToArray());
    }

    // Of an epoch of these steps after one that warms up.
    private static double ImagesPerSecond(ProcessGroup group, string name, int batch, int steps, int threads)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        using var data = Options.Noise(batch * steps * group.Size, generator);
        using var network = NetworkSpec.Parse(name).Build(1);
        var last = new Last();
        Trainer.Fit(network, ObjectiveCatalog.ByName("at", new() { Threat = ThreatModel.Cifar10 }), data, new TrainingOptions
        {
            Epochs = 2,
            BatchSize = batch * group.Size,
            ValidationFraction = 0,
            Device = "cpu",
            Threads = threads,
            Group = group,
        }, progress: last);
        return last.Rate;
    }

    private sealed class Last : IProgress<TrainingProgress>
    {
        public double Rate { get; private set; }

        public void Report(TrainingProgress value) => Rate = value.ImagesPerSecond;
    }
}
