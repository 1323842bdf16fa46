using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>SGD, the papers' choice, and Adam or AdamW.</summary>
internal static class OptimizersSample
{
    public static void Example()
    {
        OptimizerSpec[] optimizers =
        [
            new SgdOptimizer { LearningRate = 0.1, Momentum = 0.9, Nesterov = true },
            new AdamOptimizer { LearningRate = 0.01 },
            new AdamOptimizer { LearningRate = 0.01, Decoupled = true, WeightDecay = 0.01 },        // AdamW
        ];
        foreach (var optimizer in optimizers)
        {
            var student = Given.Network.Build(seed: 1);
            var options = Given.Short with { Epochs = 2, Optimizer = optimizer };
            var result = Trainer.Fit(student, Objective.Natural(), Given.Training, options);
            Console.WriteLine($"{optimizer.GetType().Name}: the loss fell {result.History[1].Loss < result.History[0].Loss}");
        }

        // Expected output:
        // SgdOptimizer: the loss fell True
        // AdamOptimizer: the loss fell True
        // AdamOptimizer: the loss fell True
    }
}
