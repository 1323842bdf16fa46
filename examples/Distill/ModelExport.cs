using System.CommandLine;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using Ard.Trainers.Onnx;
using Ard.Trainers.Reports;

namespace Ard.Examples.Distill;

/// <summary>The verb export: a trained network for other programs, with its model card.</summary>
internal static class ModelExport
{
    private static readonly string[] Formats = ["onnx", "safetensors"];

    private static readonly Argument<string> Model = new("FILE")
    {
        Description = "The safetensors file: a model or a training checkpoint.",
    };
    private static readonly Option<NetworkSpec?> Network = new Option<NetworkSpec?>("--network")
        .Reads("The architecture, where the file does not say it.", text => (NetworkSpec?)NetworkSpec.Parse(text));
    private static readonly Option<IReadOnlyList<string>?> Format = new Option<IReadOnlyList<string>?>("--format")
        .Reads($"One or more of {string.Join(", ", Formats)}, with commas between. Default onnx.", text => (IReadOnlyList<string>?)
            [.. text.Split(',').Select(format =>
                Formats.Contains(format) ? format : throw new FormatException("expected onnx or safetensors"))]);
    private static readonly Option<bool> Softmax = new("--softmax")
    {
        Description = "The ONNX model gives probabilities instead of logits.",
    };
    private static readonly Option<bool> Fold = new("--fold-batchnorm")
    {
        Description = "BatchNorm becomes part of the convolutions before it in the ONNX model.",
    };
    private static readonly Option<IReadOnlyList<string>?> ClassNames = new Option<IReadOnlyList<string>?>("--class-names")
        .Reads("The classes in the order of the outputs, with commas between.", text => (IReadOnlyList<string>?)text.Split(','));
    private static readonly Option<string?> Evaluation = new Option<string?>("--evaluation")
        .Reads("The JSON report of an evaluation, for the card: of evaluate --json, or of the ML.NET evaluation.", text => (string?)text);
    private static readonly Option<string?> Data = new Option<string?>("--data")
        .Reads("What the network was trained on, for the card, where the file does not say it.", text => (string?)text);
    private static readonly Option<string?> Output = new Option<string?>("--output")
        .Reads("The files to write, without their endings. Default: FILE's name, in this folder.", text => (string?)text);

    public static Command Command()
    {
        var export = new Command("export", "Writes a trained network as ONNX or safetensors, and its model card beside it.")
        {
            Model, Network, Format, Softmax, Fold, ClassNames, Evaluation, Data, Output,
        };
        foreach (var option in ModelCommands.Normalisation) export.Options.Add(option);
        export.SetAction(p =>
        {
            var model = p.GetValue(Model)!;
            return Run(
                model, p.Normalised(p.GetValue(Network), "--network"), p.GetValue(Format) ?? ["onnx"],
                new() { Softmax = p.GetValue(Softmax), FoldBatchNorm = p.GetValue(Fold), ClassNames = p.GetValue(ClassNames) },
                p.GetValue(Evaluation), p.GetValue(Data), p.GetValue(Output) ?? Path.GetFileNameWithoutExtension(model));
        });
        return export;
    }

    private static int Run(
        string model, NetworkSpec? architecture, IReadOnlyList<string> formats, OnnxExportOptions options, string? evaluation, string? data,
        string output)
    {
        var (onnx, safetensors) = ($"{output}.onnx", $"{output}.safetensors");
        if (formats.Contains("safetensors") && Path.GetFullPath(safetensors) == Path.GetFullPath(model))
            throw new ArgumentException($"'{safetensors}' is the file itself, expected --output with another name.");
        using var network = Distill.Evaluation.Network(model, architecture);
        var card = ModelCard.Read(model, network);
        card = card with { Data = card.Data ?? data, ClassNames = options.ClassNames ?? card.ClassNames };
        options = options with { ClassNames = card.ClassNames };
        if (evaluation is not null) card = card.With(EvaluationSummary.Read(evaluation));
        if (formats.Contains("safetensors"))
        {
            ModelFile.Write(safetensors, network, new Dictionary<string, string> { [ModelCard.MetadataName] = card.ToJson() });
            card = card.WithSafetensors(safetensors);
        }
        if (formats.Contains("onnx"))
        {
            OnnxExport.Write(onnx, network, options);
            card = card.WithOnnx(onnx, options);
        }
        card.Write(output + ".card");
        foreach (var format in formats) Console.WriteLine($"wrote {output}.{format}");
        Console.WriteLine($"wrote {output}.card.md and {output}.card.json");
        return 0;
    }
}
