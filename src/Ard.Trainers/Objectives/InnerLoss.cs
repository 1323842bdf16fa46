namespace Ard.Trainers.Objectives;

/// <summary>What the inner maximisation makes large, summed over the batch, so that points do not influence one another's step.</summary>
public sealed class InnerLoss
{
    private readonly string name;

    internal InnerLoss(string name, Func<TrainingBatch, Func<Tensor, Tensor>> prepare) => (this.name, Prepare) = (name, prepare);

    /// <summary>Cross-entropy of the student's prediction and the label: adversarial training, ARD.</summary>
    public static InnerLoss CrossEntropy { get; } = new(nameof(CrossEntropy), batch =>
        points => functional.cross_entropy(batch.Student.call(points), batch.Targets, reduction: Reduction.Sum));

    /// <summary>KL(student(x') ‖ student(x)), the target fixed and computed once, in the mode of the attack: TRADES.</summary>
    public static InnerLoss DivergenceFromOwnClean { get; } =
        new(nameof(DivergenceFromOwnClean), batch => DivergenceFrom(OwnClean(batch), batch));

    /// <summary>KL(student(x') ‖ teacher(x)), the target fixed: RSLAD.</summary>
    public static InnerLoss DivergenceFromTeacherOnClean { get; } =
        new(nameof(DivergenceFromTeacherOnClean), batch => DivergenceFrom(batch.TeacherLogits, batch));

    /// <summary>KL(student(x') ‖ teacher(x')), with the gradient through the teacher, which each step asks: AdaAD.</summary>
    public static InnerLoss DivergenceFromTeacherOnSame { get; } = new(nameof(DivergenceFromTeacherOnSame), batch =>
        points =>
        {
            var taught = batch.CallTeacher(points);
            if (points.requires_grad && !taught.requires_grad)
                throw new InvalidOperationException(
                    "The attack goes through the teacher, whose answer has no gradient with regard to the images: expected a network.");
            return KlDivergence.Sum(batch.Student.call(points), taught);
        });

    /// <summary>
    /// KL(student(x') ‖ t(x')), where t is the teacher's answer to x, to whose logit of the label the step x' - x along that logit's
    /// gradient at x is added: SAAD. The teacher is asked once, and the gradient flows through t as well.
    /// </summary>
    internal static InnerLoss DivergenceFromLinearisedTeacher { get; } = new(nameof(DivergenceFromLinearisedTeacher), batch =>
    {
        var leaf = batch.Images.detach().requires_grad_();
        Tensor logits, gradient;
        using (enable_grad())
        {
            logits = batch.CallTeacher(leaf);
            var label = batch.SoftLabels is { } shares ? (logits * shares).sum(1) : logits.gather(1, batch.Labels.unsqueeze(1));
            gradient = InputGradient.Require(label, leaf);
        }
        var target = logits.detach();
        var truth = batch.TargetShares(target);
        return points =>
        {
            var change = (gradient * (points - batch.Images)).flatten(1).sum(1, keepdim: true);
            return KlDivergence.Sum(batch.Student.call(points), target.Plus(truth * change));
        };
    });

    /// <summary>KL(student(x') ‖ peer(x)), the target fixed and made in eval mode: PeerAiD.</summary>
    internal static InnerLoss DivergenceFromPeerOnClean { get; } =
        new(nameof(DivergenceFromPeerOnClean), batch => DivergenceFrom(batch.AskPeer(batch.Images), batch));

    /// <inheritdoc/>
    public override string ToString() => name;

    /// <summary>Prepares what stays fixed in one maximisation: from points [N,...] to a scalar with a graph to them.</summary>
    internal Func<TrainingBatch, Func<Tensor, Tensor>> Prepare { get; }

    private static Func<Tensor, Tensor> DivergenceFrom(Tensor target, TrainingBatch batch) =>
        points => KlDivergence.Sum(batch.Student.call(points), target);

    private static Tensor OwnClean(TrainingBatch batch)
    {
        using var noGrad = no_grad();
        return batch.Student.call(batch.Images);
    }
}
