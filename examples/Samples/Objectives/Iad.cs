using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>IAD: trusts the teacher as far as it is right, else itself.</summary>
internal static class IadSample
{
    public static void Example()
    {
        var objective = Objective.Iad();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // iad: clean 82 %, PGD-10 of 0.03 48 %
    }
}
