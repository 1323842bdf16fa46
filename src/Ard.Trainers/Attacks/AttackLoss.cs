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
}
