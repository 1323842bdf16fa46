using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>MTARD: a robust teacher for attacked images and an accurate one for clean images.</summary>
internal static class MtardSample
{
    public static void Example()
    {
        var objective = Objective.Mtard();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust, NaturalTeacher: Given.Natural), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // mtard: clean 84 %, PGD-10 of 0.03 36 %
    }
}
