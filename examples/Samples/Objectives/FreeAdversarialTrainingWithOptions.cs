using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Free adversarial training with fewer replays.</summary>
internal static class FreeAdversarialTrainingWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.FreeAdversarialTraining(new FreePerturbation
        {
            Threat = ThreatModel.Linf(0.05),    // default 8/255
            Replays = 4,                        // default 8
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // free: clean 88 %, PGD-10 of 0.05 40 %
    }
}
