using Ard.MLNet;
using Ard.MLNet.Evaluation;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Microsoft.ML;

namespace Ard.Examples.ImageFolder;

/// <summary>A teacher and a student on photographs, measured and saved.</summary>
internal static class Photographs
{
    public static int Train(string? folder, int count, int size, int epochs, string output, CancellationToken cancellation)
    {
        Directory.CreateDirectory(output);
        folder ??= Scenes.Draw(Path.Combine(output, "photographs"), count);
        var ml = new MLContext(seed: 1);
        var files = ml.Data.TrainTestSplit(ml.Data.LoadImageFolder(folder), testFraction: 0.2);
        // From the path of a file to its image; the trainers bring it to the network's size.
        var load = ml.Transforms.LoadImages("Features", "", "ImagePath");
        // Half as many attack steps as usual: quicker, and a little less robust.
        var settings = new ObjectiveSettings { Steps = 5 };

        Display.Run(display =>
        {
            var teacher = load.Append(ml.MulticlassClassification.Trainers.AdversarialTraining(new()
            {
                Network = Network("torchvision/resnet18-24"),
                Settings = settings,
                Training = new() { Epochs = epochs },
                Progress = display.Training("teacher"),
                Cancellation = cancellation,
            })).Fit(files.TrainSet);
            var student = load.Append(ml.MulticlassClassification.Trainers.AdversarialDistillation(new()
            {
                Network = Network("torchvision/resnet18-12"),
                Teacher = TeacherNetwork.From(teacher),
                Settings = settings,
                Training = new() { Epochs = epochs },
                Progress = display.Training("student"),
                Cancellation = cancellation,
            })).Fit(files.TrainSet);

            var options = new AdversarialEvaluatorOptions { Progress = display.Evaluation("student"), Cancellation = cancellation };
            var robustness = ml.MulticlassClassification.EvaluateRobustness(student, files.TestSet, options);
            var builtIn = ml.MulticlassClassification.Evaluate(student.Transform(files.TestSet));
            Console.WriteLine(builtIn.ConfusionMatrix.GetFormattedConfusionTable());
            foreach (var attack in robustness.Report.Attacks.Prepend(robustness.Report.Clean))
                Console.WriteLine($"{attack.Name}: {100 * attack.Accuracy:F1} % of {attack.Points.Count} right");
            foreach (var flag in robustness.Flags) Console.WriteLine(flag);

            robustness.SaveHtml(Path.Combine(output, "report.html"));
            ml.Model.Save(student, files.TrainSet.Schema, Path.Combine(output, "student.zip"));
            student.ExportOnnx(Path.Combine(output, "student.onnx"), new() { Softmax = true }, robustness);
            Console.WriteLine($"student.zip, student.onnx and report.html are in {Path.GetFullPath(output)}");
        });
        return 0;

        NetworkSpec Network(string name) => NetworkSpec.Parse(name) with { ImageSize = size };
    }
}
