// Image files to a robust classifier: folders named by class, read by ML.NET's own image steps. The first argument is the folder (default:
// some PNG files made here), the second the size that the images are brought to (default 16), the third the number of epochs (default 15).
using System.Globalization;
using Ard.MLNet;
using Ard.Trainers.Attacks;
using Ard.Trainers.Data;
using Ard.Trainers.Objectives;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Data;

var folder = args.ElementAtOrDefault(0) ?? Draw(Path.Combine("out", "imagefolder"), count: 1000);
var size = int.Parse(args.ElementAtOrDefault(1) ?? "16", CultureInfo.InvariantCulture);
var epochs = int.Parse(args.ElementAtOrDefault(2) ?? "15", CultureInfo.InvariantCulture);

var ml = new MLContext(seed: 1).RegisterArd();
var split = ml.Data.TrainTestSplit(ml.Data.LoadImageFolder(folder), testFraction: 0.2);

// Files to vectors: planes of red, green and blue, pixels in [0,1], which is what the trainers expect.
var images = ml.Transforms.LoadImages("Image", "", "ImagePath")
    .Append(ml.Transforms.ResizeImages("Image", size, size))
    .Append(ml.Transforms.ExtractPixels("Features", "Image", scaleImage: 1f / 255))
    .Fit(split.TrainSet);
// Every trainer reads the files anew otherwise.
var train = ml.Data.Cache(images.Transform(split.TrainSet), "Features", "Label");

var threat = ThreatModel.Linf(8.0 / 255);
var settings = new ObjectiveSettings { Threat = threat, Steps = 5 };
var training = new TrainingOptions
{
    Epochs = epochs,
    BatchSize = 50,
    Optimizer = new SgdOptimizer { LearningRate = 0.05 },
    Schedule = Schedule.OneCycle(),
    Augmentation = Augmentation.CropAndFlip with { Padding = 1, Flip = false },
    ValidationFraction = 0,
};
var teacher = ml.MulticlassClassification.Trainers
    .AdversarialTraining(new() { Network = "tinycnn-16-bn", Settings = settings, Training = training }).Fit(train);
var student = ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
{
    Network = "tinycnn-8-bn",
    Teacher = teacher,
    Method = "ard-corrected",
    Settings = settings with { Temperature = 4 },
    Training = training,
}).Fit(train);

// From the file's path to the scores in one model; the adversary changes the pixels that come out of ExtractPixels.
var metrics = ml.MulticlassClassification.EvaluateRobustness(
    images.Append(student), split.TestSet, new() { Evaluation = new() { Threat = threat } });
Console.WriteLine(
    $"{metrics.Report.Clean.Correct.Count} test images of {student.ClassNames.Count} classes: {metrics.Clean.Accuracy:P1} right, "
    + $"{metrics["pgd-20"].Accuracy:P1} under PGD-20");

// Draws built-in images as PNG files, one folder a class.
static string Draw(string folder, int count)
{
    using var glyphs = Glyphs.Generate(count, seed: 1);
    var labels = glyphs.Labels.data<long>().ToArray();
    var side = Glyphs.ImageSize;
    for (var i = 0; i < count; i++)
    {
        var pixels = glyphs.Images.bytes.Slice(i * side * side, side * side).ToArray()
            .SelectMany(grey => new byte[] { grey, grey, grey, 255 }).ToArray();
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, Glyphs.ClassNames[(int)labels[i]])).FullName, $"{i:D4}.png");
        using var image = MLImage.CreateFromPixels(side, side, MLPixelFormat.Rgba32, pixels);
        image.Save(path);
    }
    return folder;
}
