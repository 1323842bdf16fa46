using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Training;

namespace Ard.Examples.Distill;

/// <summary>The verbs demo, distill and evaluate with their options.</summary>
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
        .Reads($"One or more of {string.Join(", ", Methods.Names)}, with commas between. Default ard.",
            text => (IReadOnlyList<string>)[.. text.Split(',').Select(name => Methods.Checked(name, Methods.Names)).Distinct()]);
    private static readonly Option<int?> Epochs = new Option<int?>("--epochs")
        .Reads("Epochs. Default 30; 200 for ard-official and ard-corrected.", text => (int?)Positive(text));
    private static readonly Option<int?> TeacherEpochs = new Option<int?>("--teacher-epochs")
        .Reads("Epochs of the teacher. Default as the student.", text => (int?)Positive(text));
    private static readonly Option<int> Batch = new Option<int>("--batch") { DefaultValueFactory = _ => 128 }
        .Reads("Images a step. Default 128.", Positive);
    private static readonly Option<double> Rate = new Option<double>("--lr") { DefaultValueFactory = _ => 0.1 }
        .Reads("Base learning rate of SGD with momentum 0.9. Default 0.1.", Fraction);
    private static readonly Option<double?> WeightDecay = new Option<double?>("--weight-decay")
        .Reads("Default 5e-4; 2e-4 for ard-official and ard-corrected.", text => (double?)Fraction(text));
    private static readonly Option<Schedule?> ScheduleOption = new Option<Schedule?>("--schedule")
        .Reads($"{string.Join(", ", Schedule.Names)}. Default onecycle; for ard-official and ard-corrected drops at 1/2 and 3/4.",
            text => (Schedule?)Schedule.Parse(text));
    private static readonly Option<int> Steps = new Option<int>("--steps") { DefaultValueFactory = _ => 10 }
        .Reads("Steps of the inner maximisation. Default 10.", Positive);
    private static readonly Option<double?> StepSize = new Option<double?>("--step-size")
        .Reads("Length of a step. Default a quarter of eps.", text => (double?)Fraction(text));
    private static readonly Option<double?> Temperature = new Option<double?>("--temperature")
        .Reads("Temperature of a distillation. Default 4; 30 for ard-official and ard-corrected.", text => (double?)Fraction(text));
    private static readonly Option<double?> Alpha = new Option<double?>("--alpha")
        .Reads("Share of the distillation loss, 0 to 1. Default 1.", text => (double?)Fraction(text));
    private static readonly Option<Augmentation?> AugmentationOption = new Option<Augmentation?>("--augmentation")
        .Reads("crop-flip or none. Default crop-flip for colour images, none for gray ones.", text => text switch
        {
            "none" => Augmentation.None,
            "crop-flip" => Augmentation.CropAndFlip,
            _ => throw new FormatException("expected crop-flip or none"),
        });
    private static readonly Option<int> Cutout = new Option<int>("--cutout")
        .Reads("Blacken a square of so many pixels' side in each training image. Default none.", Positive);
    private static readonly Option<double> LabelSmoothing = new Option<double>("--label-smoothing")
        .Reads("Share of the labels' weight spread over all classes, in cross-entropies. Default 0.", Fraction);
    private static readonly Option<double?> Clip = new Option<double?>("--clip")
        .Reads("Largest norm of the gradient. Default no limit.", text => (double?)Fraction(text));
    private static readonly Option<WeightAveraging?> Ema = new Option<WeightAveraging?>("--ema")
        .Reads("The result is the exponential average of the weights, with this decay, such as 0.999. Default no average.",
            text => new ExponentialAveraging { Decay = Fraction(text) });
    private static readonly Option<WeightAveraging?> Swa = new Option<WeightAveraging?>("--swa")
        .Reads("The result is the mean of the weights after each epoch from this one on. Default no average.",
            text => new StochasticWeightAveraging { FromEpoch = Positive(text) });
    private static readonly Option<bool> Awp = new("--awp") { Description = "Perturb the weights adversarially as well as the images." };
    private static readonly Option<double?> Validation = new Option<double?>("--validation")
        .Reads("Share of the training images that chooses the best epoch. Default 0.05; 0 for ard-official and ard-corrected.",
            text => (double?)Fraction(text));
    private static readonly Option<int?> TrainImages = new Option<int?>("--train-images")
        .Reads("Train on the first so many images. Default all.", text => (int?)Positive(text));
    private static readonly Option<int?> CheckpointSteps = new Option<int?>("--checkpoint-steps")
        .Reads("Write the checkpoint every so many steps as well as after each epoch.", text => (int?)Positive(text));
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on from the checkpoints in the output folder." };
    private static readonly Option<string> Output = new Option<string>("--output") { DefaultValueFactory = _ => "out/distill" }
        .Reads("Folder for checkpoints, models and summary.json. Default out/distill.", text => text);

    // Options of demo and of evaluate.
    private static readonly Option<string> DemoOutput = new Option<string>("--output") { DefaultValueFactory = _ => "out/demo" }
        .Reads("Folder for models and summary.json. Default out/demo.", text => text);
    private static readonly Option<double> Scale = new Option<double>("--scale") { DefaultValueFactory = _ => 1, Hidden = true }
        .Reads("Shrinks the demo's epochs and images, for a quick look at whether it runs.", Fraction);
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
        Data, Student, Teacher, TeacherCheckpoint, TeacherMethod, Method, Epochs, TeacherEpochs, Batch, Rate, WeightDecay, ScheduleOption,
        Epsilon, Steps, StepSize, Temperature, Alpha, AugmentationOption, Cutout, LabelSmoothing, Clip, Ema, Swa, Awp, Validation, TrainImages,
        TestImages, CheckpointSteps, Resume, Seed, Device, Threads, Output,
    ];

    private static readonly Option[] DemoOptions = [Seed, Device, Threads, DemoOutput, Scale];

    private static readonly Option[] EvaluateOptions = [Model, Network, Data, Attacks, Epsilon, TestImages, Seed, Device, Threads];

    /// <summary>The whole command line.</summary>
    public static RootCommand Build(CancellationToken cancellation)
    {
        var demo = new Command(
            "demo", "A robust teacher and three students of one smaller architecture on the built-in images; a table and summary.json.");
        var distill = new Command(
            "distill", "Trains students by the methods of your choice, and the teacher where one is needed; a table and summary.json.");
        var evaluate = new Command("evaluate", "Measures a trained network on clean and on attacked test images.");
        foreach (var option in DemoOptions) demo.Options.Add(option);
        foreach (var option in DistillOptions) distill.Options.Add(option);
        foreach (var option in EvaluateOptions) evaluate.Options.Add(option);

        demo.SetAction(p => Demo(p).Run(cancellation));
        distill.SetAction(p => Distill(p).Run(cancellation));
        evaluate.SetAction(p => Evaluation.Run(
            p.GetValue(Model)!, p.GetValue(Network), p.GetValue(Data)!, p.GetValue(Attacks)!, p.GetValue(Epsilon), p.GetValue(TestImages),
            p.GetValue(Seed), p.GetValue(Device)!, p.GetValue(Threads), cancellation));
        return new RootCommand("Adversarially robust distillation. Without a verb: distill if one of its options is given, else demo.")
        {
            demo, distill, evaluate,
        };
    }

    /// <summary>The arguments with the verb that they mean: options of distill after no verb, or after demo, mean distill.</summary>
    public static string[] WithVerb(string[] arguments)
    {
        var isDemo = arguments.Length > 0 && arguments[0] == "demo";
        if (arguments.Length > 0 && !arguments[0].StartsWith("--", StringComparison.Ordinal) && !isDemo) return arguments;
        if (!isDemo && arguments.Any(argument => argument is "--help" or "--version")) return arguments;
        var rest = isDemo ? arguments[1..] : arguments;
        var ofDemo = DemoOptions.Select(option => option.Name).ToArray();
        var ofDistillOnly = DistillOptions.Select(option => option.Name).Except(ofDemo).ToArray();
        var meansDistill = rest.Any(argument => ofDistillOnly.Contains(argument.Split('=')[0]));
        return [meansDistill ? "distill" : "demo", .. rest];
    }

    private static Experiment Demo(ParseResult p) => Experiment.Demo(
        p.GetValue(DemoOutput)!, p.GetValue(Seed), p.GetValue(Device)!, p.GetValue(Threads), p.GetValue(Scale));

    private static Experiment Distill(ParseResult p)
    {
        var data = DataSource.Load(p.GetValue(Data)!, p.GetValue(TrainImages), p.GetValue(TestImages));
        var epsilon = p.GetValue(Epsilon) ?? data.DefaultEpsilon;
        var methods = new Methods(
            ThreatModel.Linf(epsilon), p.GetValue(Steps), p.GetValue(StepSize) ?? epsilon / 4, p.GetValue(Temperature), p.GetValue(Alpha),
            p.GetValue(Awp));
        if (p.GetValue(Ema) is not null && p.GetValue(Swa) is not null)
            throw new ArgumentException("--ema and --swa are both given, expected one of them.");

        TrainingOptions OptionsOf(string method, int? epochs)
        {
            var preset = Presets.All.FirstOrDefault(preset => preset.Name == method);
            var count = epochs ?? preset?.Options.Epochs ?? 30;
            var schedule = preset?.Options.Schedule is MultiStepSchedule steps
                ? steps with { Milestones = [Math.Max(1, count / 2), Math.Max(2, count * 3 / 4)] }
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
                Augmentation = (p.GetValue(AugmentationOption) ?? (data.IsColour ? Augmentation.CropAndFlip : Augmentation.None)) with
                {
                    Cutout = p.GetValue(Cutout),
                },
                LabelSmoothing = p.GetValue(LabelSmoothing),
                ClipGradientNorm = p.GetValue(Clip),
                Averaging = p.GetValue(Ema) ?? p.GetValue(Swa),
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

    // An option with a description, whose text is read by a function that says by an exception what it expected.
    private static Option<T> Reads<T>(this Option<T> option, string description, Func<string, T> read)
    {
        option.Description = description;
        option.HelpName = "VALUE";
        option.Arity = ArgumentArity.ExactlyOne;
        option.CustomParser = (ArgumentResult result) =>
        {
            var text = result.Tokens[0].Value;
            try
            {
                return read(text);
            }
            catch (Exception exception) when (exception is FormatException or ArgumentException)
            {
                result.AddError($"{option.Name} '{text}': {exception.Message.TrimEnd('.')}.");
                return default!;
            }
        };
        return option;
    }

    private static long WholeNumber(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException("expected a whole number");

    private static int Positive(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FormatException("expected a whole number from 1");

    // 0.1, 5e-4 or 8/255
    private static double Fraction(string text)
    {
        var parts = text.Split('/').Select(part =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN).ToArray();
        var value = parts switch { [var only] => only, [var over, var under] => over / under, _ => double.NaN };
        return double.IsFinite(value) && value >= 0
            ? value
            : throw new FormatException("expected a number from 0, such as 0.1, 5e-4 or 8/255");
    }
}
