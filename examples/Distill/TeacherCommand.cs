using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Training;
using TorchSharp;

namespace Ard.Examples.Distill;

/// <summary>What a teacher is worth, measured on training images before it teaches.</summary>
internal sealed record TeacherCommand
{
    /// <summary>The file of the teacher.</summary>
    public required string File { get; init; }

    /// <summary>The architecture, where the file does not say it.</summary>
    public NetworkSpec? Architecture { get; init; }

    /// <summary>The file of a trained student, if any.</summary>
    public string? Student { get; init; }

    public required string Data { get; init; }

    public int? Classes { get; init; }

    /// <summary>Of the training images only the first so many.</summary>
    public int? TrainImages { get; init; }

    /// <summary>How many of these are looked at.</summary>
    public int Images { get; init; }

    /// <summary>The budget in the maximum norm; null for one that is usual for the images.</summary>
    public double? Epsilon { get; init; }

    /// <summary>The file for the figures, if any.</summary>
    public string? Json { get; init; }

    public string Device { get; init; } = "auto";

    public int? Threads { get; init; }

    /// <summary>Measures and prints; the exit code.</summary>
    public int Run(CancellationToken cancellation)
    {
        Entry.UseThreads(Threads);
        using var data = DataSource.LoadTrain(Data, TrainImages, Classes);
        var place = TrainingDevice.Find(Device);
        using var teacher = Evaluation.Network(File, Architecture is null ? null : DataSource.Fit(Architecture, data)).to(place);
        using var student = Student is null ? null : Evaluation.Network(Student, architecture: null).to(place);
        var threat = Epsilon is { } epsilon ? ThreatModel.Linf(epsilon) : null;
        var report = TeacherReport.Measure(teacher, data, threat, student, Images, cancellation);
        Console.WriteLine($"{File}: {report}");
        Console.WriteLine(report.Warning is { } warning ? $"It will not help: {warning}." : "Nothing speaks against it.");
        if (Json is not null) OutputFile.Write(Json, report.ToJson());
        return 0;
    }
}
