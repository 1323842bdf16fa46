using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>IGDM with a weight of its own.</summary>
internal static class IgdmWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Igdm(Objective.Rslad(), weight: 0.5);     // default 1
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // rslad+igdm: clean 78 %, PGD-10 of 0.03 40 %
    }
}
