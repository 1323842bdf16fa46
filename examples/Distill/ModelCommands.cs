using System.CommandLine;
using System.Globalization;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using static Ard.Examples.OptionReading;

namespace Ard.Examples.Distill;

/// <summary>The verbs inspect and import: what a file of weights holds, and another program's weights as a model of this library.</summary>
internal static class ModelCommands
{
    private const int MetadataShown = 200;

    private static readonly Argument<string> File = new("FILE")
    {
        Description = "A safetensors file, or one of torch.save (.pt, .pth …) or of TorchSharp's Module.save (.dat).",
    };
    private static readonly Option<string?> Key = new Option<string?>("--key")
        .Reads("Which entry of a file with several state dicts, such as ema, or state_dict.0 of a list. Default: found by rule, such as "
            + "state_dict.", text => (string?)text);
    private static readonly Option<NetworkSpec?> Network = new Option<NetworkSpec?>("--network")
        .Reads("The architecture, such as wideresnet-34-10. Default: recognised by names and shapes.",
            text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<int?> Classes = new Option<int?>("--classes")
        .Reads("Number of classes. Default: as recognised, else 10.", text => (int?)Positive(text));

    // Of every verb that fills a network which the command line names.
    private static readonly Option<IReadOnlyList<double>?> Mean = new Option<IReadOnlyList<double>?>("--mean")
        .Reads("Mean of each channel that the network's images are normalised with, such as 0.4914,0.4822,0.4465. Goes with --std. "
            + "Default: as the file says, else no normalisation.", Numbers);
    private static readonly Option<IReadOnlyList<double>?> Std = new Option<IReadOnlyList<double>?>("--std")
        .Reads("Standard deviation of each channel, such as 0.2471,0.2435,0.2616. Goes with --mean.", Numbers);

    private static readonly Option<string?> Output = new Option<string?>("--output")
        .Reads("The safetensors file to write. Default: FILE with the ending .safetensors, in this folder.", text => (string?)text);

    /// <summary>By which a network's images are normalised, where its file does not tell.</summary>
    public static IReadOnlyList<Option> Normalisation { get; } = [Mean, Std];

    /// <summary>An architecture with the normalisation that the command line names.</summary>
    /// <param name="p">The command line.</param>
    /// <param name="network">The architecture; null where the file says it, and with it the normalisation.</param>
    /// <param name="needed">The option without which there is none.</param>
    /// <exception cref="ArgumentException">There is a normalisation, and no architecture.</exception>
    public static NetworkSpec? Normalised(this ParseResult p, NetworkSpec? network, string needed)
    {
        var (mean, std) = (p.GetValue(Mean), p.GetValue(Std));
        if (network is null && (mean ?? std) is not null)
            throw new ArgumentException($"--mean and --std are given without {needed}: the file says how its images are normalised.");
        return network is null ? null : network with { Mean = mean, Std = std };
    }

    /// <summary>Both verbs.</summary>
    public static IEnumerable<Command> All()
    {
        var inspect = new Command(
            "inspect", "Prints a file's format, tensors and metadata and what network it looks like. Runs nothing in it.")
        {
            File, Key,
        };
        inspect.SetAction(p => Inspect(p.GetValue(File)!, p.GetValue(Key)));
        var import = new Command("import", "Turns weights of PyTorch into a model of this library. Runs nothing in the file.")
        {
            File, Key, Network, Classes, Mean, Std, Output,
        };
        import.SetAction(p => Import(
            p.GetValue(File)!, p.GetValue(Key), p.GetValue(Network), p.GetValue(Classes), p.GetValue(Mean), p.GetValue(Std),
            p.GetValue(Output)));
        return [inspect, import];
    }

    private static int Inspect(string path, string? key)
    {
        using var file = WeightsFile.Open(path, key);
        var where = file.Key == "" ? "" : $" under '{file.Key}'";
        if (file.Format == WeightsFormat.TorchScript)
        {
            Console.WriteLine($"{path}: {file.Format}. It is a program, and its tensors are not listed without running it.");
            return 0;
        }
        Print(string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: {file.Format}, {file.Tensors.Count} tensors{where}, {file.Tensors.Sum(tensor => tensor.Count):N0} elements"));
        Console.WriteLine(file.Description);
        foreach (var (name, value) in file.Metadata)
            Print($"metadata {name} = {(value.Length > MetadataShown ? $"{value[..MetadataShown]}…" : value)}");
        if (file.Others.Count > 0) Print($"besides: {string.Join(", ", file.Others)}");
        foreach (var tensor in file.Tensors) Print($"{tensor}");
        return 0;
    }

    // Names come from the file: none may steer the terminal.
    private static void Print(string text) => Console.WriteLine(string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)));

    private static int Import(
        string path, string? key, NetworkSpec? network, int? classes, IReadOnlyList<double>? mean, IReadOnlyList<double>? std,
        string? output)
    {
        output ??= Path.ChangeExtension(Path.GetFileName(path), ".safetensors");
        if (Path.GetFullPath(output) == Path.GetFullPath(path))
            throw new ArgumentException($"--output '{output}' is the file itself, expected another.");
        using var imported = ModelFile.Import(path, Spec(path, key, network, classes, mean, std), key);
        ModelFile.Write(output, imported.Network);
        foreach (var line in $"{imported.Report}".Split('\n')) Print(line);
        Console.WriteLine($"wrote {output}: {imported.Spec.ToJson()}");
        return 0;
    }

    // Null where the command line says nothing: then the file decides by itself.
    private static NetworkSpec? Spec(
        string path, string? key, NetworkSpec? network, int? classes, IReadOnlyList<double>? mean, IReadOnlyList<double>? std)
    {
        if (network is null && classes is null && mean is null && std is null) return null;
        using var file = WeightsFile.Open(path, key);
        var recognised = file.Recognised;
        var spec = network ?? recognised
            ?? throw new ArgumentException(
                $"{path}: expected a network that --network names or that can be recognised, found one that is {file.Description}.");
        return spec with
        {
            Classes = classes ?? recognised?.Classes ?? spec.Classes,
            InputChannels = recognised?.InputChannels ?? mean?.Count ?? spec.InputChannels,
            ImageSize = recognised?.ImageSize ?? spec.ImageSize,
            Mean = mean ?? spec.Mean,
            Std = std ?? spec.Std,
        };
    }

    private static IReadOnlyList<double>? Numbers(string text) => [.. text.Split(',').Select(Fraction)];
}
