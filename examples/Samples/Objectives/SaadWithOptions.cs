using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>SAAD with a larger budget, and with the clean images.</summary>
internal static class SaadWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Saad(new SaadOptions
        {
            Inner = new SaadOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            EntropyOrder = 2,
            IgdmWeight = 0.5,
            CleanWeight = 0.5,
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // saad: clean 40 %, PGD-10 of 0.05 18 %
    }
}
