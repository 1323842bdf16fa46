using System.CommandLine;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>All verbs, and the options that several of them have.</summary>
internal static class CommandLine
{
    public static readonly Option<string> Model = new("--model")
    {
        Required = true,
        HelpName = "VALUE",
        Description = "The file: a model, a training checkpoint, with --network weights of PyTorch; a model of ML.NET's (.zip), which is "
            + "asked only where it is not this library's; or an ONNX model, which is asked only.",
    };
    public static readonly Option<NetworkSpec?> Network =
        One("--network", "The architecture, where the file does not say it.", NetworkSpec.Parse);
    public static readonly Option<IReadOnlyList<double>?> Mean = Several(
        "--mean", "Mean of each channel that the network's images are normalised with, such as 0.4914,0.4822,0.4465. Goes with --std. "
        + "Default: as the file says, else as robustbench/… defines it, else none.", Fraction);
    public static readonly Option<IReadOnlyList<double>?> Std = Several(
        "--std", "Standard deviation of each channel, such as 0.2471,0.2435,0.2616. Goes with --mean.", Fraction);
    public static readonly Option<string> Data = Text(
        "--data", "CIFAR-10/100 (binary or for Python), MNIST and its relatives (IDX), NumPy arrays (.npz or a folder of .npy), or "
        + "builtin.", DataSource.BuiltIn);
    public static readonly Option<int?> Classes = Count(
        "--classes", "Number of classes of the images, where their files do not say it. Default: the largest label and 1; with IDX at "
        + "least 10.");
    public static readonly Option<double?> Epsilon = Number(
        "--eps", "The adversary's budget in the maximum norm, such as 0.1 or 8/255. Default 8/255 for colour images, 0.1 for gray ones.",
        Budget);
    public static readonly Option<int?> TrainImages =
        Count("--train-images", "Train on the first so many images. Default all; of builtin 4,000.");
    public static readonly Option<int?> TestImages =
        Count("--test-images", "Evaluate on the first so many test images. Default all; of builtin 1,000.");
    public static readonly Option<string?> Report = ToWrite(
        "--report", "Write the results as a page for people to this HTML file. Default of distill: report.html in the output folder.");
    public static readonly Option<string?> Json = ToWrite(
        "--json", "Write the figures to this JSON file: those of evaluate for the card of export, those of corruptions for --baseline.");
    public static readonly Option<string?> Rows = ToWrite("--rows", "Write what became of each image to this file, as JSON lines.");

    /// <summary>A budget in the maximum norm, in which 1 makes any image of any other.</summary>
    public static double Budget(string text) => Fraction(text) is <= 1 and var budget ? budget
        : throw new FormatException("expected a number from 0 to 1, in units of pixels from 0 to 1, such as 8/255");

    /// <summary>The whole command line.</summary>
    public static RootCommand Build(CancellationToken cancellation) => new("Adversarially robust distillation. Without a verb: distill.")
    {
        DistillCommand.Verb(cancellation), Evaluation.Verb(cancellation), ModelCommands.Inspect, ModelCommands.Import, Merging.Verb,
        Corruptions.Verb(cancellation), TeacherCommand.Verb(cancellation), Comparison.Verb, ModelExport.Verb,
    };

    /// <summary>A verb with its arguments and options; what it does gives the exit code.</summary>
    public static Command Verb(string name, string description, Func<ParseResult, int> run, params IReadOnlyList<Symbol> symbols)
    {
        var verb = new Command(name, description);
        foreach (var argument in symbols.OfType<Argument>()) verb.Arguments.Add(argument);
        foreach (var option in symbols.OfType<Option>()) verb.Options.Add(option);
        verb.SetAction(run);
        return verb;
    }

    /// <summary>The arguments with the verb that they mean.</summary>
    public static string[] WithVerb(string[] arguments) => arguments switch
    {
        [] => ["distill"],
        [var first, ..] when first.StartsWith("--", StringComparison.Ordinal) && first is not ("--help" or "--version") =>
            ["distill", .. arguments],
        _ => arguments,
    };

    /// <summary>The command as it can be typed again.</summary>
    public static string Typed(this ParseResult p) => "./ard " + string.Join(' ', p.Tokens.Select(token => token.Value).Select(text =>
        text.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./,:+=".Contains(letter)) ? text : $"'{text.Replace("'", "'\\''")}'"));

    /// <summary>What network a file holds: as it says, else as names and shapes look; null where it is none.</summary>
    public static NetworkSpec? NetworkOf(this WeightsFile file) =>
        file.Metadata.TryGetValue("ard.network", out var json) ? NetworkSpec.FromJson(json) : file.Recognised;

    /// <summary>An architecture with the normalisation that the command line names.</summary>
    /// <param name="p">The command line.</param>
    /// <param name="network">The architecture; null where the file says it, and with it the normalisation.</param>
    /// <param name="needed">The option without which there is none.</param>
    /// <exception cref="ArgumentException">There is a normalisation, and no architecture.</exception>
    public static NetworkSpec? Normalised(this ParseResult p, NetworkSpec? network, string needed = "--network")
    {
        var (mean, std) = (p.GetValue(Mean), p.GetValue(Std));
        if (network is null && (mean ?? std) is not null)
            throw new ArgumentException($"--mean and --std are given without {needed}: the file says how its images are normalised.");
        return network is null ? null : network with { Mean = mean, Std = std };
    }
}
