using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;

namespace Ard.Samples;

/// <summary>A model that answers and shows nothing else, such as a service: evaluated by queries alone.</summary>
internal static class BlackBoxSample
{
    public static void Example()
    {
        // Images [N,1,16,16] in [0,1] to scores [N,10]: in place of the network, ask whatever there is.
        var network = Given.Robust;
        using var model = BlackBox.FromScores("the service", images => network.call(images));
        var options = new EvaluationOptions { Threat = Given.Threat, Attacks = ["square-300", "rays-300"] };
        var report = new RobustnessEvaluator(options).Evaluate(model, Given.Test.Images[..50], Given.Test.Labels[..50]);

        foreach (var attack in report.Attacks)
            Console.WriteLine($"{attack.Name}: {Given.Percent(attack.AccuracyAfter(10))} after 10 queries an image, "
                + $"{Given.Percent(attack.Accuracy)} in the end");
        Console.WriteLine($"half of the broken images needed few queries: {report.WorstCase.MedianQueries < 100}");
        Console.WriteLine(report.BlackBox![(report.BlackBox!.IndexOf(':') + 2)..]);

        // Expected output:
        // square-300: 74 % after 10 queries an image, 44 % in the end
        // rays-300: 80 % after 10 queries an image, 42 % in the end
        // half of the broken images needed few queries: True
        // the accuracies under attack are upper bounds; more queries, or knowledge of the model, may lower them.
    }
}
