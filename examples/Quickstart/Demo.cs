using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Distributed;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Reports;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.Examples.Quickstart;

/// <summary>
/// The whole way: load, keys, a teacher by adversarial training, three students of one smaller architecture, their accuracy under attack,
/// one model from image to class name, saved, loaded and asked. The setting is one in which ARD pays: the teacher has many images, the
/// students few of them and many epochs, so that adversarial training overfits while the teacher's soft answers hold ARD back from it.
/// </summary>
internal static class Demo
{
    public static int Run(string output, long seed, string device, int? threads, double scale, CancellationToken cancellation)
    {
        int Scaled(int count) => (int)Math.Max(1, Math.Round(count * scale));

        Entry.UseThreads(threads);
        Directory.CreateDirectory(output);
        var ml = new MLContext();

        // Data: any IDataView with pixels in [0,1] and a label; LoadImageDataset and LoadImageFolder read files.
        var train = ml.Data.LoadGlyphs(Scaled(4000), seed: 1);
        var few = ml.Data.TakeRows(train, Scaled(500));
        var test = ml.Data.LoadGlyphs(Scaled(1000), seed: 2);
        var validation = ml.Data.LoadGlyphs(Scaled(200), seed: 3);

        var names = ml.Transforms.Conversion.MapKeyToValue("Prediction", "PredictedLabel");

        // The adversary may change every pixel by 0.1, and the trainings meet it in five steps.
        var threat = ThreatModel.Linf(0.1);
        var inner = new InnerMaximisation { Threat = threat, Steps = 5, StepSize = 0.05 };
        var soft = new DistillationTerm { Temperature = 4, Reduction = KlReduction.BatchMean };
        var adversarial = Objective.AdversarialTraining(inner);
        (string Name, Objective Objective)[] methods =
        [
            ("adversarial training", adversarial),
            ("clean distillation", Objective.Distillation(new() { Distillation = soft })),
            ("ARD", Objective.AdversariallyRobustDistillation(new() { Inner = inner, Distillation = soft, StatisticsPasses = false })),
        ];
        var teachers = new TrainingOptions
        {
            Epochs = Scaled(12),
            BatchSize = 100,
            Optimizer = new SgdOptimizer { LearningRate = 0.1, WeightDecay = 5e-4 },
            Schedule = Schedule.OneCycle(),
            Augmentation = Augmentation.None,
            // Validated to be looked at in the report, not to choose an epoch by.
            Validation = new() { Attacks = ["pgd-5"], Threat = threat },
            ValidateEveryEpochs = 2,
            KeepBest = false,
            Device = device,
            Threads = threads,
        };
        var students = teachers with
        {
            Epochs = Scaled(50),
            BatchSize = 50,
            ValidateEveryEpochs = 5,
            Optimizer = new SgdOptimizer { LearningRate = 0.05, WeightDecay = 5e-4 },
        };

        var rows = new List<Row>();
        var page = new HtmlReport("ARD for ML.NET: the demo")
        {
            Introduction = $"Ten drawn shapes of 16x16 pixels: a robust teacher that saw {Scaled(4000):N0} images, and three students of "
                + $"one smaller architecture that saw {Scaled(500):N0} of them. Adversarial training learns from the labels on attacked "
                + "images, clean distillation from what the teacher says of clean images, and ARD to say of attacked images what the "
                + "teacher says of the clean ones.",
            Reproduction = $"./ard demo --seed {seed}",
            Seed = seed,
        };
        var pagePath = Path.Combine(output, "report.html");
        ITransformer? best = null;
        Display.Run(display =>
        {
            display.Line($"{Scaled(4000)} training and {Scaled(1000)} test images of ten shapes, {threat}; results in {output}");
            using var teacher = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
            {
                Network = "tinycnn-16-bn",
                Objective = adversarial,
                Training = teachers,
                Validation = validation,
                Seed = seed,
                Progress = display.Training("teacher, adversarial training"),
                Cancellation = cancellation,
            }).Fit(train);
            Report(display, "teacher", "adversarial training", teacher);

            foreach (var (name, objective) in methods)
            {
                var student = ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
                {
                    Network = "tinycnn-8-bn",
                    Teacher = teacher,
                    Objective = objective,
                    Training = students,
                    Validation = validation,
                    Seed = seed,
                    Progress = display.Training($"student, {name}"),
                    Cancellation = cancellation,
                }).Fit(few);
                best = Report(display, "student", name, student);
            }
        });
        if (ProcessGroup.Current.Rank != 0) return 0;
        Summary.Print(rows);
        Console.WriteLine($"Curves, images and settings: {Path.GetFullPath(pagePath)}");
        Ask(ml, best!, test, Path.Combine(output, "student-ard.zip"));
        return 0;

        // Accuracy under attack; and one model from image to class name, with ML.NET's own metrics, saved.
        ITransformer Report(Display display, string role, string method, ImageClassifierTransformer classifier)
        {
            var metrics = ml.MulticlassClassification.EvaluateRobustness(classifier, test, new AdversarialEvaluatorOptions
            {
                Evaluation = new() { Threat = threat, Attacks = ["fgsm", "pgd-20"], Seed = seed },
                Progress = display.Evaluation($"{role}, {method}"),
                Cancellation = cancellation,
            });
            var row = new Row(
                $"{role} {classifier.Network}", method, Weights.Count(classifier.Model), Math.Round(classifier.Training!.Seconds, 3),
                Percent(metrics.Clean), Percent(metrics["fgsm"]), Percent(metrics["pgd-20"]))
            {
                Warnings = classifier.Training.Warnings,
                Flags = [.. metrics.Flags.Select(flag => $"{flag}")],
            };
            rows.Add(row);
            // A curve needs no more images than these: the page says how many they are.
            var curve = ml.MulticlassClassification.EvaluateRobustnessCurve(
                classifier, ml.Data.TakeRows(test, Scaled(200)), [0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2], new()
                {
                    Evaluation = new() { Threat = threat, Attacks = ["pgd-20"], Seed = seed, CheckNetwork = false },
                    Cancellation = cancellation,
                });
            page = page with
            {
                ClassNames = metrics.ClassNames,
                Models = [.. page.Models, metrics.ToModelReport($"{role}, {method}") with { Curve = curve }],
            };

            var model = classifier.Append(names.Fit(classifier.Transform(test)));
            if (ProcessGroup.Current.Rank != 0) return model;
            var builtIn = ml.MulticlassClassification.Evaluate(model.Transform(test));
            var file = Path.Combine(output, $"{role}-{method.Replace(' ', '-').ToLowerInvariant()}");
            // After each model, so that what is done is not lost with what is not.
            ml.Model.Save(model, train.Schema, file + ".zip");
            metrics.SaveJson(file + ".json");
            Summary.Write(Path.Combine(output, "summary.json"), rows);
            page.Save(pagePath);
            display.Line(
                $"{role}, {method}: clean {row.Clean:F1} %, FGSM {row.Fgsm:F1} %, PGD-20 {row.Pgd20:F1} %, "
                + $"log-loss {builtIn.LogLoss:F3} ({row.Duration})");
            return model;
        }
    }

    // The saved model, loaded as an application would, answers as the one in memory.
    private static void Ask(MLContext ml, ITransformer model, IDataView images, string file)
    {
        var loaded = ml.Model.Load(file, out _);
        using var engine = ml.Model.CreatePredictionEngine<Glyph, GlyphPrediction>(loaded);
        using var before = ml.Model.CreatePredictionEngine<Glyph, GlyphPrediction>(model);
        var few = ml.Transforms.Conversion.MapKeyToValue("Label").Fit(images).Transform(ml.Data.TakeRows(images, 3));
        var glyphs = ml.Data.CreateEnumerable<Glyph>(few, reuseRowObject: false).ToArray();
        Console.WriteLine();
        foreach (var glyph in glyphs)
        {
            var (name, same) = (engine.Predict(glyph).Prediction, before.Predict(glyph).Prediction);
            if (name != same) throw new InvalidOperationException($"The loaded model says {name}, the one that was saved {same}.");
            Console.WriteLine($"{file}, loaded: takes a {glyph.Label} for a {name}");
        }
    }

    private static double Percent(AttackMetrics metrics) => Math.Round(100 * metrics.Accuracy, 3);
}

internal sealed class Glyph
{
    [VectorType(1, Ard.Trainers.Data.Glyphs.ImageSize, Ard.Trainers.Data.Glyphs.ImageSize)]
    public float[] Features { get; set; } = [];

    public string Label { get; set; } = "";
}

internal sealed class GlyphPrediction
{
    public string Prediction { get; set; } = "";
}
