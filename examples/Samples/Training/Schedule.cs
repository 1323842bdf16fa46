using System.Globalization;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>How the learning rate goes over a training, by its settings or by the text that command lines take.</summary>
internal static class ScheduleSample
{
    public static void Example()
    {
        Schedule[] schedules =
        [
            Schedule.MultiStep([2]), Schedule.Cosine(), Schedule.OneCycle(), Schedule.Parse("multistep:50%,75%"),
        ];
        foreach (var schedule in schedules)
        {
            // Four epochs of ten steps each.
            var rates = new[] { 0, 15, 25, 39 }.Select(step => schedule.LearningRate(0.1, step, stepsPerEpoch: 10, epochs: 4));
            Console.WriteLine($"{schedule}: {string.Join(", ", rates.Select(rate => rate.ToString("F4", CultureInfo.InvariantCulture)))}");
        }

        // Expected output:
        // multistep:2: 0.1000, 0.1000, 0.0100, 0.0100
        // cosine: 0.1000, 0.0691, 0.0309, 0.0002
        // onecycle: 0.0040, 0.0950, 0.0500, 0.0000
        // multistep:50%,75%: 0.1000, 0.1000, 0.0100, 0.0010
    }
}
