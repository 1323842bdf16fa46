namespace Ard.Trainers.Training;

/// <summary>What a training takes where its options leave it open, the same in the library, in ML.NET and on the command line.</summary>
internal static class TrainingDefaults
{
    // ARD and its successors (Goldblum et al., AAAI 2020) train with this rate on batches of this size.
    private const double Rate = 0.1;
    private const int UsualBatch = 128;

    // The decay that serves adversarial training best, of those tried by Pang et al. (ICLR 2021, "Bag of tricks").
    private const double WeightDecay = 5e-4;

    // Wong, Rice and Kolter (ICLR 2020) train robust networks of CIFAR-10 in 30 epochs where the rate rises and falls once.
    private const int FewestEpochs = 30;

    // The epochs of ARD; and half as many steps again as the trainings of 1,000 images in docs/results.md took (50 epochs of 20).
    private const int MostEpochs = 200;
    private const int FewestSteps = 1500;

    /// <summary>A twentieth of the images, so that an epoch of few images has more than a few steps; 32 to 128.</summary>
    public static int BatchSize(long images) => (int)Math.Clamp(images / 20, 32, UsualBatch);

    /// <summary>30, and more of few images; each counts as often as the method trains on a batch in a row.</summary>
    public static int Epochs(long images, int batchSize, int replays)
    {
        var steps = new BatchPlan(images, batchSize).Steps;
        var epochs = Math.Clamp((FewestSteps + steps - 1) / steps, FewestEpochs, MostEpochs);
        return Math.Max(1, (epochs + replays - 1) / replays);
    }

    /// <summary>
    /// SGD with the rate of cross-entropy in proportion to the root of the batch (Hoffer, Hubara and Soudry, NeurIPS 2017) and against the
    /// loss's scale; the decay in proportion to that scale: both take the steps of the scale of cross-entropy.
    /// </summary>
    public static SgdOptimizer Optimizer(Objective objective, int classes, int batchSize)
    {
        var scale = objective.LossScale(classes);
        return new() { LearningRate = Rate * Math.Sqrt((double)batchSize / UsualBatch) / scale, WeightDecay = WeightDecay * scale };
    }
}
