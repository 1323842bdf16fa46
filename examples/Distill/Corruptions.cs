using System.Globalization;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Examples.Distill;

/// <summary>A trained network on clean and on corrupted test images.</summary>
internal sealed record Corruptions
{
    /// <summary>The file of the network.</summary>
    public required string Model { get; init; }

    /// <summary>The architecture, where the file does not say it.</summary>
    public NetworkSpec? Architecture { get; init; }

    public required string Data { get; init; }

    public int? Classes { get; init; }

    public int? TestImages { get; init; }

    /// <summary>The folder of CIFAR-10-C's files; null where the images are to be made here.</summary>
    public string? Files { get; init; }

    /// <summary>The JSON of another network's, for the mean corruption error; null for none.</summary>
    public string? Baseline { get; init; }

    /// <summary>The page to write, if any.</summary>
    public string? Report { get; init; }

    /// <summary>The file for the figures, if any.</summary>
    public string? Json { get; init; }

    public long Seed { get; init; }

    public string Device { get; init; } = "auto";

    public int? Threads { get; init; }

    /// <summary>The arguments that say all this.</summary>
    public string Command { get; init; } = "";

    /// <summary>Evaluates and prints; the exit code.</summary>
    public int Run(CancellationToken cancellation)
    {
        Entry.UseThreads(Threads);
        var baseline = Baseline is null ? null : CorruptionReport.Read(Baseline);
        using var test = DataSource.LoadTest(Data, TestImages, Classes);
        using var network = Evaluation.Network(Model, Architecture is null ? null : DataSource.Fit(Architecture, test));
        network.to(TrainingDevice.Find(Device));
        Console.WriteLine($"{Model}: {Weights.Count(network):N0} parameters, {test.Count:N0} images");
        CorruptionReport report = null!;
        Display.Run(display => report = CorruptionReport.Evaluate(
            network, test.Images, test.Labels, folder: Files, seed: Seed, progress: display.Evaluation(Model), cancellation: cancellation));
        Print("clean", (double)report.CleanCount / report.Images);
        foreach (var group in report.Results.GroupBy(result => result.Name))
            Print(group.Key, report.Accuracy(group.Key), string.Join(" ", group.Select(result =>
                string.Create(CultureInfo.InvariantCulture, $"{100.0 * result.CorrectCount / report.Images:F1}"))));
        Print("mean", report.MeanAccuracy);
        if (baseline is not null) Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"mean corruption error {100 * report.MeanCorruptionError(baseline):F1} % of {Baseline}"));
        if (Json is not null) OutputFile.Write(Json, report.ToJson());
        if (Report is null) return 0;
        new HtmlReport($"Corruptions: {Path.GetFileName(Model)}")
        {
            Introduction = $"{test.Count:N0} test images of {Data}, {(Files is null ? "corrupted here" : $"corrupted in {Files}")}.",
            Models = [new ModelReport(Model) { Description = Pages.Description(network, Architecture), Corruptions = report }],
            Reproduction = Command,
            Seed = Seed,
        }.Save(Report);
        Console.WriteLine($"Page: {Path.GetFullPath(Report)}");
        return 0;
    }

    private static void Print(string name, double accuracy, string severities = "") => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{name,-18} {100 * accuracy,6:F2} %") + (severities == "" ? "" : $"  (by severity: {severities})"));
}
