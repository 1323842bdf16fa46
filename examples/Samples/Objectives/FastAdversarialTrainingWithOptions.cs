using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>N-FGSM: more noise and no projection.</summary>
internal static class FastAdversarialTrainingWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.FastAdversarialTraining(FastAdversarialTrainingOptions.NFgsm with
        {
            Threat = ThreatModel.Linf(0.05),                    // default 8/255
            Noise = 1,                              // in units of epsilon; N-FGSM's own default is 2
            Guard = new OverfittingGuard { EveryBatches = 20, Images = 50, Steps = 5 },
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // fast-at: clean 80 %, PGD-10 of 0.05 30 %
    }
}
