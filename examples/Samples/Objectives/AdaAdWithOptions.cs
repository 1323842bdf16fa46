using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>AdaAD with a larger budget.</summary>
internal static class AdaAdWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.AdaAd(new AdaAdOptions
        {
            Inner = InnerMaximisation.Adaptive with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Distillation = new DistillationTerm { Temperature = 1, Reduction = KlReduction.BatchMean },
            StatisticsPasses = false,
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adaad: clean 78 %, PGD-10 of 0.05 26 %
    }
}
