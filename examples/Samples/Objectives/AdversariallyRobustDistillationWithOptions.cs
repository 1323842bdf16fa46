using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>ARD with every setting.</summary>
internal static class AdversariallyRobustDistillationWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.AdversariallyRobustDistillation(new ArdOptions
        {
            Inner = new InnerMaximisation { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Distillation = new DistillationTerm { Temperature = 4, Reduction = KlReduction.BatchMean },
            Alpha = 1,                              // less adds cross-entropy on clean images
            StatisticsPasses = false,                // the released code runs the clean images even where alpha is 1
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // ard: clean 71 %, PGD-10 of 0.05 26 %
    }
}
