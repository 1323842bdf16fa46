using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>What a teacher is worth, before it teaches: two that know the images, of which one stands an attack.</summary>
internal static class TeacherReportSample
{
    public static void Example()
    {
        foreach (var (name, teacher) in new[] { ("robust", Given.Robust), ("natural", Given.Natural) })
        {
            var report = TeacherReport.Measure(teacher, Given.Training, Given.Threat);
            var (clean, robust) = (Given.Percent(report.CleanAccuracy), Given.Percent(report.RobustAccuracy!.Value));
            var verdict = report.Warning is null ? "it can teach" : "it will not help";
            Console.WriteLine($"{name}: clean {clean}, under attack {robust}; {verdict}");
        }

        // What carries over, with a student that is trained already: here it is no student of that teacher.
        var with = TeacherReport.Measure(Given.Robust, Given.Training, Given.Threat, student: Given.Natural);
        Console.WriteLine($"of the student's adversarial examples {Given.Percent(with.TransferShare!.Value)} deceive the teacher");
        Console.WriteLine($"sure where the student fails: {with.UnlearnedEntropy < with.LargestEntropy / 2}");

        // Expected output:
        // robust: clean 93 %, under attack 60 %; it can teach
        // natural: clean 98 %, under attack 2 %; it will not help
        // of the student's adversarial examples 12 % deceive the teacher
        // sure where the student fails: True
    }
}
