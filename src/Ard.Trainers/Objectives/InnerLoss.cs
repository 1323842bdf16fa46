using Ard.Trainers.Attacks;

namespace Ard.Trainers.Objectives;

/// <summary>What the inner maximisation makes large, summed over the batch, so that points do not influence one another's step.</summary>
public abstract class InnerLoss
{
    /// <summary>Cross-entropy of the student's prediction and the label: adversarial training, ARD.</summary>
    public static InnerLoss CrossEntropy { get; } = new BuiltIn(nameof(CrossEntropy), batch =>
        points => functional.cross_entropy(batch.Student.call(points), batch.Targets, reduction: Reduction.Sum));

    /// <summary>
    /// KL(student(x') ‖ student(x)), the target fixed: TRADES. The target is computed once an iteration, in the mode that the attack uses;
    /// in eval mode that is the same as computing it in every step.
    /// </summary>
    public static InnerLoss DivergenceFromOwnClean { get; } =
        new BuiltIn(nameof(DivergenceFromOwnClean), batch => DivergenceFrom(OwnClean(batch), batch));

    /// <summary>KL(student(x') ‖ teacher(x)), the target fixed: RSLAD.</summary>
    public static InnerLoss DivergenceFromTeacherOnClean { get; } =
        new BuiltIn(nameof(DivergenceFromTeacherOnClean), batch => DivergenceFrom(batch.TeacherLogits, batch));

    /// <summary>KL(student(x') ‖ teacher(x')), with the gradient through the teacher, which each step asks: AdaAD.</summary>
    public static InnerLoss DivergenceFromTeacherOnSame { get; } = new BuiltIn(nameof(DivergenceFromTeacherOnSame), batch =>
        points => KlDivergence.Between(batch.Student.call(points), batch.CallTeacher(points), reduction: KlReduction.Sum));

    /// <summary>
    /// KL(student(x') ‖ t(x')), where t is the teacher's answer to x, to whose logit of the label the step x' - x along that logit's
    /// gradient at x is added: SAAD. The teacher is asked once, and the gradient flows through t as well.
    /// </summary>
    public static InnerLoss DivergenceFromLinearisedTeacher { get; } = new BuiltIn(nameof(DivergenceFromLinearisedTeacher), batch =>
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
            return KlDivergence.Between(batch.Student.call(points), target.Plus(truth * change), reduction: KlReduction.Sum);
        };
    });

    /// <summary>KL(student(x') ‖ peer(x)), the target fixed and made in eval mode: PeerAiD.</summary>
    public static InnerLoss DivergenceFromPeerOnClean { get; } =
        new BuiltIn(nameof(DivergenceFromPeerOnClean), batch => DivergenceFrom(batch.AskPeer(batch.Images), batch));

    /// <summary>Prepares what stays fixed during one maximisation.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns>A function from points [N,...] to a scalar with a graph to the points.</returns>
    public abstract Func<Tensor, Tensor> Prepare(TrainingBatch batch);

    private static Func<Tensor, Tensor> DivergenceFrom(Tensor target, TrainingBatch batch) =>
        points => KlDivergence.Between(batch.Student.call(points), target, reduction: KlReduction.Sum);

    private static Tensor OwnClean(TrainingBatch batch)
    {
        using var noGrad = no_grad();
        return batch.Student.call(batch.Images);
    }

    private sealed class BuiltIn(string name, Func<TrainingBatch, Func<Tensor, Tensor>> prepare) : InnerLoss
    {
        public override string ToString() => name;
        public override Func<Tensor, Tensor> Prepare(TrainingBatch batch) => prepare(batch);
    }
}
