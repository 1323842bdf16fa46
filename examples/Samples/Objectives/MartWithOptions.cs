using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>MART with a weight of its own.</summary>
internal static class MartWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Mart(new MartOptions
        {
            Lambda = 2,                             // default 5
            Inner = new MartOptions().Inner with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // mart: clean 75 %, PGD-10 of 0.05 35 %
    }
}
