using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Objectives;

/// <summary>
/// What the inner maximisation makes large. Each is summed over the batch, so that the points do not influence one another's step.
/// </summary>
public abstract class InnerLoss
{
    /// <summary>Cross-entropy of the student's prediction and the label: adversarial training, ARD.</summary>
    public static InnerLoss CrossEntropy { get; } = new LabelCrossEntropy();

    /// <summary>
    /// KL(student(x') ‖ student(x)), the target fixed: TRADES. The target is computed once an iteration, in the mode that the attack uses;
    /// in eval mode that is the same as computing it in every step.
    /// </summary>
    public static InnerLoss DivergenceFromOwnClean { get; } = new OwnClean();

    /// <summary>KL(student(x') ‖ teacher(x)), the target fixed: RSLAD.</summary>
    public static InnerLoss DivergenceFromTeacherOnClean { get; } = new TeacherOnClean();

    /// <summary>
    /// KL(student(x') ‖ teacher(x')), where the gradient flows through the teacher as well: AdaAD. It needs the teacher in every step.
    /// </summary>
    public static InnerLoss DivergenceFromTeacherOnSame { get; } = new TeacherOnSame();

    /// <summary>KL(student(x') ‖ peer(x)), the target fixed and made in eval mode: PeerAiD.</summary>
    public static InnerLoss DivergenceFromPeerOnClean { get; } = new PeerOnClean();

    /// <summary>Prepares what stays fixed during one maximisation.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns>A function from points [N,...] to a scalar with a graph to the points.</returns>
    public abstract Func<Tensor, Tensor> On(TrainingBatch batch);

    private sealed class LabelCrossEntropy : InnerLoss
    {
        public override string ToString() => nameof(CrossEntropy);

        public override Func<Tensor, Tensor> On(TrainingBatch batch) =>
            points => functional.cross_entropy(batch.Student.call(points), batch.Labels, reduction: Reduction.Sum);
    }

    private sealed class OwnClean : InnerLoss
    {
        public override string ToString() => nameof(DivergenceFromOwnClean);

        public override Func<Tensor, Tensor> On(TrainingBatch batch)
        {
            using var noGrad = no_grad();
            var target = batch.Student.call(batch.Images);
            return points => KlDivergence.Between(batch.Student.call(points), target, reduction: KlReduction.Sum);
        }
    }

    private sealed class TeacherOnClean : InnerLoss
    {
        public override string ToString() => nameof(DivergenceFromTeacherOnClean);

        public override Func<Tensor, Tensor> On(TrainingBatch batch)
        {
            var target = batch.TeacherLogits;
            return points => KlDivergence.Between(batch.Student.call(points), target, reduction: KlReduction.Sum);
        }
    }

    private sealed class PeerOnClean : InnerLoss
    {
        public override string ToString() => nameof(DivergenceFromPeerOnClean);

        public override Func<Tensor, Tensor> On(TrainingBatch batch)
        {
            var target = batch.AskPeer(batch.Images);
            return points => KlDivergence.Between(batch.Student.call(points), target, reduction: KlReduction.Sum);
        }
    }

    private sealed class TeacherOnSame : InnerLoss
    {
        public override string ToString() => nameof(DivergenceFromTeacherOnSame);

        public override Func<Tensor, Tensor> On(TrainingBatch batch) =>
            points => KlDivergence.Between(batch.Student.call(points), batch.CallTeacher(points), reduction: KlReduction.Sum);
    }
}
