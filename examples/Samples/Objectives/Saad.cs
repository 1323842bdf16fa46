using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>SAAD: most is learned where the teacher is unsure.</summary>
internal static class SaadSample
{
    public static void Example()
    {
        var objective = Objective.Saad();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // saad: clean 44 %, PGD-10 of 0.03 25 %
    }
}
