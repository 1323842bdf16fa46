using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Natural training: on the images as they are. Accurate, and defenceless.</summary>
internal static class NaturalSample
{
    public static void Example()
    {
        var objective = Objective.Natural();
        var student = Given.Network.Build(seed: 1);
        Trainer.Fit(student, objective, Given.Training, Given.Short);
        Given.Evaluate(objective, student);

        // Expected output:
        // natural: clean 84 %, PGD-10 of 0.03 36 %
    }
}
