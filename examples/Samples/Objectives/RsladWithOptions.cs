using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>RSLAD with a larger budget and a weight of its own.</summary>
internal static class RsladWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Rslad(new RsladOptions
        {
            Inner = new RsladOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Distillation = new DistillationTerm { Temperature = 1, Reduction = KlReduction.BatchMean },
            Alpha = 0.5,                            // default 5/6 on attacked, 1/6 on clean images
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // rslad: clean 79 %, PGD-10 of 0.05 26 %
    }
}
