using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Adversarial training against a larger budget, in fewer steps.</summary>
internal static class AdversarialTrainingWithOptionsSample
{
    public static void Example()
    {
        var objective = Objective.AdversarialTraining(new InnerMaximisation
        {
            Threat = ThreatModel.Linf(0.05),    // default 8/255
            Steps = 3,                          // default 10
            StepSize = 0.025,                   // default 2/255
            Start = Start.Uniform,
            Mode = AttackMode.Eval,             // BatchNorm's statistics stay as they are while the images are sought
        });
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adversarial-training: clean 80 %, PGD-10 of 0.05 32 %
    }
}
