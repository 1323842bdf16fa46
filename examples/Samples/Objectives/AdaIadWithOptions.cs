using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>AdaIAD whose doubt of the teacher begins early.</summary>
internal static class AdaIadWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.AdaIad(new AdaIadOptions
        {
            Inner = InnerMaximisation.Adaptive with { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Trust = new TeacherTrust { FullTrustShare = 0.25 },
            StatisticsPasses = false,
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adaiad: clean 43 %, PGD-10 of 0.05 13 %
    }
}
