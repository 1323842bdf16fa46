using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Fast ARD: distillation on the perturbations of free adversarial training.</summary>
internal static class FastArdSample
{
    public static void Example()
    {
        var objective = Objective.FastArd();
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // fast-ard: clean 74 %, PGD-10 of 0.03 43 %
    }
}
