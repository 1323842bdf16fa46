using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>AWP around another method: the weights are perturbed as well, for a flatter minimum.</summary>
internal static class AdversarialWeightPerturbationSample
{
    public static void Example()
    {
        var objective = Objective.AdversarialWeightPerturbation(Objective.AdversarialTraining());
        var student = Given.Student();
        Trainer.Fit(student, objective, Given.Training, Given.Finishing);
        Given.Evaluate(objective, student);

        // Expected output:
        // adversarial-training+awp: clean 82 %, PGD-10 of 0.03 48 %
    }
}
