namespace Ard.Trainers.Networks;

/// <summary>
/// (x - mean) / std, channel by channel, on images [N,C,H,W]. Mean and std are constants of the layer, not part of its state dict, so that
/// a network's names stay those of its usual definition; they follow the images to their device and dtype.
/// </summary>
public sealed class Normalisation : Module<Tensor, Tensor>, IOnnxModule
{
    private readonly double[] mean, std;
    private Constants constants;

    /// <summary>Makes the layer from one mean and one standard deviation a channel, in units of [0,1] images.</summary>
    /// <exception cref="ArgumentException">No channel, lengths differ, or a value is not finite or a deviation not positive.</exception>
    public Normalisation(IReadOnlyList<double> mean, IReadOnlyList<double> std) : base(nameof(Normalisation))
    {
        string[] faults = [.. Faults(mean, std)];
        if (faults.Length > 0) throw new ArgumentException($"Normalisation: {string.Join("; ", faults)}.");
        (this.mean, this.std) = ([.. mean], [.. std]);
        constants = new Constants(this.mean, this.std, ScalarType.Float32, CPU);
    }

    /// <summary>Images [N,C,H,W], of floats, to normalised images of the same shape, device and dtype.</summary>
    public override Tensor forward(Tensor images)
    {
        // Not buffers: TorchSharp leaves those that are not in the state dict behind when a network is moved. A reader in another thread
        // sees the old or the new pair; what is replaced is left to the finalizer, for another thread may still be using it.
        var current = constants;
        if (!current.Mean.IsOfTypeAndDeviceOf(images)) constants = current = new Constants(mean, std, images.dtype, images.device);
        return images.sub(current.Mean).div_(current.Std);
    }

    OnnxValue IOnnxModule.ToOnnx(OnnxValue input) =>
        (input - input.Constant("mean", constants.Mean)) / input.Constant("std", constants.Std);

    internal static IEnumerable<string> Faults(IReadOnlyList<double> mean, IReadOnlyList<double> std)
    {
        if (mean.Count == 0 || mean.Count != std.Count)
            yield return $"mean has {mean.Count} and std {std.Count} values, expected the same positive number of both";
        if (!mean.All(double.IsFinite)) yield return $"mean {Text(mean)} has a value that is not finite";
        if (!std.All(value => double.IsFinite(value) && value > 0))
            yield return $"std {Text(std)} has a value that is not finite and positive";
    }

    internal static string Text(IReadOnlyList<double> values) =>
        $"[{string.Join(", ", values.Select(value => value.ToString(CultureInfo.InvariantCulture)))}]";

    /// <summary>Frees the constants.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            constants.Mean.Dispose();
            constants.Std.Dispose();
        }
        base.Dispose(disposing);
    }

    private sealed class Constants(double[] mean, double[] std, ScalarType type, Device device)
    {
        public Tensor Mean { get; } = Channels(mean, type, device);
        public Tensor Std { get; } = Channels(std, type, device);

        private static Tensor Channels(double[] values, ScalarType type, Device device)
        {
            using var plain = tensor(values);
            using var shaped = plain.reshape(1, values.Length, 1, 1);
            return shaped.to(type, device, copy: true).DetachFromDisposeScope();
        }
    }
}
