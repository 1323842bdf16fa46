using System.CommandLine;
using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
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
        .Reads("Fixes everything that chance decides.", WholeNumber);
    private static readonly Option<string> Device = new Option<string>("--device") { DefaultValueFactory = _ => "auto" }
        .Reads("auto, cpu, cuda or cuda:N.", text => text);
    private static readonly Option<int?> Threads = new Option<int?>("--threads")
        .Reads("Threads on the CPU. Default: OMP_NUM_THREADS, else all processors.", text => (int?)Positive(text));

    // Options of distill and evaluate.
    private static readonly Option<string> Data = new Option<string>("--data") { DefaultValueFactory = _ => DataSource.BuiltIn }
        .Reads("CIFAR-10/100 (binary or for Python), MNIST and its relatives (IDX), NumPy arrays (.npz or a folder of .npy), or builtin.",
            text => text);
    private static readonly Option<int?> Classes = new Option<int?>("--classes")
        .Reads("Number of classes of the images, where their files do not say it. Default: the largest label and 1; with IDX at least 10.",
            text => (int?)Positive(text));
    private static readonly Option<double?> Epsilon = new Option<double?>("--eps")
        .Reads("The adversary's budget in the maximum norm, such as 0.1 or 8/255. Default 8/255 for colour images, 0.1 for gray ones.",
            text => (double?)Fraction(text));
    private static readonly Option<int?> TestImages = new Option<int?>("--test-images")
        .Reads("Evaluate on the first so many test images. Default all.", text => (int?)Positive(text));

    private static readonly Option<string?> Report = new Option<string?>("--report")
        .Reads("Write the results as a page for people to this HTML file. Default of distill: report.html in the output folder.",
            text => (string?)text);

    // Options of distill.
    private static readonly Option<NetworkSpec?> Student = new Option<NetworkSpec?>("--student")
        .Reads("The student's architecture, such as mobilenetv2, resnet-20 or smallcnn-16. Default by images and device: see --teacher.",
            text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<NetworkSpec?> Teacher = new Option<NetworkSpec?>("--teacher")
        .Reads("The teacher's architecture. Default resnet18, for the student mobilenetv2; smallcnn-32-bn and smallcnn-16-bn for gray "
            + "images and on the CPU; tinycnn-16-bn and tinycnn-8-bn for images of at most 16 pixels.",
            text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<string?> TeacherCheckpoint = new Option<string?>("--teacher-checkpoint")
        .Reads("A file with the teacher's weights, safetensors or of torch.save. Default: the teacher is trained first.",
            text => (string?)text);
    private static readonly Option<bool> AnyTeacher = new("--any-teacher")
    {
        Description = "Go on, with a warning, with a teacher from a file that is no better than chance on the training images.",
    };
    private static readonly Option<string> TeacherMethod = new Option<string>("--teacher-method") { DefaultValueFactory = _ => "at" }
        .Reads("A method that needs no teacher, such as at, trades or natural.", Methods.WithoutTeacher);
    private static readonly Option<IReadOnlyList<string>?> Method = new Option<IReadOnlyList<string>?>("--method")
        .Reads($"One or more of {string.Join(", ", ObjectiveCatalog.Names)}, with commas between; behind one +igdm, +awp or +fast "
            + "(one attack step). Default ard.",
            text => (IReadOnlyList<string>?)[.. text.Split(',').Select(Methods.Checked).Distinct()]);
    private static readonly Option<Preset?> PresetOption = new Option<Preset?>("--preset")
        .Reads("A published recipe, method and training; other options override it. See --print-preset.",
            text => (Preset?)Preset.ByName(text));
    private static readonly Option<Preset?> PrintPreset = new Option<Preset?>("--print-preset")
        .Reads($"Print all settings of a preset, one a line, and exit: {string.Join(", ", Preset.All.Select(preset => preset.Name))}.",
            text => (Preset?)Preset.ByName(text));
    private static readonly Option<int?> Epochs = new Option<int?>("--epochs")
        .Reads("Epochs. Default the preset's, else by the images: 30, and up to 200 of few images.", text => (int?)Positive(text));
    private static readonly Option<int?> TeacherEpochs = new Option<int?>("--teacher-epochs")
        .Reads("Epochs of the teacher. Default as --epochs, else by the images.", text => (int?)Positive(text));
    private static readonly Option<int?> Batch = new Option<int?>("--batch")
        .Reads("Images a step. Default the preset's, else 128, and down to 32 of few images.", text => (int?)Positive(text));
    private static readonly Option<double?> Rate = new Option<double?>("--lr")
        .Reads("Base learning rate of SGD with momentum 0.9. Default the preset's, else by method: 0.1 for at, 1 for ard, at 128 images.",
            text => (double?)Fraction(text));
    private static readonly Option<double?> WeightDecay = new Option<double?>("--weight-decay")
        .Reads("Default the preset's, else by the method: 5e-4 for at, 5e-5 for ard.", text => (double?)Fraction(text));
    private static readonly Option<Schedule?> ScheduleOption = new Option<Schedule?>("--schedule")
        .Reads($"{string.Join(", ", Schedule.Names)}. Default onecycle, or the preset's drops, moved in proportion to the epochs.",
            text => (Schedule?)Schedule.Parse(text));
    private static readonly Option<int?> Steps = new Option<int?>("--steps")
        .Reads("Steps of the inner maximisation. Default 10.", text => (int?)Positive(text));
    private static readonly Option<double?> StepSize = new Option<double?>("--step-size")
        .Reads("Length of a step. Default the method's, in proportion to eps: a quarter of it.", text => (double?)Fraction(text));
    private static readonly Option<double?> Temperature = new Option<double?>("--temperature")
        .Reads("Temperature of a distillation. Default the method's: 30 for ard.", text => (double?)Fraction(text));
    private static readonly Option<double?> Alpha = new Option<double?>("--alpha")
        .Reads("Share of the distillation loss, 0 to 1. Default 1; 5/6 for rslad.", text => (double?)Fraction(text));
    private static readonly Option<double?> Beta = new Option<double?>("--beta")
        .Reads("Weight of the divergence in trades and mart. Default the method's.", text => (double?)Fraction(text));
    private static readonly Option<int?> Replays = new Option<int?>("--replays")
        .Reads("How often free and fast-ard train on a batch in a row. Default 8.", text => (int?)Positive(text));
    private static readonly Option<Augmentation?> AugmentationOption = new Option<Augmentation?>("--augmentation")
        .Reads(
            "crop-flip or none. Default by the images: a crop by an eighth of their size, and flips of colour images.",
            text => text switch
            {
                "none" => Augmentation.None,
                "crop-flip" => Augmentation.CropAndFlip,
                _ => throw new FormatException("expected crop-flip or none"),
            });
    private static readonly Option<int> Cutout = new Option<int>("--cutout")
        .Reads("Blacken a square of so many pixels' side in each training image. Default none.", Positive);
    private static readonly Option<RandAugment?> Random = new Option<RandAugment?>("--rand-augment")
        .Reads("RandAugment: so many operations an image and their magnitude of 30, such as 2,9. Default none.",
            text => text.Split(',') is [var operations, var magnitude]
                ? new() { Operations = Positive(operations), Magnitude = NotNegative(magnitude) }
                : throw new FormatException("expected two numbers, such as 2,9"));
    private static readonly Option<Mixing?> Mix = new Option<Mixing?>("--mix")
        .Reads("cutmix or mixup: each training image is mixed with another one of its batch, and so are their labels. Default neither.",
            text => text switch
            {
                "cutmix" => Mixing.CutMix(),
                "mixup" => Mixing.MixUp(),
                _ => throw new FormatException("expected cutmix or mixup"),
            });
    private static readonly Option<double?> LabelSmoothing = new Option<double?>("--label-smoothing")
        .Reads("Share of the labels' weight spread over all classes, in cross-entropies. Default the preset's, else 0.",
            text => (double?)Fraction(text));
    private static readonly Option<double?> Clip = new Option<double?>("--clip")
        .Reads("Largest norm of the gradient. Default the preset's, else no limit.", text => (double?)Fraction(text));
    private static readonly Option<bool> Mixed = new("--mixed")
    {
        Description = "Convolutions in bfloat16: about twice as fast where the processor has it.",
    };
    private static readonly Option<WeightAveraging?> Ema = new Option<WeightAveraging?>("--ema")
        .Reads("The result is the exponential average of the weights, with this decay, such as 0.999. Default no average.",
            text => WeightAveraging.Exponential(Fraction(text)));
    private static readonly Option<WeightAveraging?> Swa = new Option<WeightAveraging?>("--swa")
        .Reads("The result is the mean of the weights after each epoch from this one on. Default no average.",
            text => WeightAveraging.Stochastic(fromEpoch: Positive(text)));
    private static readonly Option<double?> Validation = new Option<double?>("--validation")
        .Reads("Share of the training images that chooses the best epoch. Default 0.05, or the preset's.",
            text => (double?)Fraction(text));
    private static readonly Option<string?> ExtraData = new Option<string?>("--extra-data")
        .Reads("More images for the students, such as generated ones: a .npz, a folder as for --data, or a file of mapped images.",
            text => (string?)text);
    private static readonly Option<double?> ExtraShare = new Option<double?>("--extra-share")
        .Reads("Share of each batch that is taken from --extra-data. Default 0.7.", text => (double?)Fraction(text));
    private static readonly Option<string?> ExtraLabels = new Option<string?>("--extra-labels")
        .Reads("file or teacher: whose labels those images have. Default file.",
            text => (string?)(text is "file" or "teacher" ? text : throw new FormatException("expected file or teacher")));
    private static readonly Option<int?> TrainImages = new Option<int?>("--train-images")
        .Reads("Train on the first so many images. Default all.", text => (int?)Positive(text));
    private static readonly Option<int?> CheckpointSteps = new Option<int?>("--checkpoint-steps")
        .Reads("Write the checkpoint every so many steps as well as after each epoch.", text => (int?)Positive(text));
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on from the checkpoints in the output folder." };
    private static readonly Option<string> Output = new Option<string>("--output") { DefaultValueFactory = _ => "out/distill" }
        .Reads("Folder for checkpoints, models and summary.json.", text => text);

    // Options of evaluate.
    private static readonly Option<string> Model = new Option<string>("--model") { Required = true }
        .Reads("The file: a model, a training checkpoint, with --network weights of PyTorch; a model of ML.NET's (.zip), which is asked "
            + "only where it is not this library's; or an ONNX model, which is asked only.", text => text);
    private static readonly Option<NetworkSpec?> Network = new Option<NetworkSpec?>("--network")
        .Reads("The architecture, where the file does not say it.", text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<string?> Surrogate = new Option<string?>("--surrogate")
        .Reads("A safetensors file of another network: adds transfer(pgd-20), the points that PGD-20 finds on it, in l1 "
            + "those of APGD. Or answers: a network that is trained on what the model answers first.", text => (string?)text);
    private static readonly Option<IReadOnlyList<Attack>?> Attacks = new Option<IReadOnlyList<Attack>?>("--attacks")
        .Reads($"One or more of {string.Join(", ", AttackCatalog.Names)}, with commas between. Default fgsm,pgd-20; "
            + "square for an ONNX file.",
        text => (IReadOnlyList<Attack>?)[.. text.Split(',').Select(AttackCatalog.ByName)]);
    private static readonly Option<IReadOnlyList<double>?> Epsilons = new Option<IReadOnlyList<double>?>("--eps")
        .Reads("One budget as for distill, or several with commas between for a curve: 2/255,4/255,8/255.",
            text => (IReadOnlyList<double>?)[.. text.Split(',').Select(Fraction).Distinct()]);
    private static readonly Option<IReadOnlyList<ThreatModel>?> Threats = new Option<IReadOnlyList<ThreatModel>?>("--threat")
        .Reads("Norm and budget in place of --eps, such as l2:0.5; several with commas between are evaluated one by one and as a union: "
            + "linf:8/255,l2:0.5,l1:12.",
            text => (IReadOnlyList<ThreatModel>?)[.. text.Split(',').Select(Threat).Distinct()]);
    private static readonly Option<bool> Smallest = new("--smallest")
    {
        Description = "Look for the smallest perturbations in the norm of --threat: median, quartiles and a curve over the budget. "
            + "Attacks: those of --attacks, by default fab-t and fmn.",
    };
    private static readonly Option<int?> Judge = new Option<int?>("--judge")
        .Reads("With --save-examples: judge each of the worst points by so many passes; for networks whose output is random.",
            text => (int?)Positive(text));
    private static readonly Option<string?> State = new Option<string?>("--state")
        .Reads("Keep what is done in this file, and go on from it where it exists.", text => (string?)text);
    private static readonly Option<int?> Queries = new Option<int?>("--queries")
        .Reads("Of a model that can only be asked: so many queries an image at most, by all attacks together.",
            text => (int?)Positive(text));
    private static readonly Option<int?> ImagesAtATime = new Option<int?>("--images-at-a-time")
        .Reads("Images that go through the network together. Default 250. A shard has whole ones of these batches.",
            text => (int?)Positive(text));
    private static readonly Option<EvaluationShard?> Shard = new Option<EvaluationShard?>("--shard")
        .Reads("Evaluate one of several parts by itself, such as 3/8; of /8 the one of this task in a Slurm array or an indexed job of "
            + "Kubernetes. Needs --state, and writes FILE.3-of-8; then: merge FILE.",
            text => (EvaluationShard?)EvaluationShard.Parse(text));
    private static readonly Option<string?> SaveExamples = new Option<string?>("--save-examples")
        .Reads("Write the adversarial examples to this safetensors file.", text => (string?)text);

    private static readonly Option<string?> Json = new Option<string?>("--json")
        .Reads("Write the figures to this JSON file, for the model card of export.", text => (string?)text);
    private static readonly Option<string?> Rows = new Option<string?>("--rows")
        .Reads("Write what became of each image to this file, as JSON lines.", text => (string?)text);

    private static readonly Option<string?> JUnit = new Option<string?>("--junit")
        .Reads("Write a test for each attack and each flag to this XML file, as CI services show them.", text => (string?)text);
    private static readonly Option<double?> FailUnder = new Option<double?>("--fail-under")
        .Reads("Exit with 3 where the 95 % interval of the worst case ends below so many percent, or a serious flag stands.",
            text => (double?)Percent(text));
    private static readonly Option<IReadOnlyList<RobustnessFlagCode>?> AcceptFlags =
        new Option<IReadOnlyList<RobustnessFlagCode>?>("--accept-flags").Reads(
            "Flags by which --fail-under and --junit do not fail, by their codes with commas between, such as ZeroGradients.",
            text => (IReadOnlyList<RobustnessFlagCode>?)[.. text.Split(',').Select(Flag)]);

    private static readonly Option[] DistillOptions =
    [
        Data, Classes, Student, Teacher, TeacherCheckpoint, AnyTeacher, TeacherMethod, Method, PresetOption, PrintPreset, Epochs,
        TeacherEpochs, Batch, Rate, WeightDecay, ScheduleOption, Epsilon, Steps, StepSize, Temperature, Alpha, Beta, Replays,
        AugmentationOption, Random, Cutout, Mix, LabelSmoothing, Clip, Mixed, Ema, Swa, Validation, TrainImages, TestImages, ExtraData,
        ExtraShare, ExtraLabels, CheckpointSteps, Resume, Seed, Device, Threads, Output, Report, .. ModelCommands.Normalisation,
    ];

    private static readonly Option[] EvaluateOptions =
    [
        Model, Network, .. ModelCommands.Normalisation, Surrogate, Data, Classes, Attacks, Epsilons, Threats, Smallest, State, Shard,
        ImagesAtATime, Queries, SaveExamples, Judge, Report, Json, Rows, JUnit, FailUnder, AcceptFlags, TestImages, Seed, Device, Threads,
    ];

    /// <summary>The whole command line.</summary>
    public static RootCommand Build(CancellationToken cancellation)
    {
        var distill = new Command(
            "distill", "Trains students by the methods of your choice, and the teacher where one is needed; a table and summary.json.");
        var evaluate = new Command("evaluate", "Measures a trained network on clean and on attacked test images.");
        foreach (var option in DistillOptions) distill.Options.Add(option);
        foreach (var option in EvaluateOptions) evaluate.Options.Add(option);

        distill.SetAction(p => p.GetValue(PrintPreset) is { } preset ? Print(preset) : Distill(p).Run(cancellation));
        evaluate.SetAction(p => Evaluate(p).Run(cancellation));
        var root = new RootCommand("Adversarially robust distillation. Without a verb: distill.") { distill, evaluate };
        foreach (var command in ModelCommands.All()) root.Subcommands.Add(command);
        root.Subcommands.Add(MergeCommand());
        root.Subcommands.Add(CorruptionsCommand(cancellation));
        root.Subcommands.Add(TeacherCommandLine(cancellation));
        root.Subcommands.Add(Comparison.Command(CommandOf));
        root.Subcommands.Add(ModelExport.Command());
        return root;
    }

    private static Command CorruptionsCommand(CancellationToken cancellation)
    {
        var files = new Option<string?>("--files").Reads(
            "The folder with the files of CIFAR-10-C or CIFAR-100-C. Default: the corruptions are made here.", text => (string?)text);
        var baseline = new Option<string?>("--baseline").Reads(
            "The --json of another network's, for the mean corruption error.", text => (string?)text);
        var corruptions = new Command(
            "corruptions", "Measures a trained network on corrupted test images: noise, blur, weather, compression.");
        Option[] options =
        [
            Model, Network, .. ModelCommands.Normalisation, Data, Classes, files, baseline, Report, Json, TestImages, Seed, Device, Threads,
        ];
        foreach (var option in options) corruptions.Options.Add(option);
        corruptions.SetAction(p => new Corruptions
        {
            Model = p.GetValue(Model)!,
            Architecture = p.Normalised(p.GetValue(Network), "--network"),
            Data = p.GetValue(Data)!,
            Classes = p.GetValue(Classes),
            TestImages = p.GetValue(TestImages),
            Files = p.GetValue(files),
            Baseline = p.GetValue(baseline),
            Report = p.GetValue(Report),
            Json = p.GetValue(Json),
            Seed = p.GetValue(Seed),
            Device = p.GetValue(Device)!,
            Threads = p.GetValue(Threads),
            Command = CommandOf(p),
        }.Run(cancellation));
        return corruptions;
    }

    private static Command TeacherCommandLine(CancellationToken cancellation)
    {
        var file = new Argument<string>("FILE") { Description = "The teacher: a model, or with --network weights of PyTorch." };
        var student = new Option<string?>("--student").Reads(
            "The file of a trained student: what carries over to it is measured too.", text => (string?)text);
        var images = new Option<int>("--images") { DefaultValueFactory = _ => 200 }
            .Reads("How many of the training images to look at.", Positive);
        var teacher = new Command("teacher", "Tells what a teacher is worth before it teaches: accuracy, robustness and how sure it is.")
        {
            file,
        };
        Option[] options =
        [
            Network, .. ModelCommands.Normalisation, student, Data, Classes, TrainImages, images, Epsilon, Json, Device, Threads,
        ];
        foreach (var option in options) teacher.Options.Add(option);
        teacher.SetAction(p => new TeacherCommand
        {
            File = p.GetValue(file)!,
            Architecture = p.Normalised(p.GetValue(Network), "--network"),
            Student = p.GetValue(student),
            Data = p.GetValue(Data)!,
            Classes = p.GetValue(Classes),
            TrainImages = p.GetValue(TrainImages),
            Images = p.GetValue(images),
            Epsilon = p.GetValue(Epsilon),
            Json = p.GetValue(Json),
            Device = p.GetValue(Device)!,
            Threads = p.GetValue(Threads),
        }.Run(cancellation));
        return teacher;
    }

    private static Command MergeCommand()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "What evaluate --shard had as --state: FILE.1-of-8 and so on are read. Or a folder with these.",
        };
        var merge = new Command("merge", "Puts the shards of an evaluation together and prints the figures.")
        {
            file, Json, Rows,
        };
        merge.SetAction(p => Evaluation.Merge(p.GetValue(file)!, p.GetValue(Json), p.GetValue(Rows)));
        return merge;
    }

    /// <summary>The arguments with the verb that they mean.</summary>
    public static string[] WithVerb(string[] arguments) => arguments switch
    {
        [] => ["distill"],
        [var first, ..] when first.StartsWith("--", StringComparison.Ordinal) && first is not ("--help" or "--version") =>
            ["distill", .. arguments],
        _ => arguments,
    };

    // As it can be typed again.
    private static string CommandOf(ParseResult p) => "./ard " + string.Join(' ', p.Tokens.Select(token => token.Value).Select(text =>
        text.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./,:+=".Contains(letter)) ? text : $"'{text.Replace("'", "'\\''")}'"));

    private static RobustnessFlagCode Flag(string text) => Enum.TryParse<RobustnessFlagCode>(text, out var code) && Enum.IsDefined(code)
        ? code
        : throw new FormatException($"expected {string.Join(", ", Enum.GetNames<RobustnessFlagCode>())}");

    private static ThreatModel Threat(string text) =>
        text.Split(':') is [var norm, var budget] && Enum.TryParse<Norm>(norm, ignoreCase: true, out var known) && Enum.IsDefined(known)
            ? new ThreatModel(known, Fraction(budget))
            : throw new FormatException("expected a norm and a budget, such as linf:8/255, l2:0.5 or l1:12");

    private static int Print(Preset preset)
    {
        Console.WriteLine(preset.Describe());
        return 0;
    }

    private static Evaluation Evaluate(ParseResult p) => new()
    {
        Model = p.GetValue(Model)!,
        Architecture = p.Normalised(p.GetValue(Network), "--network"),
        Surrogate = p.GetValue(Surrogate),
        Data = p.GetValue(Data)!,
        Classes = p.GetValue(Classes),
        TestImages = p.GetValue(TestImages),
        Attacks = p.GetValue(Attacks),
        Epsilons = p.GetValue(Epsilons),
        Threats = p.GetValue(Threats),
        Smallest = p.GetValue(Smallest),
        StateFile = p.GetValue(State),
        Shard = p.GetValue(Shard),
        ImagesAtATime = p.GetValue(ImagesAtATime),
        QueryBudget = p.GetValue(Queries),
        ExamplesFile = p.GetValue(SaveExamples),
        Judgements = p.GetValue(Judge),
        Report = p.GetValue(Report),
        Json = p.GetValue(Json),
        Rows = p.GetValue(Rows),
        JUnit = p.GetValue(JUnit),
        FailUnder = p.GetValue(FailUnder),
        AcceptedFlags = p.GetValue(AcceptFlags) ?? [],
        Seed = p.GetValue(Seed),
        Device = p.GetValue(Device)!,
        Threads = p.GetValue(Threads),
        Command = CommandOf(p),
    };

    private static Experiment Distill(ParseResult p)
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
                    Cutout = p.GetValue(Cutout),
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
        var teacher = data.Fit(p.GetValue(Teacher) ?? NetworkSpec.Parse(networks.Teacher));
        return new Experiment
        {
            Data = data,
            TeacherNetwork = p.Normalised(p.GetValue(TeacherCheckpoint) is null ? null : teacher, "--teacher-checkpoint") ?? teacher,
            StudentNetwork = data.Fit(p.GetValue(Student) ?? NetworkSpec.Parse(networks.Student)),
            LearningRate = p.GetValue(Rate),
            WeightDecay = p.GetValue(WeightDecay),
            TeacherCheckpoint = p.GetValue(TeacherCheckpoint),
            TeacherMethod = p.GetValue(TeacherMethod)!,
            StudentMethods = preset is null ? p.GetValue(Method) ?? ["ard"] : [preset.Method],
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
            Command = CommandOf(p),
        };
    }
}
