using System.CommandLine;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Onnx;
using Ard.Trainers.Reports;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verb export: a trained network for other programs, with its model card.</summary>
internal static class ModelExport
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The safetensors file: a model or a training checkpoint.",
    };
    private static readonly Option<IReadOnlyList<string>?> Format = Several(
        "--format", "One or more of onnx, safetensors, with commas between. Default onnx.",
        text => text is "onnx" or "safetensors" ? text : throw new FormatException("expected onnx or safetensors"));
    private static readonly Option<bool> Softmax = Switch("--softmax", "The ONNX model gives probabilities instead of logits.");
    private static readonly Option<IReadOnlyList<string>?> ClassNames = Several(
        "--class-names", "The classes in the order of the outputs, with commas between.", text => text);
    private static readonly Option<int[]?> Shape = new("--image-shape")
    {
        Description = "Channels, rows and columns of ONNX's images, such as 3x32x64. Default: the network's, and square.",
        CustomParser = result => result.Tokens[0].Value.Split('x').Select(text => int.TryParse(text, out var size) ? size : 0).ToArray(),
    };
    private static readonly Option<string?> Measured = Text(
        "--evaluation", "The JSON report of an evaluation, for the card: of evaluate --json, or of the ML.NET evaluation.");
    private static readonly Option<string?> TrainedOn = Text(
        "--data", "What the network was trained on, for the card, where the file does not say it.");
    private static readonly Option<string?> Output = Text(
        "--output", "The files to write, without their endings. Default: FILE's name, in this folder.");

    public static Command Verb { get; } = CommandLine.Verb(
        "export", "Writes a trained network as ONNX or safetensors, and its model card beside it.", Run,
        File, Network, Format, Shape, Softmax, ClassNames, Measured, TrainedOn, Output, Mean, Std);

    private static int Run(ParseResult p)
    {
        var (file, formats) = (p.GetValue(File)!, p.GetValue(Format) ?? ["onnx"]);
        var output = p.GetValue(Output) ?? Path.GetFileNameWithoutExtension(file);
        if (Path.GetExtension(output) is ".onnx" or ".safetensors") output = Path.ChangeExtension(output, null);
        var (onnx, safetensors) = ($"{output}.onnx", $"{output}.safetensors");
        if (formats.Contains("safetensors") && Path.GetFullPath(safetensors) == Path.GetFullPath(file))
            throw new ArgumentException($"'{safetensors}' is the file itself, expected --output with another name.");
        using var network = Evaluation.Read(file, p.Normalised(p.GetValue(Network)));
        var card = ModelCard.Read(file, network);
        card = card with { Data = card.Data ?? p.GetValue(TrainedOn), ClassNames = p.GetValue(ClassNames) ?? card.ClassNames };
        if (p.GetValue(Measured) is { } evaluation) card = card.WithEvaluation(evaluation);
        if (formats.Contains("safetensors"))
        {
            ModelFile.Write(safetensors, network, new Dictionary<string, string> { [ModelCard.MetadataName] = card.ToJson() });
            card = card.WithFile(safetensors);
        }
        if (formats.Contains("onnx"))
        {
            var options = new OnnxExportOptions
            {
                ImageShape = p.GetValue(Shape) switch
                {
                    null or [] => null,
                    [var channels, var rows, var columns] => (channels, rows, columns),
                    _ => throw new ArgumentException("--image-shape: expected three sizes, such as 3x32x64."),
                },
                Softmax = p.GetValue(Softmax),
                ClassNames = card.ClassNames,
            };
            OnnxExport.Write(onnx, network, options);
            card = card.WithFile(onnx, options);
        }
        card.Write(onnx);
        foreach (var format in formats) Console.WriteLine($"wrote {output}.{format}");
        Console.WriteLine($"wrote {output}.card.md and {output}.card.json");
        return 0;
    }
}
