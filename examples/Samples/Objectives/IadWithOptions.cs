using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>IAD whose doubt of the teacher begins early.</summary>
internal static class IadWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.Iad(new IadOptions
        {
            Inner = new InnerMaximisation { Threat = ThreatModel.Linf(0.05), Steps = 3, StepSize = 0.025 },
            Trust = new TeacherTrust
            {
                FullTrustShare = 0.25,              // of the training, default 0.3: until then it trusts in full
                Exponent = 0.5,                     // default 0.1; more is less trust
            },
        });
        var student = Given.Student();
        Trainer.Fit(new(student, Given.Robust), objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // iad: clean 82 %, PGD-10 of 0.05 28 %
    }
}
