using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Networks;

/// <summary>
/// (x - mean) / std, channel by channel, on images [N,C,H,W]. Mean and std are buffers that move with the network between devices and
/// dtypes but are not part of its state dict, so that a network's names stay those of its usual definition.
/// </summary>
public sealed class Normalisation : Module<Tensor, Tensor>
{
    /// <summary>Makes the layer from one mean and one standard deviation a channel, in units of [0,1] images.</summary>
    /// <exception cref="ArgumentException">
    /// No channel, lengths that differ, a value that is not finite, or a deviation that is not positive; the message holds all faults.
    /// </exception>
    public Normalisation(IReadOnlyList<double> mean, IReadOnlyList<double> std) : base(nameof(Normalisation))
    {
        if (Faults(mean, std) is { Count: > 0 } faults) throw new ArgumentException($"Normalisation: {string.Join("; ", faults)}.");
        register_buffer(nameof(mean), Constant(mean), persistent: false);
        register_buffer(nameof(std), Constant(std), persistent: false);
    }

    /// <summary>Images [N,C,H,W] to normalised images of the same shape.</summary>
    public override Tensor forward(Tensor images)
    {
        // Asked for by name: a move to another device or dtype replaces the registered tensors.
        return images.sub(get_buffer("mean")!).div_(get_buffer("std")!);
    }

    internal static IReadOnlyList<string> Faults(IReadOnlyList<double> mean, IReadOnlyList<double> std)
    {
        var faults = new List<string>();
        if (mean.Count == 0 || mean.Count != std.Count)
            faults.Add($"mean has {mean.Count} and std {std.Count} values, expected the same positive number of both");
        if (mean.Any(value => !double.IsFinite(value))) faults.Add($"mean [{string.Join(", ", mean)}] has a value that is not finite");
        if (std.Any(value => !double.IsFinite(value) || value <= 0))
            faults.Add($"std [{string.Join(", ", std)}] has a value that is not finite and positive");
        return faults;
    }

    private static Tensor Constant(IReadOnlyList<double> values) =>
        tensor(values.Select(value => (float)value).ToArray()).reshape(1, values.Count, 1, 1).DetachFromDisposeScope();
}
