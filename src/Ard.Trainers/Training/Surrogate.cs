namespace Ard.Trainers.Training;

/// <summary>
/// Networks that imitate a model which can only be asked (Papernot, McDaniel, Goodfellow, Jha, Celik and Swami, "Practical black-box
/// attacks against machine learning", ASIA CCS 2017): what an attack finds on the imitation may deceive the model too.
/// </summary>
public static class Surrogate
{
    /// <summary>
    /// Trains a network on the classes that a model names of images, one query an image, for <see cref="Attack.Transfer"/>. Unlike
    /// in the paper no images are made for it: those of the evaluation, or others of their kind, are what it learns from.
    /// </summary>
    /// <param name="network">The network to be trained, with as many outputs as the model has classes.</param>
    /// <param name="model">Images [N,C,H,W] to logits [N,classes], such as <see cref="BlackBox"/> makes.</param>
    /// <param name="images">[N,C,H,W]: bytes, which are divided by 255, or floating point in [0,1].</param>
    /// <param name="options">The settings. Default: <see cref="TrainingOptions.WithDefaults"/> for natural training.</param>
    /// <param name="cancellation">Looked at before each step.</param>
    /// <exception cref="ArgumentException">Images or options are not as described, or the model names one class of all images.</exception>
    /// <exception cref="InvalidOperationException">The model failed, or its output is not [N,classes].</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static TrainingResult Fit(
        Module<Tensor, Tensor> network, Module<Tensor, Tensor> model, Tensor images, TrainingOptions? options = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(images);
        using var labels = zeros([images.dim() > 0 ? images.shape[0] : 0], dtype: ScalarType.Int64, device: images.device);
        var (named, classes) = Ask(EvaluationSubject.Checked(nameof(Surrogate), model, images, labels, cancellation: cancellation));
        // Where the model says nothing there is nothing to learn.
        long[] sure = [.. PointNoise.Rows(named.Length).Where(row => named[row] >= 0)];
        long[] learned = [.. sure.Select(row => named[row])];
        if (learned.Distinct().Count() < 2)
            throw new ArgumentException(
                $"{nameof(Surrogate)}: the model names {(sure.Length == 0 ? "no class" : $"class {learned[0]}")} of all "
                + $"{(sure.Length == 0 ? named.Length : sure.Length)} images, expected two classes or more.");
        using var scope = NewDisposeScope();
        var some = images.cpu().index_select(0, tensor(sure));
        using var data = new ImageDataset(
            some.is_floating_point() ? some.to(ScalarType.Float32) : some, tensor(learned), Idx.Numbers(classes));
        return Trainer.Fit(network, Objective.Natural(), data, options, cancellation: cancellation);
    }

    private static (long[] Named, int Classes) Ask(EvaluationSubject subject)
    {
        var (named, classes) = (new List<long>(), 0);
        foreach (var places in subject.Batches(subject.BatchSize))
        {
            subject.Cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var logits = subject.Logits(subject.Take(places).Images);
            classes = (int)logits.shape[1];
            named.AddRange(AttackTarget.Predictions(logits).cpu().data<long>().ToArray());
        }
        return ([.. named], classes);
    }
}
