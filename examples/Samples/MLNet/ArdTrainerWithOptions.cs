using Ard.MLNet;
using Ard.Trainers.Attacks;
using Ard.Trainers.Evaluation;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>ARD with its settings: a teacher on attacked images first, then a student from few images.</summary>
internal static class ArdTrainerWithOptionsSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(600, seed: 1);
        var settings = new ObjectiveSettings { Threat = ThreatModel.Linf(0.1), Steps = 3 };
        var training = new TrainingOptions
        {
            Epochs = 8,
            BatchSize = 25,
            Optimizer = new SgdOptimizer { LearningRate = 0.1 },
            Schedule = Schedule.OneCycle(),
            Augmentation = Augmentation.None,
            ValidationFraction = 0,
        };
        using var teacher = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-8-bn",
            Settings = settings,
            Training = training,
            Seed = 1,
        }).Fit(train);
        using var student = ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
        {
            Network = "tinycnn-4-bn",
            Teacher = teacher,                                  // or TeacherNetwork.From a pipeline, or FromFile, or a module
            Method = "ard-corrected",                           // or any other: see ObjectiveCatalog
            Settings = settings with { Temperature = 4 },
            Training = training with { Epochs = 12 },
            Seed = 1,
        }).Fit(ml.Data.TakeRows(train, 300));

        var test = ml.Data.LoadGlyphs(200, seed: 2);
        var evaluation = new EvaluationOptions { Threat = settings.Threat, Attacks = ["pgd-10"] };
        foreach (var (name, model) in new[] { ("teacher", teacher), ("student", student) })
        {
            var metrics = ml.MulticlassClassification.EvaluateRobustness(model, test, new() { Evaluation = evaluation });
            Console.WriteLine($"{name}: clean {Given.Percent(metrics.Clean.Accuracy)}, pgd-10 {Given.Percent(metrics["pgd-10"].Accuracy)}");
        }

        // Expected output:
        // teacher: clean 90 %, pgd-10 25 %
        // student: clean 67 %, pgd-10 16 %
    }
}
