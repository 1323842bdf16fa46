using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>Several teachers as one: its probabilities are the mean of theirs.</summary>
internal static class TeacherEnsembleSample
{
    public static void Example()
    {
        // The ensemble takes its members over, so it gets copies.
        var (first, second) = (Given.Network.Build(seed: 1), Given.Network.Build(seed: 1));
        Weights.Copy(Given.Robust, first);
        Weights.Copy(Given.Natural, second);
        using var teachers = new TeacherEnsemble(first, second);
        teachers.eval();

        var student = Given.Network.Build(seed: 2);
        var objective = Objective.Distillation(new() { Distillation = new() { Temperature = 1 } });
        Trainer.Fit(new(student, teachers), objective, Given.Training, Given.Short);
        Console.WriteLine($"teachers {Given.Accuracy(teachers, Given.Test.Images)}, student {Given.Accuracy(student, Given.Test.Images)}");

        // Expected output:
        // teachers 88 %, student 68 %
    }
}
