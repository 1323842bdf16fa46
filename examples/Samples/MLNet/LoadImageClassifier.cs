using Ard.MLNet;
using Ard.Trainers.Checkpoints;
using Ard.Trainers.Networks;
using Microsoft.ML;

namespace Ard.Samples;

/// <summary>A network that was trained outside of ML.NET, by the command line or in PyTorch, as a model of ML.NET.</summary>
internal static class LoadImageClassifierSample
{
    public static void Example()
    {
        var path = Path.Combine(Path.GetTempPath(), $"ard-sample-{Guid.NewGuid():N}.safetensors");
        // As ./ard distill, import and export write it.
        using (var trained = (NetworkSpec.Parse("tinycnn-4-bn") with { Classes = 2, InputChannels = 1, ImageSize = 16 }).Build(seed: 1))
            ModelFile.Write(path, trained);

        var ml = new MLContext();
        using var model = ml.Model.LoadImageClassifier(path, classNames: ["cracked", "sound"]);
        var images = ml.Data.LoadGlyphs(10, seed: 1);
        var scored = model.Transform(images);
        Console.WriteLine($"{string.Join(", ", model.ClassNames)}: {scored.Schema["PredictedLabel"].Type}, {scored.Schema["Score"].Type}");
        ml.Model.Save(model, images.Schema, path + ".zip");
        File.Delete(path);
        File.Delete(path + ".zip");

        // Expected output:
        // cracked, sound: Key<UInt32, 0-1>, Vector<Single, 2>
    }
}
