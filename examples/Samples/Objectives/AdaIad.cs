using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>AdaIAD: the attack of AdaAD with the doubt of IAD.</summary>
internal static class AdaIadSample
{
    public static void Example()
    {
        var objective = Objective.AdaIad();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adaiad: clean 48 %, PGD-10 of 0.03 28 %
    }
}
