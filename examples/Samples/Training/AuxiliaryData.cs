using Ard.Trainers.Data;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>More images than the training set has: 70 % of each batch, labelled by the teacher.</summary>
internal static class AuxiliaryDataSample
{
    public static void Example()
    {
        using var generated = Glyphs.Generate(1000, seed: 7);   // from a file: AuxiliaryData.Load("generated.npz", classNames)
        var auxiliary = new AuxiliaryData(generated) { Share = 0.7, TeacherLabels = true };

        // TRADES needs no teacher; this one is there for the labels.
        var student = Given.Student();
        var result = Trainer.Fit(
            new(student, Given.Natural), Objective.Trades(), Given.Training, Given.Finishing with { Auxiliary = auxiliary });
        var noise = result.AuxiliaryLabels!;
        Console.WriteLine($"{noise.Images} images; other than their own labels: {Given.Percent(noise.Disagreement!.Value)}");

        // Expected output:
        // 1000 images; other than their own labels: 15 %
    }
}
