using Ard.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Bench;

/// <summary>
/// <c>bench growth</c>: how the time grows with the number of images, classes and models, the size of the images, the width of the network
/// and the steps of the attack, each over what it should be proportional to; 1 is a straight line. Then the memory of scoring a stream.
/// </summary>
internal static class GrowthBench
{
    private static readonly Option<int> Rounds = Options.Count("--rounds", 3);

    public static Command Command() => Options.Command(
        "growth", "How time grows with images, classes, models, widths and steps; memory with rows.",
        p => Run(p.GetValue(Rounds), p.GetValue(Options.Threads)), Rounds, Options.Threads);

    private static void Run(int rounds, int threads)
    {
        set_num_threads(threads);
        Markdown.Title($"Growth, {threads} threads, {rounds} rounds, libtorch {__version__}: seconds, and in brackets seconds over what "
            + "they should be proportional to, as a multiple of the first");
        Markdown.Header("what grows", "first", "second", "third");

        // Per image: an attack of PGD-10, in batches of 128.
        Row("images attacked", [256, 512, 1024], n => n, n => Attack("tinycnn-16-bn", images: n));
        // Per operation: a training step of ARD.
        Row("classes", [10, 100, 1000], _ => 1, n => Step("resnet-20", classes: n));
        Row("side of the images", [16, 32, 64], n => n * n, n => Step("resnet-20", side: n));
        Row("width", [16, 32, 64], n => n * n, n => Step("resnet-20", width: n));
        Row("attack steps", [5, 10, 20], n => 2 * n + 5, n => Step("resnet-20", steps: n));
        Row("teachers", [1, 2, 4], n => 24 + n, n => Step("resnet-20", teachers: n));
        Stream();

        void Row(string what, int[] sizes, Func<double, double> expected, Func<int, Action> work)
        {
            var actions = sizes.Select(work).ToArray();
            foreach (var action in actions) action();
            // The sizes take turns.
            var turns = Enumerable.Range(0, rounds).Select(_ => actions.Select(Turns.Seconds).ToArray()).ToArray();
            var seconds = sizes.Select((_, i) => Turns.Median(turns.Select(turn => turn[i]))).ToArray();
            Markdown.Row([what, .. sizes.Select((size, i) =>
                $"{size}: {seconds[i]:F3} ({seconds[i] / seconds[0] * expected(sizes[0]) / expected(size):F2})")]);
        }
    }

    private static Action Attack(string name, int images)
    {
        var network = NetworkSpec.Parse(name).Build(1);
        network.eval();
        var (points, labels) = Batch(images, 10, 32);
        var attack = new Pgd(new PgdOptions { Steps = 10, Keep = KeptPoint.Last });
        return () =>
        {
            for (var first = 0; first < images; first += 128)
            {
                using var scope = NewDisposeScope();
                attack.Perturb(network, points.narrow(0, first, 128), labels.narrow(0, first, 128), ThreatModel.Cifar10);
            }
        };
    }

    private static Action Step(string name, int classes = 10, int side = 32, int width = 16, int steps = 10, int teachers = 1)
    {
        var spec = NetworkSpec.Parse(name) with { Classes = classes, Width = width };
        var student = spec.Build(2);
        Module<Tensor, Tensor> teacher = new TeacherEnsemble([.. Enumerable.Range(0, teachers).Select(seed => spec.Build(10 + seed))]);
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        teacher.eval();
        var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var objective = ObjectiveCatalog.ByName("ard", new() { Steps = steps });
        var generator = new Generator(5);
        var (images, labels) = Batch(32, classes, side);
        return () =>
        {
            using var scope = NewDisposeScope();
            var batch = new TrainingBatch { Student = student, Teacher = teacher, Images = images, Labels = labels, Generator = generator };
            student.zero_grad();
            objective.Loss(batch).backward();
            optimizer.step();
        };
    }

    private static (Tensor Images, Tensor Labels) Batch(int count, int classes, int side)
    {
        using var generator = new Generator(7);
        return (rand([count, 3, side, side], generator: generator), randint(0, classes, [count], generator: generator));
    }

    private static void Stream()
    {
        var ml = new MLContext(seed: 1);
        var few = ml.Data.LoadFromEnumerable(Pictures(20).ToArray());
        var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(few);
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "smallcnn-4",
            Method = "natural",
            Training = new() { Epochs = 1, ValidationFraction = 0 },
        }).Fit(keys.Transform(few));
        Markdown.Title("Scoring a stream: memory of the process, and live tensors");
        Markdown.Header("rows", "MB", "tensors");
        foreach (var rows in new[] { 4096, 4096, 8192, 16384 })
        {
            var scored = classifier.Transform(keys.Transform(ml.Data.LoadFromEnumerable(Pictures(rows))));
            using (var cursor = scored.GetRowCursor([scored.Schema["PredictedLabel"]]))
            {
                while (cursor.MoveNext())
                {
                }
            }
            GC.Collect();
            using var process = Process.GetCurrentProcess();
            Markdown.Row($"{rows}", $"{process.WorkingSet64 >> 20}", $"{Tensor.TotalCount}");
        }
    }

    private static IEnumerable<Picture> Pictures(int count)
    {
        for (var n = 0; n < count; n++) yield return new Picture { Features = new float[3 * 32 * 32], Label = n % 2 == 0 ? "even" : "odd" };
    }

    private sealed class Picture
    {
        [VectorType(3, 32, 32)]
        public float[] Features { get; set; } = [];

        public string Label { get; set; } = "";
    }
}
