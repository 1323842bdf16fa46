// A robust teacher and two small students in an ML.NET pipeline, on the built-in images. The first argument is the folder for the results
// (default out/quickstart), the second the number of epochs (default 20).
using System.Globalization;
using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Attacks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Data;

var output = Directory.CreateDirectory(args.ElementAtOrDefault(0) ?? Path.Combine("out", "quickstart")).FullName;
var epochs = int.Parse(args.ElementAtOrDefault(1) ?? "20", CultureInfo.InvariantCulture);

var ml = new MLContext(seed: 1).RegisterArd();
var train = ml.Data.LoadGlyphs(2000, seed: 1);
var test = ml.Data.LoadGlyphs(500, seed: 2);

// What every trainer here has in common: an adversary who may change each pixel by 0.1.
var threat = ThreatModel.Linf(0.1);
var settings = new ObjectiveSettings { Threat = threat, Steps = 5 };
var training = new TrainingOptions
{
    Epochs = epochs,
    BatchSize = 100,
    Optimizer = new SgdOptimizer { LearningRate = 0.1 },
    Schedule = new OneCycleSchedule(),
    Augmentation = Augmentation.None,
    ValidationFraction = 0,
};

// Labels are texts: the key that trainers need, and the text back from the prediction.
var keys = ml.Transforms.Conversion.MapValueToKey("Label").Fit(train);
var texts = ml.Transforms.Conversion.MapKeyToValue("Prediction", "PredictedLabel");
var keyed = keys.Transform(train);

Console.WriteLine($"Training a teacher and two students for {epochs} epochs each ...");
var teacher = ml.AdversarialTrainer(new() { Network = "tinycnn-16-bn", Settings = settings, Training = training }).Fit(keyed);
var student = ml.ArdTrainer(new()
{
    Network = "tinycnn-4-bn",
    Teacher = teacher,
    Method = "ard-corrected",
    Settings = settings with { Temperature = 4 },
    Training = training,
}).Fit(keyed);
var natural = ml.AdversarialTrainer(new() { Network = "tinycnn-4-bn", Method = "natural", Training = training }).Fit(keyed);

var options = new AdversarialEvaluatorOptions { Evaluation = new() { Threat = threat, Attacks = ["fgsm", "pgd-20"] } };
Console.WriteLine($"{"",-22}{"clean",8}{"fgsm",8}{"pgd-20",8}");
foreach (var (name, classifier) in new[] { ("teacher", teacher), ("student, ARD", student), ("student, natural", natural) })
{
    var metrics = ml.EvaluateRobustness(classifier, keys.Transform(test), options);
    metrics.SaveJson(Path.Combine(output, name.Replace(", ", "-") + ".json"));
    Console.WriteLine($"{name,-22}{metrics.Clean.Accuracy,8:P1}{metrics["fgsm"].Accuracy,8:P1}{metrics["pgd-20"].Accuracy,8:P1}");
}

// The whole way from an image to the text of its class is one model.
var model = keys.Append(student).Append(texts.Fit(student.Transform(keyed)));
Console.WriteLine($"ML.NET's own metrics: log-loss {ml.MulticlassClassification.Evaluate(model.Transform(test)).LogLoss:F3}");

var file = Path.Combine(output, "student.zip");
ml.Model.Save(model, train.Schema, file);
var loaded = ml.Model.Load(file, out _);
var engine = ml.Model.CreatePredictionEngine<Glyph, GlyphPrediction>(loaded);
var glyph = ml.Data.CreateEnumerable<Glyph>(test, reuseRowObject: false).First();
Console.WriteLine($"The loaded model takes a {glyph.Label} for a {engine.Predict(glyph).Prediction}. Results are in {output}");

internal sealed class Glyph
{
    [VectorType(1, 16, 16)]
    public float[] Features { get; set; } = [];

    public string Label { get; set; } = "";
}

internal sealed class GlyphPrediction
{
    public string Prediction { get; set; } = "";
}
