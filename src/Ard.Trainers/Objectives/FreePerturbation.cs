namespace Ard.Trainers.Objectives;

/// <summary>
/// The perturbation of "free" adversarial training (Shafahi et al., NeurIPS 2019, algorithm 1): each batch is trained on m times; one
/// backward pass gives the gradients of weights and perturbation, and both move. It is carried from replay to replay and batch to batch, in
/// the memory; it starts at zero. A smaller batch uses its first rows.
/// </summary>
/// <remarks>
/// Images are projected onto the threat model, [0,1] included, before they are used, and delta is what is left, as in the code of Wong,
/// Rice and Kolter (ICLR 2020). The released code clips the images it trains on and carries delta as it is.
/// </remarks>
public sealed record FreePerturbation
{
    internal const string Memory = "free.delta";

    /// <summary>What is allowed. Default Linf, 8/255. A step of the perturbation has the length epsilon.</summary>
    public ThreatModel Threat { get; init; } = ThreatModel.Cifar10;

    /// <summary>m, how often a batch is trained on in a row. Default 8, the paper's choice for CIFAR-10.</summary>
    [Range(1, int.MaxValue)]
    public int Replays { get; init; } = 8;

    /// <summary>The images of this replay, allowed ones, now the batch's adversarial: a leaf that collects its gradient.</summary>
    internal Tensor Points(TrainingBatch batch)
    {
        using var noGrad = no_grad();
        var images = batch.Images;
        var points = images.clone();
        if (batch.Memory[Memory] is { } delta)
        {
            var rows = Math.Min(delta.shape[0], images.shape[0]);
            points.narrow(0, 0, rows).Add_(delta.narrow(0, 0, rows));
        }
        return batch.Adversarial = Threat.Project(points, images).requires_grad_();
    }

    /// <summary>After backward: delta := project(delta + epsilon · steepest ascent). Rows beyond the batch stay as they are.</summary>
    internal void Ascend(TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var points = batch.Adversarial ?? throw new InvalidOperationException("The batch has no points yet: the loss comes first.");
        var gradient = points.grad ?? throw new InvalidOperationException("The points have no gradient yet: backward comes first.");
        var stepped = points.detach().PlusScaled(Threat.SteepestAscent(gradient), Threat.Epsilon);
        var moved = Threat.Project(stepped, batch.Images) - batch.Images;
        // An image of another process's: that one remembers its perturbation.
        if (batch.Share is { Own: 0 }) return;
        var (rows, before) = (moved.shape[0], batch.Memory[Memory]);
        batch.Memory.Set(
            Memory, before is not null && before.shape[0] > rows ? cat([moved, before.narrow(0, rows, before.shape[0] - rows)]) : moved,
            perImage: true);
    }
}

internal sealed record FreeAdversarialTrainingOptions
{
    public FreePerturbation Free { get; init; } = new();
}

/// <summary>
/// Free adversarial training (Shafahi et al., NeurIPS 2019): CE(S(x + delta), y), a mean over the batch, where delta follows the gradient
/// of the same loss: see <see cref="FreePerturbation"/>. With m weight steps a batch and 1/m of the epochs it costs what natural training
/// does.
/// </summary>
internal sealed class FreeAdversarialTraining(FreeAdversarialTrainingOptions? options = null)
    : Objective<FreeAdversarialTrainingOptions>(options)
{
    public override string Name => "free";
    public override ThreatModel? Threat => Options.Free.Threat;
    public override int Replays => Options.Free.Replays;

    public override Tensor Loss(TrainingBatch batch) => batch.CrossEntropy(batch.Report(batch.Student.call(Options.Free.Points(batch))));
    public override void AfterBackward(TrainingBatch batch) => Options.Free.Ascend(batch);
}
