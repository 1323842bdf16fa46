using System.CommandLine;
using Ard.Trainers.Attacks;
using Ard.Trainers.Training;
using TorchSharp;
using static Ard.Examples.Distill.CommandLine;
using static Ard.Examples.Options;

namespace Ard.Examples.Distill;

/// <summary>The verb teacher: what a teacher is worth, measured on training images before it teaches.</summary>
internal static class TeacherCommand
{
    private static readonly Argument<string> File = new("FILE")
    {
        Description = "The teacher: a model, or with --network weights of PyTorch.",
    };
    private static readonly Option<string?> Student = Text(
        "--student", "The file of a trained student: what carries over to it is measured too.");
    private static readonly Option<int> Images = Of("--images", "How many of the training images to look at.", 200, Positive);

    public static Command Verb(CancellationToken cancellation) => CommandLine.Verb(
        "teacher", "Tells what a teacher is worth before it teaches: accuracy, robustness and how sure it is.",
        p => Run(p, cancellation),
        File, Network, Mean, Std, Student, Data, Classes, TrainImages, Images, Epsilon, Json, Device, Threads);

    private static int Run(ParseResult p, CancellationToken cancellation)
    {
        Entry.UseThreads(p.GetValue(Threads));
        var (file, architecture) = (p.GetValue(File)!, p.Normalised(p.GetValue(Network)));
        using var data = DataSource.LoadTrain(p.GetValue(Data)!, p.GetValue(TrainImages), p.GetValue(Classes));
        var place = TrainingDevice.Find(p.GetValue(Device)!);
        using var teacher = Evaluation.Read(file, architecture, data).to(place);
        using var student = p.GetValue(Student) is { } path ? Evaluation.Read(path, null, data).to(place) : null;
        var threat = p.GetValue(Epsilon) is { } epsilon ? ThreatModel.Linf(epsilon) : null;
        var report = TeacherReport.Measure(teacher, data, threat, student, p.GetValue(Images), cancellation);
        Console.WriteLine($"{file}: {report}");
        Console.WriteLine(report.Warning is { } warning ? $"It will not help: {warning}." : "Nothing speaks against it.");
        if (p.GetValue(Json) is { } json) OutputFile.Write(json, report.ToJson());
        return 0;
    }
}
