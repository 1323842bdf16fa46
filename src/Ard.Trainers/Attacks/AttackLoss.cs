using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

/// <summary>What an attack makes large: logits [N,classes] and labels [N] to one loss a point [N].</summary>
public delegate Tensor AttackLoss(Tensor logits, Tensor labels);

/// <summary>The losses that attacks use.</summary>
public static class AttackLosses
{
    /// <summary>Cross-entropy, -log softmax(logits)[label].</summary>
    public static Tensor CrossEntropy(Tensor logits, Tensor labels) => functional.cross_entropy(logits, labels, reduction: Reduction.None);

    /// <summary>
    /// The margin by which the point is misclassified: the largest logit of another class less the true one's. Negative where the network
    /// is right; minus infinity where it has one class only.
    /// </summary>
    public static Tensor Margin(Tensor logits, Tensor labels)
    {
        var truth = labels.unsqueeze(1);
        var others = logits.scatter(1, truth, logits.new_full([labels.shape[0], 1], double.NegativeInfinity));
        return others.amax([1]) - logits.gather(1, truth).flatten();
    }
}
