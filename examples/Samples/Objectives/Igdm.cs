using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>IGDM around another distillation: the student's gradients follow the teacher's as well.</summary>
internal static class IgdmSample
{
    public static void Example()
    {
        var objective = Objective.Igdm(Objective.AdaAd());
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adaad+igdm: clean 71 %, PGD-10 of 0.03 38 %
    }
}
