using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Adversarial training in one step, by N-FGSM, with a guard against catastrophic overfitting.</summary>
internal static class OneStepTrainingSample
{
    public static void Example()
    {
        var attack = new InnerMaximisation { Threat = ThreatModel.Linf(0.05) };     // default 8/255
        var objective = Objective.AdversarialTraining(attack.Fast() with            // or InnerMaximisation.FgsmRs
        {
            Guard = new OverfittingGuard { EveryBatches = 20, Images = 50, Steps = 5 },
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adversarial-training: clean 81 %, PGD-10 of 0.05 30 %
    }
}
