using Ard.Trainers.Objectives;
using Ard.Trainers.Training;

namespace Ard.Samples;

/// <summary>A training that is stopped, and goes on from its checkpoint to the same weights.</summary>
internal static class ResumeTrainingSample
{
    public static void Example()
    {
        var folder = Directory.CreateTempSubdirectory("ard-sample-").FullName;
        var options = Given.Short with { Epochs = 3, CheckpointFolder = folder, Threads = 1 };

        // Stopped in the second epoch: the checkpoint is written, and the cancellation thrown.
        using var stop = new CancellationTokenSource();
        var first = Given.Network.Build(seed: 1);
        try
        {
            Trainer.Fit(
                first, Objective.Natural(), Given.Training, options, progress: new StopIn(2, stop), cancellation: stop.Token);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"stopped; in the folder: {string.Join(", ", Directory.GetFiles(folder).Select(Path.GetFileName))}");
        }

        var resumed = Given.Network.Build(seed: 1);
        Trainer.Fit(resumed, Objective.Natural(), Given.Training, options with { Resume = true });
        var undisturbed = Given.Network.Build(seed: 1);
        Trainer.Fit(undisturbed, Objective.Natural(), Given.Training, options with { CheckpointFolder = null });
        Console.WriteLine($"the same weights bit for bit: {Given.Same(resumed, undisturbed)}");
        Directory.Delete(folder, recursive: true);

        // Expected output:
        // stopped; in the folder: last.safetensors
        // the same weights bit for bit: True
    }

    private sealed class StopIn(int epoch, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Epoch == epoch) stop.Cancel();
        }
    }
}
