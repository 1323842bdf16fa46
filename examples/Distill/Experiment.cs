using Ard.Trainers.Checkpoints;
using Ard.Trainers.Distributed;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Examples.Distill;

/// <summary>A teacher, if a method needs one, and one student a method, each trained and then attacked.</summary>
internal sealed record Experiment
{
    public required DataSource Data { get; init; }

    public required NetworkSpec TeacherNetwork { get; init; }

    public required NetworkSpec StudentNetwork { get; init; }

    public string? TeacherCheckpoint { get; init; }

    public string TeacherMethod { get; init; } = "at";

    public required IReadOnlyList<string> StudentMethods { get; init; }

    /// <summary>The recipe that the students follow; null where there is none.</summary>
    public string? Preset { get; init; }

    /// <summary>The students' methods.</summary>
    public required Methods Methods { get; init; }

    /// <summary>The teachers' methods, which no recipe of the students touches.</summary>
    public required Methods TeacherMethods { get; init; }

    public required TrainingOptions TeacherOptions { get; init; }

    public required TrainingOptions StudentOptions { get; init; }

    /// <summary>The base learning rate of all trainings; null for that of the recipe or the method.</summary>
    public double? LearningRate { get; init; }

    /// <summary>The weight decay of all trainings; null for that of the recipe or the method.</summary>
    public double? WeightDecay { get; init; }

    public required string Output { get; init; }

    /// <summary>The page to write. Default report.html in <see cref="Output"/>.</summary>
    public string? Report { get; init; }

    /// <summary>The arguments that say all this.</summary>
    public string Command { get; init; } = "";

    private readonly List<Row> rows = [];
    private HtmlReport page = new("Adversarially robust distillation");

    private string ReportPath => Report ?? Path.Combine(Output, "report.html");

    /// <summary>Trains and evaluates everything; the exit code.</summary>
    public int Run(CancellationToken cancellation)
    {
        TeacherOptions.Validate();
        StudentOptions.Validate();
        Entry.UseThreads(TeacherOptions.Threads);
        Directory.CreateDirectory(Output);
        page = page with
        {
            Introduction = $"{Data.Name}: {Data.Train.Count:N0} training and {Data.Test.Count:N0} test images.",
            ClassNames = Data.Test.ClassNames,
            Reproduction = Command,
            Seed = StudentOptions.Seed,
        };
        var objectives = StudentMethods.Select(Methods.Create).ToArray();
        // Before anything is trained.
        if (StudentOptions.Mixing is not null && objectives.FirstOrDefault(objective => !objective.TakesSoftLabels) is { } hard)
            throw new ArgumentException($"--mix is given, and {hard.Name} needs a class for each image, which mixed ones do not have.");
        Display.Run(display =>
        {
            display.Line(
                $"{Data.Name}: {Data.Train.Count} training and {Data.Test.Count} test images, {Methods.Settings.Threat}; "
                + $"results in {Output}");
            var needsTeacher = objectives.Any(objective => objective.NeedsTeacher)
                || StudentOptions.Auxiliary is { TeacherLabels: true, Share: > 0 };
            using var teacher = !needsTeacher ? null
                : TeacherCheckpoint is null ? TrainedTeacher(TeacherMethod, display, cancellation)
                : TeacherOfFile(TeacherCheckpoint, display, cancellation);
            using var natural = objectives.Any(objective => objective.NeedsNaturalTeacher)
                ? TrainedTeacher("natural", display, cancellation)
                : null;
            foreach (var method in StudentMethods)
            {
                using var student = StudentNetwork.Build(StudentOptions.Seed + 1);
                Train(display, "student", new(student, teacher, natural), StudentNetwork, method, StudentOptions, cancellation);
            }
        });
        Summary.Print(rows);
        Console.WriteLine($"Curves, images and settings: {Path.GetFullPath(ReportPath)}");
        return 0;
    }

    private Module<Tensor, Tensor> TrainedTeacher(string method, Display display, CancellationToken cancellation)
    {
        var teacher = TeacherNetwork.Build(TeacherOptions.Seed);
        Train(display, "teacher", teacher, TeacherNetwork, method, TeacherOptions, cancellation);
        return teacher;
    }

    private Module<Tensor, Tensor> TeacherOfFile(string file, Display display, CancellationToken cancellation)
    {
        var teacher = Evaluation.Read(file, TeacherNetwork);
        teacher.to(TrainingDevice.Find(TeacherOptions.Device));
        teacher.eval();
        Evaluate(display, "teacher", teacher, TeacherNetwork, "from a file", training: null, taught: false, cancellation);
        return teacher;
    }

    private void Train(
        Display display, string role, TrainingNetworks networks, NetworkSpec spec, string method, TrainingOptions options,
        CancellationToken cancellation)
    {
        var network = networks.Student;
        var objective = (role == "teacher" ? TeacherMethods : Methods).Create(method);
        var (name, title) = ($"{role}-{method}", Methods.Title(method));
        options = options.WithDefaults(objective, Data.Train);
        options = options with
        {
            Optimizer = options.Optimizer! with
            {
                LearningRate = LearningRate ?? options.Optimizer.LearningRate,
                WeightDecay = WeightDecay ?? options.Optimizer.WeightDecay,
            },
            // Every training has a folder of its own.
            CheckpointFolder = Path.Combine(Output, name),
        };
        var last = Path.Combine(options.CheckpointFolder, "last.safetensors");
        if (options.Resume || File.Exists(last))
            display.Line($"{role}, {title}: " + (!options.Resume ? $"begins anew, and replaces the training in {options.CheckpointFolder}"
                : File.Exists(last) ? $"goes on from {last}" : $"begins, for there is no {last}"));
        // Of the student's architecture, with weights of its own.
        using var peer = objective.NeedsPeer ? spec.Build(options.Seed + 2) : null;
        TrainingResult result;
        try
        {
            result = Trainer.Fit(
                networks with { Peer = peer }, objective, Data.Train, options, progress: display.Training($"{role}, {title}"),
                cancellation: cancellation);
        }
        catch (ArgumentException exception) when (exception.Message.Contains(nameof(TrainingOptions.AcceptTeacherNearChance)))
        {
            var message = exception.Message.Replace(nameof(TrainingOptions.AcceptTeacherNearChance), "--any-teacher");
            throw new ArgumentException(message, exception);
        }
        if (result.AuxiliaryLabels is { } noise) display.Line($"{role}, {title}, auxiliary labels: {noise}");
        var extra = options.Auxiliary is { Share: > 0 } auxiliary ? $" and {auxiliary.Images?.Count} auxiliary ones" : "";
        var card = ModelCard.Create(network, result) with
        {
            Data = $"{Data.Name}, {Data.Train.Count} training images{extra}",
            Preset = (role == "student" ? Preset : null) ?? "none",
            ClassNames = Data.Train.ClassNames.Count > 0 ? Data.Train.ClassNames : null,
        };
        if (ProcessGroup.Current.Rank == 0)
        {
            ModelFile.Write(
                Path.Combine(Output, $"{name}.safetensors"), network,
                new Dictionary<string, string> { [ModelCard.MetadataName] = card.ToJson() });
        }
        Evaluate(display, role, network, spec, title, result, objective.NeedsTeacher, cancellation);
    }

    private void Evaluate(
        Display display, string role, Module<Tensor, Tensor> network, NetworkSpec spec, string method, TrainingResult? training,
        bool taught, CancellationToken cancellation)
    {
        var evaluation = new EvaluationOptions
        {
            Threat = Methods.Settings.Threat!,
            Attacks = ["fgsm", "pgd-20"],
            Seed = StudentOptions.Seed,
        };
        var report = new RobustnessEvaluator(evaluation)
            .Evaluate(network, Data.Test.Images, Data.Test.Labels, display.Evaluation($"{role}, {method}"), cancellation);
        var row = new Row(
            $"{role} {spec}", method, Weights.Count(network), Math.Round(training?.Seconds ?? 0, 3),
            Percent(report.Clean), Percent(report["fgsm"]), Percent(report["pgd-20"]))
        {
            Warnings = training?.Warnings ?? [],
            Flags = [.. report.Flags.Select(flag => $"{flag}")],
        };
        if (taught && rows.FirstOrDefault(other => other.Model.StartsWith("teacher", StringComparison.Ordinal)) is { } teacher
            && teacher.Pgd20 < row.Pgd20 && teacher.Clean < row.Clean)
            row = row with
            {
                Warnings = [.. row.Warnings, $"the student is better than its teacher, on clean images and under PGD-20: "
                    + "a teacher that was trained longer, or on more images, may give a better student"],
            };
        rows.Add(row);
        // The first process writes for all.
        if (ProcessGroup.Current.Rank != 0) return;
        // After each model, so that what is done is not lost with what is not.
        Summary.Write(Path.Combine(Output, "summary.json"), rows);
        var model = Pages.Model($"{role}, {method}", network, spec, Data.Test, evaluation, cancellation);
        page = page with { Models = [.. page.Models, model with { Training = training, Robustness = report }] };
        page.Save(ReportPath);
        display.Line($"{role}, {method}: clean {row.Clean:F1} %, FGSM {row.Fgsm:F1} %, PGD-20 {row.Pgd20:F1} % ({row.Duration})");
    }

    private static double Percent(AttackResult result) => Math.Round(100 * result.Accuracy, 3);
}
