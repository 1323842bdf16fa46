using Ard.MLNet;
using Ard.Trainers.Checkpoints;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>Where a teacher may come from: a classifier, a pipeline, a module, a file.</summary>
internal static class TeacherNetworkSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        var train = ml.Data.LoadGlyphs(40, seed: 1); // with 50 or more, teachers that have learned nothing are refused
        var pipeline = ml.Transforms.CopyColumns("Pixels", "Features")
            .Append(ml.MulticlassClassification.Trainers.AdversarialTraining("tinycnn-4-bn", epochs: 1)).Fit(train);
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.safetensors");
        ModelFile.Write(path, Given.Robust);

        (string Name, TeacherNetwork Teacher)[] teachers =
        [
            ("a fitted classifier", ImageClassifierTransformer.From(pipeline)),
            ("a pipeline with one", TeacherNetwork.From(pipeline)),
            ("a module", Given.Robust),
            ("a file", TeacherNetwork.FromFile(path)),
        ];
        foreach (var (name, teacher) in teachers)
        {
            using var student = ml.MulticlassClassification.Trainers.AdversarialDistillation("tinycnn-2-bn", teacher, epochs: 1).Fit(train);
            Console.WriteLine($"{name}: {student.Training!.History.Count} epoch");
        }
        File.Delete(path);

        // Expected output:
        // a fitted classifier: 1 epoch
        // a pipeline with one: 1 epoch
        // a module: 1 epoch
        // a file: 1 epoch
    }
}
