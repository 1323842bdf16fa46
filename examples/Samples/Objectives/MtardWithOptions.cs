using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>MTARD whose weights between the two teachers move faster.</summary>
internal static class MtardWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Mtard(new MtardOptions
        {
            Inner = new MtardOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Distillation = new DistillationTerm { Temperature = 1, Reduction = KlReduction.BatchMean },
            Rate = 0.1,                             // default 0.025
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust, NaturalTeacher: Given.Natural), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // mtard: clean 81 %, PGD-10 of 0.05 23 %
    }
}
