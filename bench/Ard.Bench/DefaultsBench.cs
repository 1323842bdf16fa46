using Ard.Trainers.Evaluation;

namespace Ard.Bench;

/// <summary>
/// <c>bench defaults</c>: every method with nothing set but teacher, student and budget, on parts of a data set; the teacher is trained by
/// default too, on more images. What is done is in the output folder, and is not done again: the bench can be stopped and started.
/// </summary>
internal static class DefaultsBench
{
    private const int TestImages = 1000;

    /// <summary>A line of the table; accuracies in percent of the first 1,000 test images.</summary>
    private sealed record Result(string Data, long Images, string Network, string Method, double Clean, double Pgd20, double Seconds);

    private static readonly Option<string> Data = Text("--data", "builtin", "A folder of IDX files or CIFAR-10, or builtin.");
    private static readonly Option<string> Images = Text("--images", "500,1000", "How many the students see, with commas between.");
    private static readonly Option<int> TeacherImages = Options.Count("--teacher-images", 5000);
    private static readonly Option<int?> TeacherEpochs = new("--teacher-epochs") { Description = "Default by the images." };
    private static readonly Option<string> Teacher = Text("--teacher", "tinycnn-16-bn", "The teacher's architecture.");
    private static readonly Option<string> Student = Text("--student", "tinycnn-8-bn", "The students' architecture.");
    private static readonly Option<string> Methods =
        Text("--methods", "at,trades,mart,kd,ard,rslad,iad,adaad,adaiad,adaad+igdm", "With commas between.");
    private static readonly Option<string> Output = Text("--output", "out/defaults", "Where results are kept.");

    public static Command Command() => Options.Command(
        "defaults", "Every method with nothing set but teacher, student and budget.", Run, Data, Images, TeacherImages, TeacherEpochs,
        Teacher, Student, Methods, Output, Options.Threads);

    private static Option<string> Text(string name, string standard, string description) =>
        new(name) { DefaultValueFactory = _ => standard, Description = description };

    private static void Run(ParseResult p)
    {
        set_num_threads(p.GetValue(Options.Threads));
        const long seed = 0;
        var (data, folder) = (p.GetValue(Data)!, Directory.CreateDirectory(p.GetValue(Output)!).FullName);
        long[] counts = [.. p.GetValue(Images)!.Split(',').Select(long.Parse)];
        var most = p.GetValue(TeacherImages);

        using var train = data == "builtin"
            ? Glyphs.Generate((int)Math.Max(most, counts.Max()), seed: 1)
            : ImageDataset.Load(data, DataSplit.Train);
        using var all = data == "builtin" ? Glyphs.Generate(TestImages, seed: 2) : ImageDataset.Load(data, DataSplit.Test);
        using var test = all.Take(Math.Min(TestImages, all.Count));
        var name = data == "builtin" ? data : Path.GetFileName(data.TrimEnd('/'));
        var file = Path.Combine(folder, "results.jsonl");
        List<Result> results = File.Exists(file) ? [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<Result>(line)!)] : [];

        var path = Path.Combine(folder, $"{name}-{most}-{p.GetValue(Teacher)}.safetensors");
        if (!File.Exists(path)) Measure(p.GetValue(Teacher)!, "at", most, seed, teacher: null, save: path);
        using var teacher = ModelFile.Read(path);
        foreach (var count in counts)
        {
            foreach (var method in p.GetValue(Methods)!.Split(','))
            {
                var student = p.GetValue(Student)!;
                if (!results.Any(done => (done.Data, done.Images, done.Network, done.Method) == (name, count, student, method)))
                    Measure(student, method, count, seed + 1, teacher, save: null);
            }
        }
        Console.WriteLine("| data | images | network | method | clean | PGD-20 |\n|---|--:|---|---|--:|--:|");
        foreach (var done in results)
            Markdown.Row(done.Data, $"{done.Images:N0}", done.Network, done.Method, $"{done.Clean:F1}", $"{done.Pgd20:F1}");

        void Measure(string architecture, string method, long count, long networkSeed, Module<Tensor, Tensor>? teacher, string? save)
        {
            var spec = NetworkSpec.Parse(architecture) with
            {
                Classes = train.Classes,
                InputChannels = train.Channels,
                ImageSize = train.Height,
            };
            var settings = ObjectiveCatalog.Applicable(method, new ObjectiveSettings().For(train.Channels));
            var objective = ObjectiveCatalog.ByName(method, settings);
            using var network = spec.Build(networkSeed);
            using var peer = objective.NeedsPeer ? spec.Build(networkSeed + 1) : null;
            using var images = train.Take(count);
            var training = Trainer.Fit(
                new(network, teacher, NaturalTeacher: teacher, peer), objective, images,
                new TrainingOptions { Epochs = save is null ? null : p.GetValue(TeacherEpochs), Seed = seed, Device = "cpu" });
            var threat = new ObjectiveSettings().For(train.Channels).Threat!;
            var report = new RobustnessEvaluator(new() { Threat = threat, Attacks = ["pgd-20"], Seed = seed, CheckNetwork = false })
                .Evaluate(network, test.Images, test.Labels);
            results.Add(new(
                name, count, architecture, method, 100 * report.Clean.Accuracy, 100 * report.WorstCase.Accuracy, training.Seconds));
            File.AppendAllText(file, JsonSerializer.Serialize(results[^1]) + "\n");
            foreach (var warning in training.Warnings) Console.WriteLine($"{name}, {count} images, {method}: {warning}");
            if (save is not null) ModelFile.Write(save, network);
        }
    }
}
