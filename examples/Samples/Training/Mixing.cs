using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>CutMix and MixUp: each image is mixed with another one of its batch, and so are their labels.</summary>
internal static class MixingSample
{
    public static void Example()
    {
        foreach (var mixing in new[] { Mixing.CutMix(), Mixing.MixUp(alpha: 0.2) })
        {
            var options = Given.Finishing with { Mixing = mixing, Averaging = WeightAveraging.Exponential(0.95) };
            var result = Trainer.Fit(Given.Student(), Objective.AdversarialTraining(), Given.Training, options);
            Console.WriteLine($"the loss is a number: {double.IsFinite(result.History[^1].Loss)}");
        }

        // MART needs a class for each image.
        try
        {
            Trainer.Fit(Given.Student(), Objective.Mart(), Given.Training, Given.Finishing with { Mixing = Mixing.CutMix() });
        }
        catch (ArgumentException exception)
        {
            Console.WriteLine(exception.Message);
        }

        // Expected output:
        // the loss is a number: True
        // the loss is a number: True
        // Trainer: Mixing is set, and the objective mart needs a class for each image, which mixed ones do not have.
    }
}
