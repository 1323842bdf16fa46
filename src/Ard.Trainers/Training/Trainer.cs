using Ard.Trainers.Data;
using Ard.Trainers.Objectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Training;

/// <summary>The training loop, the same for every <see cref="Objective"/>.</summary>
public static class Trainer
{
    /// <summary>
    /// Trains a student. On the CPU the same arguments give the same weights bit for bit, also when the training is stopped at any point
    /// and resumed from its checkpoint with the same number of threads.
    /// </summary>
    /// <param name="student">
    /// The network to train, images [N,C,H,W] in [0,1] to logits [N,classes], float32 or float64. Afterwards it has the weights of the
    /// result, is in eval mode and on the device of the options.
    /// </param>
    /// <param name="objective">The training method.</param>
    /// <param name="teacher">
    /// The teacher, for objectives that need one. It is on the device of the options meanwhile, and afterwards where and as it was found.
    /// </param>
    /// <param name="data">
    /// The training images; a share is set aside for validation where the options say so and no validation set is given.
    /// </param>
    /// <param name="options">The settings; default those that <see cref="TrainingOptions.For"/> finds for method and images.</param>
    /// <param name="validation">Images to choose the best epoch by. Default: a share of <paramref name="data"/>.</param>
    /// <param name="progress">Told at intervals and after each epoch, on this thread.</param>
    /// <param name="cancellation">Looked at before each step and during validation.</param>
    /// <param name="naturalTeacher">
    /// The second teacher, for objectives that need one for clean images, such as MTARD. Treated as the first.
    /// </param>
    /// <param name="peer">
    /// A network to be trained beside the student, for objectives that have one, such as PeerAiD: as a rule a fresh one of the student's
    /// architecture. Afterwards it has its last weights and is in eval mode.
    /// </param>
    /// <exception cref="ArgumentException">
    /// Options or arguments do not fit; the message names every fault. Or a teacher is no better than chance.
    /// </exception>
    /// <exception cref="InvalidOperationException">Gradients of convolutions are wrong on this machine's CPU.</exception>
    /// <exception cref="TrainingDivergedException">The loss or the weights became NaN or infinite.</exception>
    /// <exception cref="Checkpoints.CheckpointException">The checkpoint to be resumed is damaged, or of another training.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, and the options say throw, or not a step was done.</exception>
    public static TrainingResult Fit(
        Module<Tensor, Tensor> student,
        Objective objective,
        Module<Tensor, Tensor>? teacher,
        ImageDataset data,
        TrainingOptions? options = null,
        ImageDataset? validation = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellation = default,
        Module<Tensor, Tensor>? naturalTeacher = null,
        Module<Tensor, Tensor>? peer = null)
    {
        options ??= new TrainingOptions();
        using var run = new TrainingRun(student, objective, teacher, naturalTeacher, peer, data, validation, options, progress);
        try
        {
            for (run.ResumeIfAsked(); run.Epoch < run.Epochs; run.EndEpoch(cancellation))
            {
                run.BeginEpoch();
                for (; run.Step < run.Steps; run.EndStep())
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var scope = NewDisposeScope();
                    var batch = run.NextBatch();
                    using var perturbed = batch.Perturbed;
                    run.SetLearningRate();
                    for (var replay = 1; replay <= objective.Replays; replay++)
                    {
                        run.ZeroGradients();
                        using var precision = run.UsePrecision();
                        var loss = objective.Loss(batch);
                        loss.backward();
                        objective.AfterBackward(batch);
                        run.ClipGradients();
                        run.Optimizer.step();
                        if (replay == objective.Replays) run.Meter.Record(run.Step, loss, batch);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            run.SaveCheckpoint();
            if (options.WhenCancelled == CancellationBehaviour.Throw || !run.HasTrained) throw;
        }
        return run.Finish();
    }
}
