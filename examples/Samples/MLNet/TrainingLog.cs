using Ard.MLNet;
using Ard.Trainers.Training;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Ard.Samples;

/// <summary>What a training tells while it runs, how to stop it, and what is left of it.</summary>
internal static class TrainingLogSample
{
    public static void Example()
    {
        var ml = new MLContext(seed: 1);
        ml.Log += (_, line) =>
        {
            if (line.Kind == ChannelMessageKind.Warning || line.RawMessage.StartsWith("Epoch", StringComparison.Ordinal))
                Console.WriteLine($"{line.Source}: {line.RawMessage.Split(':')[0]}");
        };
        using var stop = new CancellationTokenSource();
        var train = ml.Data.LoadGlyphs(100, seed: 1);
        using var classifier = ml.MulticlassClassification.Trainers.AdversarialTraining(new()
        {
            Network = "tinycnn-2-bn",
            Method = "natural",
            Training = Given.Short with { Epochs = 50, WhenCancelled = CancellationBehaviour.ReturnBestSoFar },
            Progress = new StopAfter(2, stop),
            Cancellation = stop.Token,
        }).Fit(train);
        Console.WriteLine($"cancelled: {classifier.Training!.Cancelled}, epochs {classifier.Training.History.Count}");

        // Expected output:
        // ArdTrainer; Training: Epoch 1 of 50
        // ArdTrainer; Training: Epoch 2 of 50
        // cancelled: True, epochs 2
    }

    private sealed class StopAfter(int epoch, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.EpochEnded && value.Epoch == epoch) stop.Cancel();
        }
    }
}
