namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="Saad"/>: <see cref="InnerMaximisation.Adaptive"/> against the linearised teacher.</summary>
public sealed record SaadOptions()
    : AdversarialOptions(InnerMaximisation.Adaptive with { Loss = InnerLoss.DivergenceFromLinearisedTeacher })
{
    /// <summary>The order of the Rényi entropy by which images are weighted, positive. Default 1, Shannon's entropy.</summary>
    [Range(0, double.MaxValue, MinimumIsExclusive = true)]
    public double EntropyOrder { get; init; } = 1;

    /// <summary>a, the weight of the gradient matching in the last epoch. Default 1, for 10 classes; released with 10 for 100.</summary>
    [Range(0, double.MaxValue)]
    public double IgdmWeight { get; init; } = 1;

    /// <summary>b, the weight of the clean images' distillation. Default 0.</summary>
    [Range(0, double.MaxValue)]
    public double CleanWeight { get; init; }

    /// <summary>Whether the released code's pass at <see cref="CleanWeight"/> 0, for statistics only, is taken. Default true.</summary>
    public bool StatisticsPasses { get; init; } = true;
}

/// <summary>
/// Sample-wise adaptive adversarial distillation (Lee et al., TMLR 2026): the mean of w (KL(S(x') ‖ T(x')) + a (e/E) G) + b (1 - w/max w)
/// KL(S(x) ‖ T(x)). w = 5 (H - min H) weights each image by how unsure the teacher is of x', H its entropy and the least that of the batch:
/// where a teacher is sure, its robustness hardly carries over to students. G is the term of <see cref="Igdm"/>, at x' and its mirror image
/// 2x - x', e counts the epochs from 1. The student sees x', 2x - x', then x.
/// </summary>
internal sealed class Saad(SaadOptions? options = null) : AdversarialObjective<SaadOptions>(options)
{
    public override string Name => "saad";
    public override bool NeedsTeacher => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var mirrored = batch.Images.Times(2) - adversarial;
        var (plusTarget, minusTarget) = (batch.AskTeacher(adversarial), batch.AskTeacher(mirrored));
        var cleanTarget = Options.CleanWeight > 0 ? batch.TeacherLogits : null;
        var plus = batch.Report(batch.Student.call(adversarial));
        var minus = batch.Student.call(mirrored);
        var unsure = Entropy(plusTarget, Options.EntropyOrder);
        var weights = (unsure - batch.LeastOfAll(unsure.min())).Times(5).ClampMin(0);
        var gradients = KlDivergence.OfEach(plus - minus, plusTarget - minusTarget)
            .Times(Options.IgdmWeight * (batch.Epoch + 1) / batch.Epochs);
        var loss = (weights * KlDivergence.OfEach(plus, plusTarget).Plus(gradients)).mean();
        if (cleanTarget is null)
        {
            if (Options.StatisticsPasses) batch.MoveStatistics(batch.Images);
            return loss;
        }
        var most = batch.LeastOfAll(weights.max().negative()).negative();
        var rest = 1.Minus(weights / most.Plus(1e-8));
        var clean = KlDivergence.OfEach(batch.Student.call(batch.Images), cleanTarget);
        return loss.Plus((rest * clean).mean().Times(Options.CleanWeight));
    }

    /// <summary>The Rényi entropy of each answer [N]: log Σ p^order / (1 - order), and -Σ p log p at order 1.</summary>
    internal static Tensor Entropy(Tensor logits, double order)
    {
        var logP = logits.log_softmax(1);
        return Math.Abs(order - 1) < 1e-6 ? (logP.exp() * logP).sum(1).negative() : logP.Times(order).logsumexp(1).Over(1 - order);
    }
}
