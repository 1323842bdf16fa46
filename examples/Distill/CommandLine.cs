using System.CommandLine;
using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using static Ard.Examples.OptionReading;

namespace Ard.Examples.Distill;

/// <summary>The verbs distill and evaluate with their options.</summary>
internal static class CommandLine
{
    // Options of every verb.
    private static readonly Option<long> Seed = new Option<long>("--seed") { DefaultValueFactory = _ => 0 }
        .Reads("Fixes everything that chance decides. Default 0.", WholeNumber);
    private static readonly Option<string> Device = new Option<string>("--device") { DefaultValueFactory = _ => "auto" }
        .Reads("auto, cpu, cuda or cuda:N. Default auto.", text => text);
    private static readonly Option<int?> Threads = new Option<int?>("--threads")
        .Reads("Threads on the CPU. Default: OMP_NUM_THREADS, else all processors.", text => (int?)Positive(text));

    // Options of distill and evaluate.
    private static readonly Option<string> Data = new Option<string>("--data") { DefaultValueFactory = _ => DataSource.BuiltIn }
        .Reads("A folder of CIFAR-10/100 (binary) or of MNIST or Fashion-MNIST (IDX), or builtin. Default builtin.", text => text);
    private static readonly Option<double?> Epsilon = new Option<double?>("--eps")
        .Reads("The adversary's budget in the maximum norm, such as 0.1 or 8/255. Default 8/255 for colour images, 0.1 for gray ones.",
            text => (double?)Fraction(text));
    private static readonly Option<int?> TestImages = new Option<int?>("--test-images")
        .Reads("Evaluate on the first so many test images. Default all.", text => (int?)Positive(text));

    // Options of distill.
    private static readonly Option<NetworkSpec?> Student = new Option<NetworkSpec?>("--student")
        .Reads("The student's architecture, such as mobilenetv2, resnet-20 or smallcnn-16. Default mobilenetv2; tinycnn-8-bn for builtin.",
            text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<NetworkSpec?> Teacher = new Option<NetworkSpec?>("--teacher")
        .Reads("The teacher's architecture. Default resnet18; tinycnn-16-bn for builtin.", text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<string?> TeacherCheckpoint = new Option<string?>("--teacher-checkpoint")
        .Reads("A safetensors file with the teacher's weights. Default: the teacher is trained first.", text => (string?)text);
    private static readonly Option<string> TeacherMethod = new Option<string>("--teacher-method") { DefaultValueFactory = _ => "at" }
        .Reads("natural, at or trades. Default at.", text => Methods.Checked(text, Methods.WithoutTeacher));
    private static readonly Option<IReadOnlyList<string>> Method =
        new Option<IReadOnlyList<string>>("--method") { DefaultValueFactory = _ => ["ard"] }
        .Reads($"One or more of {string.Join(", ", Methods.Names)}, with commas between; +igdm behind one adds that term. Default ard.",
            text => (IReadOnlyList<string>)[.. text.Split(',').Select(Methods.CheckedStudent).Distinct()]);
    private static readonly Option<Preset?> PrintPreset = new Option<Preset?>("--print-preset")
        .Reads($"Print all settings of a preset, one a line, and exit: {string.Join(", ", Presets.All.Select(preset => preset.Name))}.",
            text => (Preset?)Presets.ByName(text));
    private static readonly Option<int?> Epochs = new Option<int?>("--epochs")
        .Reads("Epochs. Default 30; a preset's own for a method that is one (see --print-preset).", text => (int?)Positive(text));
    private static readonly Option<int?> TeacherEpochs = new Option<int?>("--teacher-epochs")
        .Reads("Epochs of the teacher. Default as the student.", text => (int?)Positive(text));
    private static readonly Option<int> Batch = new Option<int>("--batch") { DefaultValueFactory = _ => 128 }
        .Reads("Images a step. Default 128.", Positive);
    private static readonly Option<double> Rate = new Option<double>("--lr") { DefaultValueFactory = _ => 0.1 }
        .Reads("Base learning rate of SGD with momentum 0.9. Default 0.1.", Fraction);
    private static readonly Option<double?> WeightDecay = new Option<double?>("--weight-decay")
        .Reads("Default 5e-4; a preset's own for a method that is one.", text => (double?)Fraction(text));
    private static readonly Option<Schedule?> ScheduleOption = new Option<Schedule?>("--schedule")
        .Reads($"{string.Join(", ", Schedule.Names)}. Default onecycle; for a preset its drops, moved in proportion to the epochs.",
            text => (Schedule?)Schedule.Parse(text));
    private static readonly Option<int> Steps = new Option<int>("--steps") { DefaultValueFactory = _ => 10 }
        .Reads("Steps of the inner maximisation. Default 10.", Positive);
    private static readonly Option<double?> StepSize = new Option<double?>("--step-size")
        .Reads("Length of a step. Default a quarter of eps.", text => (double?)Fraction(text));
    private static readonly Option<double?> Temperature = new Option<double?>("--temperature")
        .Reads("Temperature of a distillation. Default 4 for kd and ard, else the method's own.", text => (double?)Fraction(text));
    private static readonly Option<double?> Alpha = new Option<double?>("--alpha")
        .Reads("Share of the distillation loss, 0 to 1. Default 1; 5/6 for rslad.", text => (double?)Fraction(text));
    private static readonly Option<Augmentation?> AugmentationOption = new Option<Augmentation?>("--augmentation")
        .Reads("crop-flip or none. Default crop-flip for colour images, none for gray ones.", text => text switch
        {
            "none" => Augmentation.None,
            "crop-flip" => Augmentation.CropAndFlip,
            _ => throw new FormatException("expected crop-flip or none"),
        });
    private static readonly Option<double?> Validation = new Option<double?>("--validation")
        .Reads("Share of the training images that chooses the best epoch. Default 0.05; 0 for a preset.",
            text => (double?)Fraction(text));
    private static readonly Option<int?> TrainImages = new Option<int?>("--train-images")
        .Reads("Train on the first so many images. Default all.", text => (int?)Positive(text));
    private static readonly Option<int?> CheckpointSteps = new Option<int?>("--checkpoint-steps")
        .Reads("Write the checkpoint every so many steps as well as after each epoch.", text => (int?)Positive(text));
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on from the checkpoints in the output folder." };
    private static readonly Option<string> Output = new Option<string>("--output") { DefaultValueFactory = _ => "out/distill" }
        .Reads("Folder for checkpoints, models and summary.json. Default out/distill.", text => text);

    // Options of evaluate.
    private static readonly Option<string> Model = new Option<string>("--model") { Required = true }
        .Reads("The safetensors file: a model or a training checkpoint.", text => text);
    private static readonly Option<NetworkSpec?> Network = new Option<NetworkSpec?>("--network")
        .Reads("The architecture, where the file does not say it.", text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<IReadOnlyList<Attack>> Attacks = new Option<IReadOnlyList<Attack>>("--attacks")
    {
        DefaultValueFactory = _ => [AttackCatalog.ByName("fgsm"), AttackCatalog.ByName("pgd-20")],
    }.Reads($"One or more of {string.Join(", ", AttackCatalog.Names)}, with commas between. Default fgsm,pgd-20.",
        text => (IReadOnlyList<Attack>)[.. text.Split(',').Select(AttackCatalog.ByName)]);

    private static readonly Option[] DistillOptions =
    [
        Data, Student, Teacher, TeacherCheckpoint, TeacherMethod, Method, PrintPreset, Epochs, TeacherEpochs, Batch, Rate, WeightDecay,
        ScheduleOption, Epsilon, Steps, StepSize, Temperature, Alpha, AugmentationOption, Validation, TrainImages, TestImages,
        CheckpointSteps, Resume, Seed, Device, Threads, Output,
    ];

    private static readonly Option[] EvaluateOptions = [Model, Network, Data, Attacks, Epsilon, TestImages, Seed, Device, Threads];

    /// <summary>The whole command line.</summary>
    public static RootCommand Build(CancellationToken cancellation)
    {
        var distill = new Command(
            "distill", "Trains students by the methods of your choice, and the teacher where one is needed; a table and summary.json.");
        var evaluate = new Command("evaluate", "Measures a trained network on clean and on attacked test images.");
        foreach (var option in DistillOptions) distill.Options.Add(option);
        foreach (var option in EvaluateOptions) evaluate.Options.Add(option);

        distill.SetAction(p => p.GetValue(PrintPreset) is { } preset ? Print(preset) : Distill(p).Run(cancellation));
        evaluate.SetAction(p => Evaluation.Run(
            p.GetValue(Model)!, p.GetValue(Network), p.GetValue(Data)!, p.GetValue(Attacks)!, p.GetValue(Epsilon), p.GetValue(TestImages),
            p.GetValue(Seed), p.GetValue(Device)!, p.GetValue(Threads), cancellation));
        return new RootCommand("Adversarially robust distillation. Without a verb: distill.") { distill, evaluate };
    }

    /// <summary>The arguments with the verb that they mean.</summary>
    public static string[] WithVerb(string[] arguments) => arguments switch
    {
        [] => ["distill"],
        [var first, ..] when first.StartsWith("--", StringComparison.Ordinal) && first is not ("--help" or "--version") =>
            ["distill", .. arguments],
        _ => arguments,
    };

    private static int Print(Preset preset)
    {
        Console.WriteLine(preset.Describe());
        return 0;
    }

    private static Experiment Distill(ParseResult p)
    {
        var data = DataSource.Load(p.GetValue(Data)!, p.GetValue(TrainImages), p.GetValue(TestImages));
        var epsilon = p.GetValue(Epsilon) ?? data.DefaultEpsilon;
        var methods = new Methods(
            ThreatModel.Linf(epsilon), p.GetValue(Steps), p.GetValue(StepSize) ?? epsilon / 4, p.GetValue(Temperature), p.GetValue(Alpha));

        TrainingOptions OptionsOf(string method, int? epochs)
        {
            var preset = Methods.ArdPresets.FirstOrDefault(preset => preset.Name == Igdm.HostOf(method, out _));
            var count = epochs ?? preset?.Options.Epochs ?? 30;
            var schedule = preset?.Options.Schedule is MultiStepSchedule steps
                ? steps with { Milestones = [.. steps.Milestones.Select((at, i) => Math.Max(i + 1, at * count / preset.Options.Epochs))] }
                : (Schedule)new OneCycleSchedule();
            return (preset?.Options ?? new TrainingOptions()) with
            {
                Epochs = count,
                BatchSize = p.GetValue(Batch),
                Optimizer = new SgdOptimizer
                {
                    LearningRate = p.GetValue(Rate),
                    WeightDecay = p.GetValue(WeightDecay) ?? preset?.Options.Optimizer.WeightDecay ?? 5e-4,
                },
                Schedule = p.GetValue(ScheduleOption) ?? schedule,
                Augmentation = p.GetValue(AugmentationOption) ?? (data.IsColour ? Augmentation.CropAndFlip : Augmentation.None),
                ValidationFraction = p.GetValue(Validation) ?? preset?.Options.ValidationFraction ?? 0.05,
                Validation = new() { Attacks = ["pgd-10"], Threat = ThreatModel.Linf(epsilon) },
                Seed = p.GetValue(Seed),
                Device = p.GetValue(Device)!,
                Threads = p.GetValue(Threads),
                CheckpointEverySteps = p.GetValue(CheckpointSteps),
                Resume = p.GetValue(Resume),
                CheckpointFolder = p.GetValue(Output),
            };
        }

        return new Experiment
        {
            Data = data,
            TeacherNetwork = data.Fit(p.GetValue(Teacher) ?? NetworkSpec.Parse(data.IsBuiltIn ? "tinycnn-16-bn" : "resnet18")),
            StudentNetwork = data.Fit(p.GetValue(Student) ?? NetworkSpec.Parse(data.IsBuiltIn ? "tinycnn-8-bn" : "mobilenetv2")),
            TeacherCheckpoint = p.GetValue(TeacherCheckpoint),
            TeacherMethod = p.GetValue(TeacherMethod)!,
            StudentMethods = p.GetValue(Method)!,
            Methods = methods,
            TeacherOptions = OptionsOf(p.GetValue(TeacherMethod)!, p.GetValue(TeacherEpochs) ?? p.GetValue(Epochs)),
            StudentOptions = method => OptionsOf(method, p.GetValue(Epochs)),
            Output = p.GetValue(Output)!,
        };
    }
}
