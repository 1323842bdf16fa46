using System.CommandLine;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verb corruptions: a trained network on clean and on corrupted test images.</summary>
internal static class Corruptions
{
    private static readonly Option<string?> Files = Text(
        "--files", "The folder with the files of CIFAR-10-C or CIFAR-100-C. Default: the corruptions are made here.");
    private static readonly Option<string?> Baseline = Text(
        "--baseline", "The --json of another network's, for the mean corruption error.");

    public static Command Verb(CancellationToken cancellation) => CommandLine.Verb(
        "corruptions", "Measures a trained network on corrupted test images: noise, blur, weather, compression.",
        p => Run(p, cancellation),
        Model, Network, Mean, Std, Data, Classes, Files, Baseline, Report, Json, TestImages, Seed, Device, Threads);

    private static int Run(ParseResult p, CancellationToken cancellation)
    {
        Entry.UseThreads(p.GetValue(Threads));
        var (model, files, architecture) = (p.GetValue(Model)!, p.GetValue(Files), p.Normalised(p.GetValue(Network)));
        var baseline = p.GetValue(Baseline) is { } other ? CorruptionReport.Read(other) : null;
        using var test = DataSource.LoadTest(p.GetValue(Data)!, p.GetValue(TestImages), p.GetValue(Classes));
        using var network = Evaluation.Read(model, architecture, test);
        network.to(TrainingDevice.Find(p.GetValue(Device)!));
        Console.WriteLine($"{model}: {Pages.Description(network, spec: null)}, {test.Count:N0} images");
        var report = Display.Run(display => CorruptionReport.Evaluate(
            network, test.Images, test.Labels, folder: files, seed: p.GetValue(Seed), progress: display.Evaluation(model),
            cancellation: cancellation));
        Print("clean", (double)report.CleanCount / report.Images);
        foreach (var name in report.Names)
            Print(name, report.Accuracy(name), "  (by severity: "
                + string.Join(" ", Enumerable.Range(1, 5).Select(severity => $"{100 * report.Accuracy(name, severity):F1}")) + ")");
        Print("mean", report.MeanAccuracy);
        if (baseline is not null)
            Console.WriteLine($"mean corruption error {100 * report.MeanCorruptionError(baseline):F1} % of {p.GetValue(Baseline)}");
        if (p.GetValue(Json) is { } json) OutputFile.Write(json, report.ToJson());
        if (p.GetValue(Report) is not { } page) return 0;
        new HtmlReport($"Corruptions: {Path.GetFileName(model)}")
        {
            Introduction = $"{test.Count:N0} test images of {p.GetValue(Data)}, "
                + $"{(files is null ? "corrupted here" : $"corrupted in {files}")}.",
            Models = [new ModelReport(model) { Description = Pages.Description(network, architecture), Corruptions = report }],
            Reproduction = p.Typed(),
            Seed = p.GetValue(Seed),
        }.Save(page);
        Console.WriteLine($"Page: {Path.GetFullPath(page)}");
        return 0;
    }

    private static void Print(string name, double accuracy, string severities = "") =>
        Console.WriteLine($"{name,-18} {100 * accuracy,6:F2} %{severities}");
}
