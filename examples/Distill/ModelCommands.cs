using System.CommandLine;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verbs inspect and import: what a file of weights holds, and another program's weights as a model of this library.</summary>
internal static class ModelCommands
{
    private const int MetadataShown = 200;

    private static readonly Argument<string> File = new("FILE")
    {
        Description = "A safetensors file, or one of torch.save (.pt, .pth …) or of TorchSharp's Module.save (.dat).",
    };
    private static readonly Option<string?> Key = Text(
        "--key", "Which entry of a file with several state dicts, such as ema, state_dict.0 of a list, or best of a training checkpoint. "
        + "Default: found by rule, such as state_dict.");
    private static readonly Option<NetworkSpec?> Architecture = One(
        "--network", "The architecture, such as wideresnet-34-10. Default: recognised by names and shapes.", NetworkSpec.Parse);
    private static readonly Option<int?> ClassCount = Count("--classes", "Number of classes. Default: as recognised, else 10.");
    private static readonly Option<string?> Output = Text(
        "--output", "The safetensors file to write. Default: FILE with the ending .safetensors, in this folder.");

    public static Command Inspect { get; } = Verb(
        "inspect", "Prints a file's format, tensors and metadata and what network it looks like. Runs nothing in it.",
        p => Describe(p.GetValue(File)!, p.GetValue(Key)), File, Key);

    public static Command Import { get; } = Verb(
        "import", "Turns weights of PyTorch into a model of this library. Runs nothing in the file.", Convert,
        File, Key, Architecture, ClassCount, Mean, Std, Output);

    private static int Describe(string path, string? key)
    {
        using var file = WeightsFile.Open(path, key);
        var where = file.Key == "" ? "" : $" under '{file.Key}'";
        var elements = file.Tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (count, size) => count * size));
        Print($"{path}: {file}{where}, {elements:N0} elements");
        Console.WriteLine(file.Description);
        foreach (var (name, value) in file.Metadata)
            Print($"metadata {name} = {(value.Length > MetadataShown ? $"{value[..MetadataShown]}…" : value)}");
        if (file.Others.Count > 0) Print($"besides: {string.Join(", ", file.Others)}");
        foreach (var tensor in file.Tensors) Print($"{tensor}");
        return 0;
    }

    // Names come from the file: none may steer the terminal.
    private static void Print(string text) => Console.WriteLine(string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)));

    private static int Convert(ParseResult p)
    {
        var path = p.GetValue(File)!;
        var output = p.GetValue(Output) ?? Path.ChangeExtension(Path.GetFileName(path), ".safetensors");
        if (Path.GetFullPath(output) == Path.GetFullPath(path))
            throw new ArgumentException($"--output '{output}' is the file itself, expected another.");
        using var imported = ModelFile.Import(path, Spec(p, path), p.GetValue(Key));
        ModelFile.Write(output, imported.Network);
        foreach (var line in $"{imported.Report}".Split('\n')) Print(line);
        Console.WriteLine($"wrote {output}: {imported.Spec.ToJson()}");
        return 0;
    }

    // Null where the command line says nothing: then the file decides by itself.
    private static NetworkSpec? Spec(ParseResult p, string path)
    {
        var (network, classes, mean, std) =
            (p.GetValue(Architecture), p.GetValue(ClassCount), p.GetValue(Mean), p.GetValue(Std));
        if (network is null && classes is null && mean is null && std is null) return null;
        using var file = WeightsFile.Open(path, p.GetValue(Key));
        var recognised = file.NetworkOf();
        var spec = network ?? recognised
            ?? throw new ArgumentException(
                $"{path}: expected a network that --network names or that can be recognised, found one that is {file.Description}.");
        return spec with
        {
            Classes = classes ?? recognised?.Classes ?? spec.Classes,
            InputChannels = recognised?.InputChannels ?? mean?.Count ?? spec.InputChannels,
            ImageSize = recognised?.ImageSize ?? spec.ImageSize,
            Mean = mean,
            Std = std,
        };
    }
}
