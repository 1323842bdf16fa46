using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>A network that imitates a model which can only be asked; what deceives the one often deceives the other.</summary>
internal static class SurrogateSample
{
    public static void Example()
    {
        var (network, images, labels) = (Given.Natural, Given.Test.Images, Given.Test.Labels);
        using var model = BlackBox.FromLabels("the service", 10, asked => network.call(asked).argmax(1));
        using var imitation = Given.Network.Build(seed: 2);
        // One query an image; no true label is needed.
        Surrogate.Fit(imitation, model, Given.Training.Images, Given.Short with { Epochs = 10 });

        var options = new EvaluationOptions
        {
            Threat = Given.Threat,
            Attacks = [],
            MoreAttacks = [Attack.Transfer(Attack.Pgd(), imitation, "surrogate")],
        };
        var report = new RobustnessEvaluator(options).Evaluate(model, images, labels);
        foreach (var result in report.Attacks.Prepend(report.Clean))
            Console.WriteLine($"{result.Name}: {Given.Percent(result.Accuracy)}");

        // Expected output:
        // clean: 84 %
        // transfer(pgd-20, surrogate): 44 %
    }
}
