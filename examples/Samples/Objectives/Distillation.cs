using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Knowledge distillation on clean images: little of a teacher's robustness comes along.</summary>
internal static class DistillationSample
{
    public static void Example()
    {
        var objective = Objective.Distillation();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // distillation: clean 74 %, PGD-10 of 0.03 28 %
    }
}
