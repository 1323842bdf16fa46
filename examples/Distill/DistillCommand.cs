using System.CommandLine;
using Ard.Trainers.Attacks;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verb distill: its options, and the <see cref="Experiment"/> that they say.</summary>
internal static class DistillCommand
{
    private static readonly Option<NetworkSpec?> Student = One(
        "--student", "The student's architecture, such as mobilenetv2, resnet-20 or smallcnn-16. Default by images and device: see "
        + "--teacher.", NetworkSpec.Parse);
    private static readonly Option<NetworkSpec?> Teacher = One(
        "--teacher", "The teacher's architecture. Default that of --teacher-checkpoint; else resnet18, for the student mobilenetv2; "
        + "smallcnn-32-bn and smallcnn-16-bn for gray images and on the CPU; tinycnn-16-bn and tinycnn-8-bn for images of at most 16 "
        + "pixels; resnet-20 and resnet-8 for images that are not square.", NetworkSpec.Parse);
    private static readonly Option<string?> TeacherCheckpoint = Text(
        "--teacher-checkpoint", "A file with the teacher's weights, safetensors or of torch.save. Default: the teacher is trained first.");
    private static readonly Option<bool> AnyTeacher = Switch(
        "--any-teacher", "Go on, with a warning, with a teacher from a file that is no better than chance on the training images.");
    private static readonly Option<string> TeacherMethod = Of(
        "--teacher-method", "A method that needs no teacher, such as at, trades or natural.", "at", Methods.WithoutTeacher);
    private static readonly Option<IReadOnlyList<string>?> Method = Several(
        "--method", $"One or more of {string.Join(", ", ObjectiveCatalog.Names)}, with commas between; behind one +igdm, +awp or +fast "
        + "(one attack step). Default ard.", Methods.Checked);
    private static readonly Option<Preset?> PresetOption = One(
        "--preset", "A published recipe, method and training; other options override it. See --print-preset.", Preset.ByName);
    private static readonly Option<Preset?> PrintPreset = One(
        "--print-preset", "Print all settings of a preset, one a line, and exit: "
        + $"{string.Join(", ", Preset.All.Select(preset => preset.Name))}.", Preset.ByName);
    private static readonly Option<int?> Epochs = Count(
        "--epochs", "Epochs. Default the preset's, else by the images: 30, and up to 200 of few images.");
    private static readonly Option<int?> TeacherEpochs = Count(
        "--teacher-epochs", "Epochs of the teacher. Default as --epochs, else by the images.");
    private static readonly Option<int?> Batch = Count(
        "--batch", "Images a step. Default the preset's, else 128, and down to 32 of few images.");
    private static readonly Option<double?> Rate = Number(
        "--lr", "Base learning rate of SGD with momentum 0.9. Default the preset's, else by method: 0.1 for at, 1 for ard, at 128 images.");
    private static readonly Option<double?> WeightDecay = Number(
        "--weight-decay", "Default the preset's, else by the method: 5e-4 for at, 5e-5 for ard.");
    private static readonly Option<Schedule?> ScheduleOption = One(
        "--schedule", $"{string.Join(", ", Schedule.Names)}. Default onecycle, or the preset's drops, moved in proportion to the epochs.",
        Schedule.Parse);
    private static readonly Option<int?> Steps = Count("--steps", "Steps of the inner maximisation. Default 10.");
    private static readonly Option<double?> StepSize = Number(
        "--step-size", "Length of a step. Default the method's, in proportion to eps: a quarter of it; of trades and mart 0.23.");
    private static readonly Option<double?> Temperature = Number(
        "--temperature", "Temperature of a distillation. Default the method's: 30 for ard.");
    private static readonly Option<double?> Alpha = Number(
        "--alpha", "Share of the distillation loss, 0 to 1. Default 1; 5/6 for rslad.");
    private static readonly Option<double?> Beta = Number(
        "--beta", "Weight of the divergence in trades and mart. Default the method's.");
    private static readonly Option<double?> IgdmWeight = Number(
        "--igdm-weight", "Weight of the term of +igdm and saad. Default 1; as released beside adaad at ten classes 0.1.");
    private static readonly Option<int?> Replays = Count(
        "--replays", "How often free and fast-ard train on a batch in a row. Default 8.");
    private static readonly Option<Augmentation?> AugmentationOption = One(
        "--augmentation", "crop-flip or none. Default by the images: a crop by an eighth of their size, and flips of colour images.",
        text => text switch
        {
            "none" => Augmentation.None,
            "crop-flip" => Augmentation.CropAndFlip,
            _ => throw new FormatException("expected crop-flip or none"),
        });
    private static readonly Option<int?> Cutout = Count(
        "--cutout", "Blacken a square of so many pixels' side in each training image. Default none.");
    private static readonly Option<RandAugment?> Random = One(
        "--rand-augment", "RandAugment: so many operations an image and their magnitude of 30, such as 2,9. Default none.",
        text => text.Split(',') is [var operations, var magnitude]
            ? new RandAugment { Operations = Positive(operations), Magnitude = NotNegative(magnitude) }
            : throw new FormatException("expected two numbers, such as 2,9"));
    private static readonly Option<Mixing?> Mix = One(
        "--mix", "cutmix or mixup: each training image is mixed with another one of its batch, and so are their labels. Default neither.",
        text => text switch
        {
            "cutmix" => Mixing.CutMix(),
            "mixup" => Mixing.MixUp(),
            _ => throw new FormatException("expected cutmix or mixup"),
        });
    private static readonly Option<double?> LabelSmoothing = Number(
        "--label-smoothing", "Share of the labels' weight spread over all classes, in cross-entropies. Default the preset's, else 0.");
    private static readonly Option<double?> Clip = Number(
        "--clip", "Largest norm of the gradient. Default the preset's, else no limit.");
    private static readonly Option<bool> Mixed = Switch(
        "--mixed", "Convolutions in bfloat16: less memory, and less time on some processors (docs/performance.md).");
    private static readonly Option<WeightAveraging?> Ema = One(
        "--ema", "The result is the exponential average of the weights, with this decay, such as 0.999. Default no average.",
        text => WeightAveraging.Exponential(Fraction(text)));
    private static readonly Option<WeightAveraging?> Swa = One(
        "--swa", "The result is the mean of the weights after each epoch from this one on. Default no average.",
        text => WeightAveraging.Stochastic(fromEpoch: Positive(text)));
    private static readonly Option<double?> Validation = Number(
        "--validation", "Share of the training images that chooses the best epoch. Default 0.05, or the preset's.");
    private static readonly Option<string?> ExtraData = Text(
        "--extra-data", "More images for the students, such as generated ones: a .npz, a folder as for --data, or a file of mapped "
        + "images.");
    private static readonly Option<double?> ExtraShare = Number(
        "--extra-share", "Share of each batch that is taken from --extra-data. Default 0.7.");
    private static readonly Option<string?> ExtraLabels = One(
        "--extra-labels", "file or teacher: whose labels those images have. Default file.",
        text => text is "file" or "teacher" ? text : throw new FormatException("expected file or teacher"));
    private static readonly Option<int?> CheckpointSteps = Count(
        "--checkpoint-steps", "Write the checkpoint every so many steps as well as after each epoch.");
    private static readonly Option<bool> Resume = Switch("--resume", "Go on from the checkpoints in the output folder.");
    private static readonly Option<string> Output = Text(
        "--output", "Folder for checkpoints, models and summary.json.", "out/distill");

    public static Command Verb(CancellationToken cancellation) => CommandLine.Verb(
        "distill", "Trains students by the methods of your choice, and the teacher where one is needed; a table and summary.json.",
        p =>
        {
            if (p.GetValue(PrintPreset) is not { } preset) return Read(p).Run(cancellation);
            Console.WriteLine(preset.Describe());
            return 0;
        },
        Data, Classes, Student, Teacher, TeacherCheckpoint, AnyTeacher, TeacherMethod, Method, PresetOption, PrintPreset, Epochs,
        TeacherEpochs, Batch, Rate, WeightDecay, ScheduleOption, Epsilon, Steps, StepSize, Temperature, Alpha, Beta, IgdmWeight, Replays,
        AugmentationOption, Random, Cutout, Mix, LabelSmoothing, Clip, Mixed, Ema, Swa, Validation, TrainImages, TestImages, ExtraData,
        ExtraShare, ExtraLabels, CheckpointSteps, Resume, Seed, Device, Threads, Output, Report, Mean, Std);

    private static Experiment Read(ParseResult p)
    {
        if (p.GetValue(ExtraData) is null && (p.GetValue(ExtraShare) is not null || p.GetValue(ExtraLabels) is not null))
            throw new ArgumentException("--extra-share or --extra-labels is given without --extra-data.");
        var preset = p.GetValue(PresetOption);
        if (preset is not null && p.GetValue(Method) is not null)
            throw new ArgumentException("--preset and --method are both given, expected one of them.");
        // Without any it would be another recipe.
        if (preset?.Options.Auxiliary is not null && (p.GetValue(ExtraData) is null || p.GetValue(ExtraShare) == 0))
            throw new ArgumentException(
                $"--preset {preset.Name} is for generated images, expected their file as --extra-data, with an --extra-share above 0.");
        var data = DataSource.Load(p.GetValue(Data)!, p.GetValue(TrainImages), p.GetValue(TestImages), p.GetValue(Classes));
        var threat = p.GetValue(Epsilon) is { } epsilon
            ? ThreatModel.Linf(epsilon)
            : data.Train.Channels == 3 && preset?.Objective.Threat is { } published ? published
            : ThreatModel.Default(data.Train.Channels);
        // Of a recipe's own settings; its steps keep their ratio to the budget.
        var own = preset?.Settings ?? new ObjectiveSettings();
        var given = new ObjectiveSettings
        {
            Threat = threat,
            Steps = p.GetValue(Steps),
            StepSize = p.GetValue(StepSize),
            Temperature = p.GetValue(Temperature),
            Alpha = p.GetValue(Alpha),
            Beta = p.GetValue(Beta),
            IgdmWeight = p.GetValue(IgdmWeight),
            Replays = p.GetValue(Replays),
        };
        var methods = new Methods(given with
        {
            StepSize = given.StepSize ?? own.StepSize / own.Threat?.Epsilon * threat.Epsilon,
            Beta = given.Beta ?? own.Beta,
        });
        if (p.GetValue(Ema) is not null && p.GetValue(Swa) is not null)
            throw new ArgumentException("--ema and --swa are both given, expected one of them.");

        var auxiliary = p.GetValue(ExtraData) is { } path ? AuxiliaryData.Load(path, data.Train.ClassNames) : null;
        if (auxiliary is not null)
        {
            auxiliary = auxiliary with
            {
                Share = p.GetValue(ExtraShare) ?? preset?.Options.Auxiliary?.Share ?? auxiliary.Share,
                TeacherLabels = p.GetValue(ExtraLabels) == "teacher",
            };
        }

        TrainingOptions OptionsOf(TrainingOptions? recipe, int? epochs)
        {
            recipe ??= new TrainingOptions();
            if (epochs is { } count) recipe = recipe.WithEpochs(count);
            var usual = Augmentation.For(data.Train.Channels, data.Train.Height, data.Train.Width);
            return recipe with
            {
                BatchSize = p.GetValue(Batch) ?? recipe.BatchSize,
                Schedule = p.GetValue(ScheduleOption) ?? recipe.Schedule,
                Augmentation = (p.GetValue(AugmentationOption) ?? usual) with
                {
                    RandAugment = p.GetValue(Random),
                    Cutout = p.GetValue(Cutout) ?? 0,
                },
                AcceptTeacherNearChance = p.GetValue(TeacherCheckpoint) is null || p.GetValue(AnyTeacher),
                LabelSmoothing = p.GetValue(LabelSmoothing) ?? recipe.LabelSmoothing,
                ClipGradientNorm = p.GetValue(Clip) ?? recipe.ClipGradientNorm,
                Precision = p.GetValue(Mixed) ? Precision.Mixed : Precision.Full,
                Averaging = p.GetValue(Ema) ?? p.GetValue(Swa) ?? recipe.Averaging,
                ValidationFraction = p.GetValue(Validation) ?? recipe.ValidationFraction,
                Validation = recipe.Validation with { Threat = threat },
                Seed = p.GetValue(Seed),
                Device = p.GetValue(Device)!,
                Threads = p.GetValue(Threads),
                CheckpointEverySteps = p.GetValue(CheckpointSteps),
                Resume = p.GetValue(Resume),
                CheckpointFolder = p.GetValue(Output),
            };
        }

        var networks = data.DefaultNetworks(p.GetValue(Device)!);
        var teacher = data.Fit(p.GetValue(Teacher) ?? OfFile(p.GetValue(TeacherCheckpoint)) ?? NetworkSpec.Parse(networks.Teacher));
        string[] students = preset is null ? p.GetValue(Method)?.Distinct().ToArray() ?? ["ard"] : [preset.Method];
        RequireTaken(given, p.GetValue(TeacherCheckpoint) is null ? [.. students, p.GetValue(TeacherMethod)!] : students);
        return new Experiment
        {
            Data = data,
            TeacherNetwork = p.Normalised(p.GetValue(TeacherCheckpoint) is null ? null : teacher, "--teacher-checkpoint") ?? teacher,
            StudentNetwork = data.Fit(p.GetValue(Student) ?? NetworkSpec.Parse(networks.Student)),
            LearningRate = p.GetValue(Rate),
            WeightDecay = p.GetValue(WeightDecay),
            TeacherCheckpoint = p.GetValue(TeacherCheckpoint),
            TeacherMethod = p.GetValue(TeacherMethod)!,
            StudentMethods = students,
            Preset = preset?.Name,
            Methods = methods,
            TeacherMethods = new(given),
            TeacherOptions = OptionsOf(null, p.GetValue(TeacherEpochs) ?? p.GetValue(Epochs)),
            StudentOptions = OptionsOf(preset?.Options, p.GetValue(Epochs)) with
            {
                Auxiliary = auxiliary,
                Mixing = p.GetValue(Mix) ?? preset?.Options.Mixing,
            },
            Output = p.GetValue(Output)!,
            Report = p.GetValue(Report),
            Command = p.Typed(),
        };
    }

    // A method leaves alone what it has not; what none has is a mistake.
    private static void RequireTaken(ObjectiveSettings given, string[] methods)
    {
        (Option Option, Func<ObjectiveSettings, object?> Of)[] all =
        [
            (Steps, set => set.Steps), (StepSize, set => set.StepSize), (Temperature, set => set.Temperature), (Alpha, set => set.Alpha),
            (Beta, set => set.Beta), (IgdmWeight, set => set.IgdmWeight), (Replays, set => set.Replays),
        ];
        var taken = methods.Select(method => ObjectiveCatalog.Applicable(method, given)).ToArray();
        var left = all.Where(each => each.Of(given) is not null && taken.All(set => each.Of(set) is null))
            .Select(each => each.Option.Name).ToArray();
        if (left.Length > 0)
            throw new ArgumentException(
                $"{string.Join(", ", left)}: no method of this run has such a setting; it trains {string.Join(", ", methods)}.");
    }

    private static NetworkSpec? OfFile(string? weights)
    {
        if (weights is null || weights.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) return null;
        using var file = WeightsFile.Open(weights);
        return file.NetworkOf();
    }
}
