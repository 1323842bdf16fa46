using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Attacks;

/// <summary>The network as an attack sees it: logits that are checked, and a count of what they cost.</summary>
public sealed class AttackTarget
{
    private readonly Module<Tensor, Tensor> model;
    private readonly long largestLabel;
    private readonly string attack;

    internal AttackTarget(Module<Tensor, Tensor> model, long largestLabel, string attack)
    {
        this.model = model;
        this.largestLabel = largestLabel;
        this.attack = attack;
    }

    /// <summary>How many points have been sent through the network.</summary>
    public long ForwardPoints { get; private set; }

    /// <summary>Points [n,...] to logits [n,classes], with a graph where the caller records one. Waits for the device.</summary>
    /// <exception cref="InvalidOperationException">
    /// The network's output is not [n,classes], has too few classes for the labels, or is not finite.
    /// </exception>
    public Tensor Logits(Tensor points)
    {
        var logits = model.call(points);
        ForwardPoints += points.shape[0];
        if (logits.dim() != 2 || logits.shape[0] != points.shape[0])
            throw new InvalidOperationException(
                $"{attack}: the network's output has shape [{string.Join(",", logits.shape)}], expected [{points.shape[0]},classes].");
        if (logits.shape[1] <= largestLabel)
            throw new InvalidOperationException(
                $"{attack}: the network has {logits.shape[1]} classes, expected more than {largestLabel}, the largest label.");
        using var finite = logits.detach().isfinite().all();
        if (!finite.item<bool>())
            throw new InvalidOperationException(
                $"{attack}: the network's logits are not finite (NaN or infinity); its robustness cannot be measured.");
        return logits;
    }
}
